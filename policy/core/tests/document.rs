//! What is wrong with a document is said all at once, each thing with its place, and nothing wrong gets through.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "test code")]

use policy::{DocumentError, Format, Policy};

const EXAMPLE: &str = include_str!("samples/access-policy.yaml");

fn yaml(text: &str) -> Result<Policy, DocumentError> {
    Policy::parse(text.as_bytes(), Format::Yaml, "access.yaml", "r1".into())
}

fn json(text: &str) -> Result<Policy, DocumentError> {
    Policy::parse(text.as_bytes(), Format::Json, "access.json", "r1".into())
}

/// The only problem of this document, without the file's name.
fn problem(text: &str, format: Format) -> String {
    let error = Policy::parse(text.as_bytes(), format, "f", "r1".into()).expect_err(text).to_string();
    assert!(!error.contains('\n'), "one problem was expected: {error}");
    error.strip_prefix("f:").expect("the file's name").to_owned()
}

/// A document whose only caller, in line 4, has this in its lines from 5 on.
fn with_caller(lines: &str) -> String {
    format!("version: 1\ntrustDomain: a\ncallers:\n- identity: spiffe://a/b\n{lines}\n")
}

#[test]
fn the_example_of_the_design_is_read() {
    let policy = yaml(EXAMPLE).unwrap();
    assert_eq!(policy.revision().as_str(), "r1");
    assert_eq!(policy.trust_domain().as_str(), "internal.example");
    assert_eq!(policy.callers_len(), 2);
    let identities: Vec<&str> = policy.caller_identities().map(policy::SpiffeId::as_str).collect();
    assert_eq!(identities, ["spiffe://internal.example/prod/orders-api"]);
    let consumers = policy.endpoints().consumers();
    assert_eq!(consumers.iter().map(|consumer| consumer.name()).collect::<Vec<_>>(), [Some("billing"), None]);
}

#[test]
fn the_smallest_document_has_a_version_and_a_trust_domain() {
    for text in ["{\"version\": 1, \"trustDomain\": \"a\"}", "\u{feff}{\"version\": 1, \"trustDomain\": \"a\"}"] {
        assert_eq!(json(text).unwrap().callers_len(), 0);
        assert_eq!(yaml(text).unwrap().callers_len(), 0);
    }
    assert_eq!(problem("version: 1\n", Format::Yaml), "1:1: `trustDomain` is missing");
    assert_eq!(problem("trustDomain: a\n", Format::Yaml), "1:1: `version` is missing");
}

/// What is said of a document whose caller has these lines.
fn assert_said_of_caller(lines: &str, expected: &str) {
    let error = yaml(&with_caller(lines)).expect_err(lines).to_string().replace("access.yaml:", "f:");
    assert_eq!(error.strip_prefix("f:"), Some(expected), "{lines}");
}

#[test]
fn each_mistake_of_a_caller_has_its_place_and_a_word_of_advice() {
    for (lines, expected) in [
        (
            "  rules: []",
            "5:3: unknown key `rules`, the keys here are `accounts`, `forbid`, `identity`, `permit`, `validUntil`",
        ),
        ("  permits: []", "5:3: unknown key `permits`, did you mean `permit`?"),
        ("  valid_until: x", "5:3: unknown key `valid_until`, did you mean `validUntil`?"),
        (
            "  <<: {}",
            "5:3: unknown key `<<`, the keys here are `accounts`, `forbid`, `identity`, `permit`, `validUntil`",
        ),
        ("  identity: spiffe://a/c", "5:3: `identity` is here twice, first in line 4"),
        ("  accounts: [123456789012]", "5:14: `123456789012` reads as a number: put it in quotes, \"123456789012\""),
        ("  accounts: [012345678901]", "5:14: `012345678901` reads as a number: put it in quotes, \"012345678901\""),
        ("  accounts: [\"12345678901\"]", "5:14: account id `12345678901` has 11 characters, it needs 12 digits"),
        ("  accounts: [[]]", "5:14: expected an account id: 12 digits, in quotes, found a list"),
        ("  accounts: \"123456789012\"", "5:13: expected a list, found `\"123456789012\"`"),
        ("  accounts: []", "5:13: the list is empty; leave the key out or name something"),
        ("  accounts:", "5:11: expected a list, found nothing"),
        ("  accounts: ~", "5:13: expected a list, found nothing"),
        ("  permit:", "5:9: expected a list, found nothing"),
        ("  validUntil:", "5:13: expected a time by RFC 3339, such as `2027-03-31T00:00:00Z`, found nothing"),
        ("  validUntil: 2027-03-31", "5:15: `2027-03-31` is not a time by RFC 3339, such as `2027-03-31T00:00:00Z`"),
    ] {
        assert_said_of_caller(lines, expected);
    }
}

