//! What is refused before it is in force, and how it is told.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "test code")]

use std::time::Duration;

use policy_rego::{DEFAULT_BUDGET, Module, RegoError, RegoPolicy};
use serde_json::json;

const GENEROUS: Duration = Duration::from_secs(5);

fn module(path: &str, text: &str) -> Module {
    Module { path: path.to_owned(), text: text.to_owned(), v0: false }
}

fn compile(texts: &[&str]) -> Result<RegoPolicy, RegoError> {
    let modules: Vec<Module> =
        texts.iter().enumerate().map(|(index, text)| module(&format!("/{index}.rego"), text)).collect();
    RegoPolicy::compile(&modules, &[String::new()], json!({}), GENEROUS)
}

fn refused(texts: &[&str]) -> String {
    compile(texts).unwrap_err().to_string()
}

#[test]
fn a_policy_that_decides_is_taken() {
    compile(&["package linkward\nauthz := {\"allow\": true}"]).unwrap();
    compile(&["package linkward\ndefault authz := {\"allow\": false}"]).unwrap();
    // Undefined for every sample is an answer: nothing matched.
    compile(&["package linkward\nauthz := {\"allow\": true} if input.identity.id == \"x\""]).unwrap();
}

#[test]
fn errors_of_all_modules_come_with_file_line_and_column() {
    let message = refused(&[
        "package linkward\n\nauthz := {\"allow\": true",
        "package linkward.fine",
        "package linkward.broken\nf(x) if {\n  x ==\n}\n",
    ]);
    let lines: Vec<&str> = message.lines().collect();
    assert_eq!(lines.len(), 2, "{message}");
    assert!(lines[0].starts_with("/0.rego:3:"), "{message}");
    assert!(lines[1].starts_with("/2.rego:4:1: "), "{message}");
}

#[test]
fn rules_that_contradict_themselves_come_with_their_place() {
    let recursive = refused(&["package linkward\nauthz := {\"allow\": a}\na if b\nb if a"]);
    assert!(recursive.contains(".rego:") || recursive.contains("recursi"), "{recursive}");
    let unsafe_variable = refused(&["package linkward\nauthz := {\"allow\": x}"]);
    assert!(unsafe_variable.starts_with("/0.rego:2:"), "{unsafe_variable}");
}

#[test]
fn without_the_entrypoint_there_is_no_policy() {
    for texts in [&["package linkward\nallow := true"][..], &["package authz\nauthz := {\"allow\": true}"], &[]] {
        let message = refused(texts);
        assert!(message.starts_with("there is no rule `data.linkward.authz`; write `package linkward`"), "{message}");
    }
}

