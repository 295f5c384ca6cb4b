//! `linkward policy …` from outside: what it prints, where, and its exit codes.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "test code")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

const ORDERS: &str = "spiffe://internal.example/prod/orders-api";

fn linkward(arguments: &[&str]) -> Output {
    ::written::output("linkward", Command::new(env!("CARGO_BIN_EXE_linkward")).args(arguments).output().unwrap())
}

fn demo_policy() -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/demo/access.yaml").display().to_string()
}

fn written(folder: &tempfile::TempDir, text: &str) -> PathBuf {
    let file = folder.path().join("access.yaml");
    std::fs::write(&file, text).unwrap();
    file
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn a_valid_policy_is_said_to_be_valid() {
    let output = linkward(&["policy", "check", &demo_policy()]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(stdout(&output), format!("{}: valid; 3 callers in internal.example\n", demo_policy()));
    let output = linkward(&["policy", "check", &demo_policy(), "--output", "json"]);
    let document: Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!(document, serde_json::json!({ "file": demo_policy(), "valid": true, "callers": 3, "errors": [] }));
}

/// An OPA bundle with one module.
fn bundle(folder: &tempfile::TempDir, rules: &str) -> String {
    let mut tar = tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
    let rules = format!("package linkward\n{rules}\n");
    let mut header = tar::Header::new_gnu();
    header.set_size(rules.len() as u64);
    tar.append_data(&mut header, "authz.rego", rules.as_bytes()).unwrap();
    let file = folder.path().join("bundle.tar.gz");
    std::fs::write(&file, tar.into_inner().unwrap().finish().unwrap()).unwrap();
    file.display().to_string()
}

#[test]
fn a_bundle_is_checked_as_the_runtime_would() {
    let folder = tempfile::tempdir().unwrap();
    let file = bundle(&folder, "authz := {\"allow\": input.request.method == \"GET\"}");
    let output = linkward(&["policy", "check", &file]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stdout(&output).starts_with(&format!("{file}: valid; 1 module of Rego, nothing about endpoints")));
    let file = bundle(&folder, "authz := {\"allow\": http.send({}).ok}");
    let output = linkward(&["policy", "check", &file]);
    assert_eq!((output.status.code(), stdout(&output)), (Some(1), String::new()));
    assert!(stderr(&output).starts_with(&format!("{file}: authz.rego:2:")), "{}", stderr(&output));
    let output = linkward(&["policy", "check", &file, "--output", "json"]);
    let document: Value = serde_json::from_str(&stdout(&output)).unwrap();
    let error = &document["errors"][0];
    assert_eq!(
        (&document["valid"], &error["module"], &error["line"]),
        (&false.into(), &"authz.rego".into(), &2.into())
    );
}

#[test]
fn an_invalid_policy_is_refused_with_file_line_and_column() {
    let folder = tempfile::tempdir().unwrap();
    let file = written(&folder, "version: 1\ntrustDomain: internal.example\ncallers:\n  - identty: x\n");
    let file = file.to_str().unwrap();
    let output = linkward(&["policy", "check", file]);
    assert_eq!((output.status.code(), stdout(&output)), (Some(1), String::new()));
    assert_eq!(stderr(&output), format!("{file}:4:5: unknown key `identty`, did you mean `identity`?\n"));
    let output = linkward(&["policy", "check", file, "--output", "json"]);
    let document: Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!((output.status.code(), &document["valid"]), (Some(1), &Value::Bool(false)));
    let error =
        serde_json::json!({ "line": 4, "column": 5, "message": "unknown key `identty`, did you mean `identity`?" });
    assert_eq!(document["errors"], serde_json::json!([error]));
}

#[test]
fn a_policy_that_cannot_be_read_is_not_called_invalid() {
    let output = linkward(&["policy", "check", "/no/such/access.yaml"]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(
        stderr(&output),
        "linkward: cannot read `/no/such/access.yaml`: No such file or directory (os error 2)\n"
    );
}

#[test]
fn a_question_is_answered_as_the_gate_would() {
    for (path, account, code, answer) in [
        ("/v1/invoices/42", "123456789012", 0, "allow: permitted, rule `read-invoices`\n"),
        ("/v1/invoices/secret", "123456789012", 1, "deny: forbidden, rule `no-secrets`\n"),
        ("/v1/invoices/42", "210987654321", 1, "deny: accountMismatch\n"),
        ("/v1/payments", "123456789012", 1, "deny: noMatchingRule\n"),
    ] {
        let output = linkward(&[
            "policy",
            "explain",
            &demo_policy(),
            "--identity",
            ORDERS,
            "--path",
            path,
            "--account",
            account,
        ]);
        assert_eq!(output.status.code(), Some(code), "{path} through {account}");
        assert!(stdout(&output).starts_with(answer), "{path} through {account}: {}", stdout(&output));
    }
}

#[test]
fn a_path_that_no_gate_would_look_at_is_not_a_question() {
    let output = linkward(&["policy", "explain", &demo_policy(), "--identity", ORDERS, "--path", "/v1/../secret"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stderr(&output).starts_with("linkward: the path `/v1/../secret` would be answered with 400: "),
        "{}",
        stderr(&output)
    );
}
