//! `linkward gate` from outside: every rule on plans that a real `terraform plan` made (`infra/guardrails/fixtures`), own rules, and what is no plan.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "test code")]

mod schemas;

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

/// Every rule, by its id. One that is missing here has no fixture; one that is missing there was not promised.
const RULES: [&str; 17] = [
    "certificate-lifetime",
    "endpoint-acceptance",
    "endpoint-principals",
    "function-dead-letters",
    "iam-guarded",
    "iam-unbounded",
    "iam-undocumented",
    "iam-unknown",
    "key-strength",
    "load-balancer-internal",
    "plan-empty",
    "plan-errored",
    "plan-incomplete",
    "security-group-world",
    "table-encryption",
    "tls-passthrough",
    "tls-policy",
];

fn gate(arguments: &[&str]) -> Output {
    let output = Command::new(env!("CARGO_BIN_EXE_linkward")).arg("gate").args(arguments).output().unwrap();
    ::written::output("linkward", output)
}

fn guardrails() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../infra/guardrails")
}

fn fixture(rule: &str, name: &str) -> String {
    guardrails().join("fixtures").join(rule).join(name).display().to_string()
}

fn document(output: &Output) -> Value {
    let document = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", stderr(output)));
    schemas::check(&["gate"], &document);
    document
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn written(folder: &tempfile::TempDir, name: &str, text: &str) -> String {
    let file = folder.path().join(name);
    std::fs::write(&file, text).unwrap();
    file.display().to_string()
}

/// Rule and address of everything that was found.
fn found(document: &Value) -> BTreeSet<(String, String)> {
    let findings = document["findings"].as_array().unwrap().iter();
    findings.map(|f| (f["rule"].as_str().unwrap().to_owned(), f["address"].as_str().unwrap().to_owned())).collect()
}

/// The resources of a plan that are there to be found: their names begin with `wrong`.
fn wrong(plan: &Value) -> BTreeSet<String> {
    let changes = plan["resource_changes"].as_array().into_iter().flatten();
    let wrong = changes.filter(|c| c["mode"] == "managed" && c["name"].as_str().unwrap().starts_with("wrong"));
    wrong.map(|change| change["address"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn every_rule_has_its_fixtures_and_every_fixture_its_rule() {
    let mut folders: Vec<String> = std::fs::read_dir(guardrails().join("fixtures"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
        .collect();
    folders.sort();
    assert_eq!(folders, RULES);
}

#[test]
fn each_rule_finds_what_is_wrong_and_nothing_else() {
    for rule in RULES {
        let file = fixture(rule, "fail.json");
        let output = gate(&[&file, "--output", "json"]);
        let plan: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
        let addresses = if rule.starts_with("plan-") { BTreeSet::from(["plan".to_owned()]) } else { wrong(&plan) };
        assert!(!addresses.is_empty(), "{rule}: nothing to find");
        let expected: BTreeSet<_> = addresses.into_iter().map(|address| (rule.to_owned(), address)).collect();
        assert_eq!((output.status.code(), found(&document(&output))), (Some(1), expected), "{rule}");
        for finding in document(&output)["findings"].as_array().unwrap() {
            assert!(
                finding["why"].as_str().unwrap().len() > 10 && finding["remedy"].as_str().unwrap().len() > 10,
                "{finding}"
            );
        }
    }
}

#[test]
fn what_is_right_passes_every_rule() {
    for rule in RULES {
        let output = gate(&[&fixture(rule, "pass.json"), "--output", "json"]);
        assert_eq!((output.status.code(), &document(&output)["findings"]), (Some(0), &json!([])), "{rule}");
        assert_eq!(document(&output)["clean"], true);
    }
}

#[test]
fn people_read_address_rule_reason_and_remedy() {
    let file = fixture("load-balancer-internal", "fail.json");
    let output = gate(&[&file]);
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    let paragraph = "aws_lb.wrong_public\n  load-balancer-internal: the load balancer is internet-facing\n    Write `internal = true`.\n";
    assert!(text.contains(paragraph), "{text}");
    assert!(text.ends_with(&format!("\n{file}: 9 findings; 12 resources\n")), "{text}");
    let file = fixture("load-balancer-internal", "pass.json");
    assert_eq!(String::from_utf8(gate(&[&file]).stdout).unwrap(), format!("{file}: clean; 5 resources\n"));
}

/// A plan with one change, as somebody might write it by hand: no configuration, no `after_unknown`.
fn plan_of(kind: &str, change: &Value) -> String {
    let change =
        json!({ "address": format!("{kind}.a"), "mode": "managed", "type": kind, "name": "a", "change": change });
    json!({ "format_version": "1.2", "errored": false, "complete": true, "resource_changes": [change] }).to_string()
}

fn judged(text: &str) -> (Option<i32>, BTreeSet<(String, String)>) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_linkward"));
    child.args(["gate", "-", "--output", "json"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = child.spawn().unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = ::written::output("linkward", child.wait_with_output().unwrap());
    let findings = serde_json::from_slice(&output.stdout).map(|document| found(&document)).unwrap_or_default();
    (output.status.code(), findings)
}

#[test]
fn what_is_deleted_or_forgotten_is_not_judged_but_what_stays_is() {
    let public = json!({ "internal": false });
    let finding = || BTreeSet::from([("load-balancer-internal".to_owned(), "aws_lb.a".to_owned())]);
    for (change, expected) in [
        (json!({ "actions": ["delete"], "before": public, "after": null }), (Some(0), BTreeSet::new())),
        (json!({ "actions": ["forget"], "before": public, "after": null }), (Some(0), BTreeSet::new())),
        (json!({ "actions": ["no-op"], "before": public, "after": public }), (Some(1), finding())),
        (json!({ "actions": ["update"], "before": {}, "after": public }), (Some(1), finding())),
        (json!({ "actions": ["delete", "create"], "before": {}, "after": public }), (Some(1), finding())),
        (json!({ "actions": ["create"], "after": {}, "after_unknown": { "internal": true } }), (Some(1), finding())),
    ] {
        assert_eq!(judged(&plan_of("aws_lb", &change)), expected, "{change}");
    }
}

#[test]
fn a_change_without_a_state_after_it_is_not_taken_for_a_delete() {
    let expected = BTreeSet::from([("plan-unreadable".to_owned(), "aws_lb.a".to_owned())]);
    for change in [json!({ "actions": ["create"] }), json!({ "actions": ["create"], "after": null }), json!({})] {
        assert_eq!(judged(&plan_of("aws_lb", &change)), (Some(1), expected.clone()), "{change}");
    }
}

#[test]
fn without_the_configuration_an_unknown_list_of_principals_may_hold_anything() {
    let change = json!({ "actions": ["create"], "after": { "acceptance_required": true }, "after_unknown": { "allowed_principals": true } });
    let expected = BTreeSet::from([("endpoint-principals".to_owned(), "aws_vpc_endpoint_service.a".to_owned())]);
    assert_eq!(judged(&plan_of("aws_vpc_endpoint_service", &change)), (Some(1), expected));
}

#[test]
fn own_rules_count_beside_the_built_in_ones_in_every_form_conftest_knows() {
    let folder = tempfile::tempdir().unwrap();
    written(&folder, "main.rego", "package main\n\ndeny contains \"no plans on Fridays\" if true\n");
    written(
        &folder,
        "teams.rego",
        "package teams\n\ndeny contains {\"msg\": \"no owner\", \"address\": change.address} if {\n\tsome change in data.linkward.plan.resources({\"aws_lb\"})\n}\n",
    );
    written(&folder, "main_test.rego", "this is not even rego");
    let rules = folder.path().display().to_string();
    let output = gate(&[&fixture("load-balancer-internal", "pass.json"), "--rules", &rules, "--output", "json"]);
    let document = document(&output);
    assert_eq!(output.status.code(), Some(1));
    let findings: Vec<(&Value, &str, &str)> = document["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|f| (&f["address"], f["rule"].as_str().unwrap(), f["why"].as_str().unwrap()))
        .collect();
    assert_eq!(
        findings,
        [
            (&Value::Null, "main", "no plans on Fridays"),
            (&json!("aws_lb.gateway"), "teams", "no owner"),
            (&json!("aws_lb.internal"), "teams", "no owner"),
        ]
    );
}

#[test]
fn rules_that_could_never_find_anything_are_refused() {
    for (text, words) in [
        ("package main\n\ndenny contains \"x\" if true\n", "holds no `*.rego` with a rule `deny`"),
        ("package main\n\ndeny contains \"x\" if {\n", "cannot be read"),
        ("package main[\"1.0\"]\n\ndeny contains \"x\" if true\n", "name the package without brackets"),
        ("package main\n\ndeny contains \"x\" if startswith(1, \"x\")\n", "cannot be evaluated"),
        ("package main\n\ndeny := true\n", "must be a set of strings or objects"),
        ("package main\n\ndeny contains {\"rule\": \"x\"} if true\n", "use a string, or an object with `msg` or `why`"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        written(&folder, "main.rego", text);
        let rules = folder.path().display().to_string();
        let output = gate(&[&fixture("table-encryption", "pass.json"), "--rules", &rules]);
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{text}");
        assert!(stderr(&output).contains(words), "{text}: {}", stderr(&output));
    }
}

#[test]
fn what_is_no_plan_is_refused_not_passed() {
    let folder = tempfile::tempdir().unwrap();
    for (text, words) in [
        ("", "is not JSON"),
        ("{}", "it has no `format_version`"),
        (r#"{"format_version":"1.0","values":{"root_module":{}}}"#, "is a state, not a plan"),
        (r#"{"format_version":"2.0","resource_changes":[]}"#, "update `linkward`"),
    ] {
        let output = gate(&[&written(&folder, "plan.json", text)]);
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{text}");
        assert!(stderr(&output).contains(words), "{text}: {}", stderr(&output));
    }
    assert_eq!(gate(&["/no/such/plan.json"]).status.code(), Some(2));
    assert_eq!(gate(&[&fixture("tls-policy", "pass.json"), "--rules", "/no/such/rules"]).status.code(), Some(2));
}

#[test]
fn what_a_function_says_of_itself_is_what_is_documented() {
    let functions = Path::new(env!("CARGO_MANIFEST_DIR")).join("../functions");
    let mut checked = 0;
    for function in std::fs::read_dir(functions).unwrap() {
        let folder = function.unwrap().path();
        let Ok(text) = std::fs::read_to_string(folder.join("iam.json")) else { continue };
        let name = format!("linkward-{}", folder.file_name().unwrap().to_string_lossy());
        let policy = |text: &str| {
            let after = json!({ "name": name, "policy": text });
            judged(&plan_of("aws_iam_role_policy", &json!({ "actions": ["create"], "after": after })))
        };
        assert_eq!(policy(&text), (Some(0), BTreeSet::new()), "{name}: change documented.rego and iam.json together");
        let more = text.replacen("\"Action\": [", "\"Action\": [\"iam:PassRole\", ", 1);
        let found = BTreeSet::from([("iam-undocumented".to_owned(), "aws_iam_role_policy.a".to_owned())]);
        assert_eq!(policy(&more), (Some(1), found), "{name}");
        checked += 1;
    }
    assert!(checked > 0, "no function says what it may do");
}