#[test]
fn functions_that_nobody_answers_are_named_wherever_they_are_called() {
    let message = refused(&[
        "package linkward
authz := {\"allow\": http.send({\"url\": input.x}).ok} if not crypto.md5(\"x\") == \"y\"
names := [n | some n in io.jwt.decode(input.t)]
f(x) := net.lookup_ip_addr(x)
g contains strings.render_template(\"x\", {}) if every x in [1] { opa.runtime().x == x }
h if count({\"a\": uuid.rfc4122(\"x\") | true}) == 1 with input as misspelt(1)
i if [1, nets.cidr_contains(\"a\", \"b\")][0] == 2
else := time.nowns() if 2 * unknown(-1) > 3
",
        "package other\nimport data.linkward as l\nx := l.f(1) + l.missing(2)",
    ]);
    for (line, name) in [
        (2, "http.send"),
        (2, "crypto.md5"),
        (3, "io.jwt.decode"),
        (4, "net.lookup_ip_addr"),
        (5, "strings.render_template"),
        (5, "opa.runtime"),
        (6, "uuid.rfc4122"),
        (6, "misspelt"),
        (7, "nets.cidr_contains"),
        (8, "time.nowns"),
        (8, "unknown"),
    ] {
        let found = message.lines().any(|text| {
            text.starts_with(&format!("/0.rego:{line}:"))
                && text.contains(&format!("function `{name}` is not supported"))
        });
        assert!(found, "{name} at line {line} in\n{message}");
    }
    assert!(message.contains("/1.rego:3:"), "{message}");
    assert!(message.contains("`l.missing`") && !message.contains("`l.f`"), "{message}");
    assert_eq!(message.lines().count(), 12, "{message}");
}

#[test]
fn functions_that_can_be_called_are_not_named() {
    compile(&[
        "package linkward
import data.paths
import data.paths.prefix as starts
authz := {\"allow\": allow}
default allow := false
allow if {
	paths.prefix(input.request.path, \"/v1/\")
	starts(input.request.path, \"/v1/\")
	data.paths.prefix(input.request.path, \"/v1/\")
	net.cidr_contains(\"10.0.0.0/8\", \"10.1.2.3\")
	glob.match(\"/v1/*\", [\"/\"], \"/v1/x\")
	regex.match(\"^a\", \"abc\")
	time.now_ns() > time.parse_rfc3339_ns(\"2020-01-01T00:00:00Z\")
	semver.compare(\"1.0.0\", \"1.0.0\") == 0
	urlquery.decode(\"a%20b\") == \"a b\"
	sprintf(\"%d\", [1]) == base64.decode(\"MQ==\")
	print(\"seen\", input.request.path)
	walk([1], [[0], 1])
}",
        "package paths\ndefault prefix(_, _) := false\nprefix(text, start) if startswith(text, start)",
    ])
    .unwrap();
}

#[test]
fn a_policy_that_fails_on_a_sample_request_is_refused() {
    for (text, says) in [
        ("authz := true", "`authz` is a boolean, it must be an object"),
        ("authz := {\"allowed\": true}", "`authz.allow` is undefined, it must be true or false"),
        ("authz := {\"allow\": to_number(input.request.method) > 1}", "/0.rego:2:"),
        ("authz := {\"allow\": true}\nauthz := {\"allow\": false}", "/0.rego:"),
        ("authz := {\"allow\": input.request.segments[0] / 0 > 1}", "/0.rego:2:"),
    ] {
        let message = refused(&[&format!("package linkward\n{text}")]);
        assert!(message.ends_with("; found with a sample request, `GET /v1/invoices/17`"), "{message}");
        assert!(message.starts_with(says), "{message}");
    }
}

#[test]
fn a_policy_that_never_keeps_within_its_budget_is_refused() {
    let slow = "package linkward
authz := {\"allow\": count([1 | some i in numbers.range(1, 300); some j in numbers.range(1, 300); i * j == 7]) > 1}";
    let error =
        RegoPolicy::compile(&[module("/slow.rego", slow)], &[String::new()], json!({}), DEFAULT_BUDGET).unwrap_err();
    assert!(error.to_string().contains("exceeded time limit"), "{error}");
}

#[test]
fn rego_of_before_opa_1_is_read_where_the_bundle_says_so() {
    let text = "package linkward\ndefault authz = {\"allow\": false}\nauthz = {\"allow\": true} { input.request.method == \"GET\" }";
    RegoPolicy::compile(&[Module { v0: true, ..module("/old.rego", text) }], &[String::new()], json!({}), GENEROUS)
        .unwrap();
    assert!(refused(&[text]).starts_with("/0.rego:"));
}

#[test]
fn data_in_the_place_of_a_rule_is_refused() {
    let text = "package linkward\nauthz := {\"allow\": helper}\ndefault helper := false\nlists.a contains 1\nmap[x] := 1 if some x in [1]";
    let with = |data| RegoPolicy::compile(&[module("/a.rego", text)], &[String::new()], data, GENEROUS);
    with(json!({"linkward": {"endpoints": {}, "lists": {"b": 1}}, "authz": 1, "other": {"helper": true}})).unwrap();
    for (data, says) in [
        (
            json!({"linkward": {"helper": true}}),
            "/a.rego:3:1: `data.linkward.helper` is a rule and is in the bundle's data",
        ),
        (json!({"linkward": {"authz": {"allow": true}}}), "/a.rego:2:1: `data.linkward.authz` is a rule"),
        (json!({"linkward": {"lists": {"a": [1]}}}), "/a.rego:4:1: `data.linkward.lists.a` is a rule"),
        (json!({"linkward": {"map": {}}}), "/a.rego:5:1: `data.linkward.map` is a rule"),
        (json!({"linkward": 7}), "`data.linkward.authz` is a rule"),
    ] {
        let message = with(data).unwrap_err().to_string();
        assert!(message.contains(says), "{message}");
    }
}

#[test]
fn a_module_outside_of_the_roots_is_refused() {
    let modules =
        [module("/a.rego", "package linkward\nauthz := {\"allow\": true}"), module("/b.rego", "package shared.paths")];
    let with = |roots: &[&str]| {
        let roots: Vec<String> = roots.iter().map(|root| (*root).to_owned()).collect();
        RegoPolicy::compile(&modules, &roots, json!({}), GENEROUS)
    };
    for roots in [&[""][..], &["linkward", "shared"], &["linkward", "shared/paths"]] {
        with(roots).unwrap();
    }
    for roots in [&["linkward"][..], &["linkward", "shared/path"], &["linkward", "shared/paths/more"]] {
        let message = with(roots).unwrap_err().to_string();
        assert!(message.starts_with("/b.rego:1:1: its package `shared/paths` is outside of the roots"), "{message}");
    }
}

#[test]
fn rego_without_end_or_depth_is_refused() {
    for text in [
        format!("package linkward\nauthz := {}1{}", "(".repeat(20_000), ")".repeat(20_000)),
        format!("package linkward\nauthz := {}1{}", "[\n".repeat(20_000), "]".repeat(20_000)),
        format!("package linkward\nauthz := x{}", "\n.y".repeat(50_000)),
        format!("package linkward\nauthz := x{}", "[\"a,\"]".repeat(50_000)),
        format!("package linkward\nauthz := 1{}", " +\n1".repeat(50_000)),
        format!("package linkward\nauthz := x{}", ".f(1, 2)".repeat(50_000)),
        "package linkward\n".repeat(300_000),
        String::new(),
        "\0".to_owned(),
    ] {
        let message = refused(&[&text]);
        assert!(message.starts_with("/0.rego"), "{message}");
    }
}

#[test]
fn a_long_policy_of_short_expressions_is_taken() {
    let rule = |index: usize| {
        format!(
            "listed contains \"{index}\" if {{
	input.identity.id == \"a.b.c + {index}\" # a.b.c.d
	input.request.segments[0] == `v1`
	[1.5, 2.5][0] + 1 * 2 > 3
}}\n"
        )
    };
    let rules: String = (0..500).map(rule).collect();
    compile(&[&format!("package linkward\nauthz := {{\"allow\": count(listed) > 0}}\n{rules}")]).unwrap();
}

#[test]
fn functions_that_call_themselves_are_refused() {
    for text in [
        "f(x) := f(x + 1)\nauthz := {\"allow\": f(1) > 1}",
        "f(x) := g(x)\ng(x) := y if y := [z | z := f(x)][0]\nauthz := {\"allow\": true} if { input.request.method == \"NEVER\"; f(1) }",
    ] {
        let message = refused(&[&format!("package linkward\n{text}")]);
        assert!(message.contains("calls itself"), "{message}");
    }
}