#[test]
fn so_has_each_mistake_of_a_rule_and_each_contradiction() {
    for (lines, expected) in [
        ("  permit: [{}]", "5:12: `paths` is missing"),
        ("  permit: [{path: [/a]}]", "5:13: unknown key `path`, did you mean `paths`?"),
        ("  permit: [{paths: []}]", "5:20: the list is empty; leave the key out or name something"),
        ("  permit: [{paths: [/a], methods: []}]", "5:35: the list is empty; leave the key out or name something"),
        ("  permit: [{paths: [/a], methods: [get]}]", "5:36: method `get` has small letters, write `GET`"),
        ("  permit: [{paths: [/a], id: no}]", "5:30: `no` reads as true or false: put it in quotes, \"no\""),
        ("  permit: [{paths: [a]}]", "5:21: `a`: path must start with `/`"),
        ("  permit: [{paths: [/a/../b]}]", "5:21: `/a/../b`: path has a `.` or `..` segment"),
        ("  permit: [{paths: [/%41]}]", "5:21: `/%41` is not in its normal form, write `/A`"),
        ("  permit: {paths: [/a]}", "5:11: expected a list, found keys and values"),
        ("  permit: [!!set {}]", "5:18: the tag `!!set` is not supported, leave it out\nf:5:18: `paths` is missing"),
        ("- 1", "5:3: expected keys and values, found `1`"),
        ("- [spiffe://a/c]", "5:3: expected keys and values, found a list"),
        ("- identity: spiffe://c/d", "5:13: `spiffe://c/d` is not in the trust domain `a`"),
        ("- identity: spiffe://c/*", "5:13: `spiffe://c/*` is not in the trust domain `a`"),
        ("- identity: spiffe://a/b", "5:13: `spiffe://a/b` has an entry already, put its rules together"),
        (
            "- identity: spiffe://A/b",
            "5:13: `spiffe://A/b`: trust domain `A` may hold lower-case letters, digits, dots, dashes and underscores \
             only, not `A`",
        ),
        (
            "  permit: [{id: x, paths: [/a]}]\n  forbid: [{id: x, paths: [/b]}]",
            "6:17: another rule of this caller has the id `x` too",
        ),
        ("  ? [a]\n  : b", "5:5: a key must be plain text"),
    ] {
        assert_said_of_caller(lines, expected);
    }
}

#[test]
fn each_mistake_at_the_outer_gate_too() {
    for (line, expected) in [
        ("unlisted: accept", "4:13: `accept` is neither `reject` nor `hold`"),
        ("consumers: [{name: a}]", "4:15: one of `account`, `organizationalUnit` is missing"),
        (
            "consumers: [{account: \"123456789012\", organizationalUnit: ou-ab12-abcdefgh}]",
            "4:15: only one of `account`, `organizationalUnit` may be here",
        ),
        (
            "consumers: [{organizationalUnit: ou-ab12}]",
            "4:36: `ou-ab12` is not the id of an organizational unit, such as `ou-ab12-abcdefgh`",
        ),
        (
            "consumers: [{account: \"123456789012\", regions: [eu]}]",
            "4:51: `eu` is not the name of a Region, such as `eu-west-1`",
        ),
        ("consumers: [{account: \"123456789012\", services: [vpce-1]}]", "4:52: `vpce-1` must start with `vpce-svc-`"),
        ("consumers: [{account: \"123456789012\", maxEndpoints: -1}]", "4:55: expected a whole number, found `-1`"),
        (
            "consumers: [{account: \"123456789012\", maxEndpoints: \"1\"}]",
            "4:55: expected a whole number, found `\"1\"`",
        ),
        (
            "consumers: [{account: \"123456789012\", maxEndpoints: 4294967296}]",
            "4:55: expected a whole number, found `4294967296`",
        ),
        (
            "consumers: [{account: \"123456789012\", name: a}, {account: \"123456789012\", name: b}]",
            "4:51: another entry grants the same, leave one of them out",
        ),
    ] {
        let text = format!("version: 1\ntrustDomain: a\nendpoints:\n  {line}\n");
        assert_eq!(problem(&text, Format::Yaml), expected, "{line}");
    }
}

