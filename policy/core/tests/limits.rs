//! No document takes more memory, depth or words than it is worth.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "test code")]

use policy::{DocumentError, Format, Policy};

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
fn aliases_are_copies_as_far_as_they_are_bounded() {
    let shared = "  permit: &rules [{paths: [/a]}]\n- identity: spiffe://a/c\n  permit: *rules";
    assert_eq!(yaml(&with_caller(shared)).unwrap().callers_len(), 2);

    let bomb: String =
        ('b'..='h').zip('a'..).map(|(b, a)| format!("{b}: &{b} [{}]\n", format!("*{a},").repeat(10))).collect();
    let bomb = format!("a: &a [x,x,x,x,x,x,x,x,x,x]\n{bomb}");
    assert_eq!(problem(&bomb, Format::Yaml), "6:26: the aliases of the document stand for too much");

    let chain: String = (1..100).map(|n| format!("- &a{n} [*a{}]\n", n - 1)).collect();
    let error = problem(&format!("- &a0 [x]\n{chain}"), Format::Yaml);
    assert!(error.ends_with("the aliases of the document stand for too much"), "{error}");

    assert_eq!(problem("callers: &a [*a]", Format::Yaml), "1:14: the alias is part of what it stands for");
}

#[test]
fn nesting_is_bounded() {
    for text in ["[".repeat(100_000), "- ".repeat(100_000), "{\"a\":".repeat(100_000)] {
        for format in [Format::Yaml, Format::Json] {
            assert!(Policy::parse(text.as_bytes(), format, "f", "r1".into()).is_err());
        }
    }
}

#[test]
fn so_is_the_number_of_keys() {
    let keys = |count: usize| (0..count).map(|n| format!("unknown{n}: 1\n")).collect::<String>();
    let error = yaml(&keys(64)).unwrap_err();
    assert_eq!(error.problems().len(), 66, "64 unknown keys, two missing ones: {error}");
    assert_eq!(problem(&keys(65), Format::Yaml), "1:1: there are more than 64 keys here");
}

#[test]
fn of_very_many_mistakes_the_first_hundred_are_described() {
    let callers = "- {}\n".repeat(1000);
    let error = yaml(&format!("version: 1\ntrustDomain: a\ncallers:\n{callers}")).unwrap_err();
    assert_eq!(error.problems().len(), 100);
    assert!(error.to_string().ends_with("\naccess.yaml: and 900 more"));
}

#[test]
fn a_huge_json_document_is_not_explained_but_its_first_mistakes_are_named() {
    let padding = " ".repeat(65 * 1024 * 1024);
    let document =
        |callers: &str| format!("{{\"version\": 1, \"trustDomain\": \"a\", \"callers\": [{callers}]}}{padding}");
    let twice = "{\"identity\": \"spiffe://a/b\"},\n{\"identity\": \"spiffe://a/b\"}";
    assert_eq!(
        json(&document(twice)).unwrap_err().to_string(),
        "access.json: /callers/1/identity: `spiffe://a/b` has an entry already, put its rules together"
    );
    let malformed = json(&document("{\"identity\": \"a\"}")).unwrap_err();
    assert_eq!(malformed.problems()[0].line(), Some(1), "{malformed}");
}

#[test]
fn a_message_is_fit_for_a_terminal() {
    let text = with_caller("  accounts: [\"\\e[2J\"]\n  rules: []\n  permit: &x {}");
    let text = format!("{text}- identity: {}", "x".repeat(5000));
    let error = yaml(&text).unwrap_err();
    assert_eq!(error.problems().len(), 4);
    for problem in error.problems() {
        assert!(!problem.message().contains(char::is_control) && problem.message().len() <= 1000, "{problem:?}");
    }
}