#[test]
fn only_version_1_is_known() {
    for (version, expected) in [
        ("2", "expected 1, the only version there is, found `2`"),
        ("0", "expected 1, the only version there is, found `0`"),
        ("\"1\"", "expected 1, the only version there is, found `\"1\"`"),
        ("1.0", "expected 1, the only version there is, found `1.0`"),
        ("null", "expected 1, the only version there is, found nothing"),
    ] {
        let (in_yaml, in_json) = (
            format!("version: {version}\ntrustDomain: a"),
            format!("{{\"version\": {version}, \"trustDomain\": \"a\"}}"),
        );
        assert_eq!(problem(&in_yaml, Format::Yaml), format!("1:10: {expected}"));
        assert_eq!(problem(&in_json, Format::Json), format!("1:13: {expected}"));
    }
}

#[test]
fn everything_is_said_at_once_in_the_order_of_the_document() {
    let text = include_str!("samples/invalid/many-mistakes.yaml");
    let error = yaml(text).unwrap_err();
    let lines: Vec<u32> = error.problems().iter().filter_map(policy::Problem::line).collect();
    // Each line that is wrong says so.
    let expected: Vec<u32> = (1..).zip(text.lines()).filter(|(_, line)| line.contains('#')).map(|(n, _)| n).collect();
    assert_eq!(lines, expected, "{error}");
}

#[test]
fn json_has_places_too_and_however_it_is_spaced() {
    let text = "{\n\t\"version\": 1,\n\t\"trustDomain\": \"a\",\n\t\"callers\": [\n\
        \t\t{\"identity\": \"spiffe:\\/\\/a\\/b\", \"accounts\": [123456789012, null]},\n\
        \t\t{\"identity\": \"spiffe://a/c\", \"permit\": [{\"paths\": [\"\\ud83d\\ude00\"]}], \"identity\": \"x\"},\n\
        \t\t{\"identity\": \"spiffe://a/b\"}\n\t]\n}";
    assert_eq!(
        json(text).unwrap_err().to_string(),
        "access.json:5:48: `123456789012` reads as a number: put it in quotes, \"123456789012\"\n\
         access.json:5:62: expected an account id: 12 digits, in quotes, found nothing\n\
         access.json:6:54: `😀`: path must start with `/`\n\
         access.json:6:73: `identity` is here twice, first in line 6\n\
         access.json:7:16: `spiffe://a/b` has an entry already, put its rules together"
    );
}

#[test]
fn what_is_no_yaml_or_no_json_is_refused_where_it_stops_being_it() {
    for (text, expected) in [
        ("", "1:1: the document is empty"),
        ("# nothing\n", "2:1: the document is empty"),
        ("version: 1\ntrustDomain: \"a\n", "2:14: unclosed quote"),
        ("version: 1\ntrustDomain: a\n---\nversion: 1\n", "3:1: a second document starts here, one is expected"),
        ("version: *v\n", "1:10: while parsing node, found unknown anchor"),
        ("- 1\n", "1:1: expected keys and values, found a list"),
        ("just text", "1:1: expected keys and values, found `just text`"),
    ] {
        assert_eq!(problem(text, Format::Yaml), expected, "{text}");
    }
    for (text, expected) in [
        ("", "1:1: EOF while parsing a value"),
        ("{\n  \"version\": 1,\n}", "3:1: trailing comma"),
        ("{\"version\": 1, \"trustDomain\": \"a\"} x", "1:36: trailing characters"),
        ("version: 1", "1:1: expected value"),
        ("[]", "1:1: expected keys and values, found a list"),
    ] {
        assert_eq!(problem(text, Format::Json), expected, "{text}");
    }
    let not_utf8 = b"version: 1\ntrustDomain: \xc3\xa9\xff";
    for format in [Format::Yaml, Format::Json] {
        let error = Policy::parse(not_utf8, format, "f", "r1".into()).unwrap_err().to_string();
        assert_eq!(error, "f:2:15: the document is not UTF-8 from here on");
    }
}

#[test]
fn the_format_is_in_the_name() {
    for (name, expected) in [
        ("access.json", Format::Json),
        ("ACCESS.JSON", Format::Json),
        ("access.yaml", Format::Yaml),
        ("access.yml", Format::Yaml),
        ("access", Format::Yaml),
        ("json", Format::Yaml),
    ] {
        assert_eq!(Format::from_name(name), expected, "{name}");
    }
}
