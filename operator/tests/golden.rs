//! Every offline command, word for word: in a pipe, with colour, and for machines. `LINKWARD_BLESS=1` writes anew what is expected.

#![allow(clippy::unwrap_used, clippy::panic, reason = "test code")]

#[path = "plain/mod.rs"]
mod plain;
mod schemas;

use std::process::Command;

use plain::{compare, folder};

const AT: &str = "2026-11-26T00:00:00Z";

/// What a command prints and how it ends, as one text.
fn transcript(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_linkward"))
        .args(arguments)
        .current_dir(folder("fixtures"))
        .env_remove("NO_COLOR")
        .output()
        .unwrap();
    let output = written::output("linkward", output);
    let stdout = String::from_utf8(output.stdout).unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    let mut text = format!("$ linkward {}\n{stdout}", arguments.join(" "));
    if !stderr.is_empty() {
        text += &format!("--- stderr\n{stderr}");
    }
    text + &format!("--- exit code {}\n", output.status.code().unwrap())
}

/// The command as people see it in a pipe and on a terminal, and as machines do.
fn golden(name: &str, arguments: &[&str]) {
    let piped = transcript(arguments);
    assert!(!piped.contains('\u{1b}'), "{name}: colour in a pipe");
    compare(&format!("{name}.txt"), &piped);
    let coloured = transcript(&[arguments, &["--color", "always"]].concat());
    compare(&format!("{name}.color.txt"), &coloured);
    let json = transcript(&[arguments, &["--output", "json"]].concat());
    compare(&format!("{name}.json.txt"), &json);
    // Unless the question could not be asked, there is one document, of the documented form.
    let document = json.split_once('\n').unwrap().1.split("--- ").next().unwrap();
    match serde_json::from_str(document) {
        Ok(document) => schemas::check(arguments, &document),
        Err(_) => assert!(document.is_empty() && json.ends_with("--- exit code 2\n"), "{json}"),
    }
}

const ORDERS: [&str; 2] = ["--identity", "spiffe://internal.example/prod/orders-api"];
const BILLING: [&str; 2] = ["--account", "123456789012"];

fn explain(name: &str, rest: &[&[&str]]) {
    let arguments = [&["policy", "explain", "access.yaml", "--at", AT], rest.concat().as_slice()].concat();
    golden(&format!("policy-explain-{name}"), &arguments);
}

#[test]
fn policy_check() {
    golden("policy-check", &["policy", "check", "access.yaml"]);
    golden("policy-check-invalid", &["policy", "check", "invalid.yaml"]);
    golden("policy-check-missing", &["policy", "check", "none.yaml"]);
    golden("policy-check-rego", &["policy", "check", "bundle.tar.gz"]);
    golden("policy-check-rego-invalid", &["policy", "check", "bundle.bad.tar.gz"]);
    golden("policy-check-rego-module", &["policy", "check", "authz.rego"]);
}

#[test]
fn policy_explain_tells_every_reason() {
    explain("permitted", &[&ORDERS, &BILLING, &["--path", "/v1/invoices/42"]]);
    explain("forbidden", &[&ORDERS, &BILLING, &["--path", "/v1/invoices/secret"]]);
    explain("account", &[&ORDERS, &["--account", "210987654321", "--path", "/v1/invoices/42"]]);
    explain("endpoint-unknown", &[&ORDERS, &["--path", "/v1/invoices/42"]]);
    explain("method", &[&ORDERS, &BILLING, &["--method", "DELETE", "--path", "/v1/invoices/42"]]);
    explain("path", &[&ORDERS, &BILLING, &["--path", "/v1/invoice/42"]]);
    explain("prefix", &[&["--identity", "spiffe://internal.example/prod/anybody", "--path", "/health"]]);
    explain("similar", &[&["--identity", "spiffe://internal.example/test/orders-api", "--path", "/v1/invoices"]]);
    explain("foreign", &[&["--identity", "spiffe://other.example/prod/orders-api", "--path", "/v1/invoices"]]);
    explain("bad-path", &[&ORDERS, &["--path", "/v1/../secret"]]);
    let ledger = ["--identity", "spiffe://internal.example/prod/ledger", "--path", "/v1/invoices/7"];
    let late = ["policy", "explain", "access.yaml", "--at", "2027-04-01T00:00:00Z"];
    let rego =
        [&["policy", "explain", "bundle.tar.gz", "--at", AT][..], &ORDERS, &["--path", "/v1/invoices/7"]].concat();
    golden(
        "policy-explain-rego",
        &[&rego[..], &BILLING, &["--serial", "0A:1B:2C", "--host", "api.internal.example"]].concat(),
    );
    golden("policy-explain-rego-denied", &[&rego[..], &["--method", "DELETE"]].concat());
    golden("policy-explain-expired", &[late.as_slice(), &ledger, &BILLING].concat());
}

#[test]
fn policy_diff() {
    golden("policy-diff", &["policy", "diff", "access.yaml", "access.new.yaml", "--at", AT]);
    golden("policy-diff-exit-code", &["policy", "diff", "access.new.yaml", "access.yaml", "--at", AT, "--exit-code"]);
    golden("policy-diff-rego", &["policy", "diff", "access.yaml", "authz.rego", "--at", AT]);
}

#[test]
fn policies_that_mean_the_same_do_not_differ() {
    let arguments = ["policy", "diff", "access.yaml", "access.same.yaml", "--at", AT, "--exit-code"];
    assert_eq!(transcript(&arguments), format!("$ linkward {}\n--- exit code 0\n", arguments.join(" ")));
}

#[test]
fn policy_replay() {
    let replay = ["policy", "replay", "--policy"];
    golden("policy-replay", &[&replay[..], &["access.new.yaml", "access.log"]].concat());
    golden("policy-replay-same", &[&replay[..], &["access.same.yaml", "access.log"]].concat());
    golden("policy-replay-enforce", &[&replay[..], &["access.same.yaml", "access.log", "--enforce"]].concat());
    golden("policy-replay-no-log", &[&replay[..], &["access.yaml", "access.yaml"]].concat());
    golden("policy-replay-missing", &[&replay[..], &["access.yaml", "none.log"]].concat());
}

/// What it says of plans is held word for word beside its rules' own fixtures, in `gate_command.rs`.
#[test]
fn gate() {
    golden("gate-missing", &["gate", "none.json"]);
}

#[test]
fn policy_test() {
    golden("policy-test", &["policy", "test", "cases.yaml", "--policy", "access.yaml"]);
    golden("policy-test-failing", &["policy", "test", "cases.yaml", "--policy", "access.new.yaml"]);
    golden("policy-test-bad", &["policy", "test", "cases.bad.yaml", "--policy", "access.yaml"]);
    compare("policy-test-from-log.txt", &transcript(&["policy", "test", "--from-log", "access.log"]));
    assert!(transcript(&["policy", "test"]).contains("--- exit code 2"));
}

#[test]
fn cases_made_from_a_log_are_met_by_the_policy_that_wrote_it() {
    let folder = tempfile::tempdir().unwrap();
    let cases = folder.path().join("cases.yaml");
    let starter = transcript(&["policy", "test", "--from-log", "access.log"]);
    let starter = starter.split_once('\n').unwrap().1.split_once("---").unwrap().0;
    std::fs::write(&cases, starter).unwrap();
    let tried = |policy| transcript(&["policy", "test", cases.to_str().unwrap(), "--policy", policy]);
    assert!(tried("access.yaml").ends_with("all as expected\n--- exit code 0\n"), "{}", tried("access.yaml"));
    assert!(tried("access.new.yaml").ends_with("--- exit code 1\n"), "{}", tried("access.new.yaml"));
}

/// Every command that has none below it, as its help lists them.
fn subcommands(path: &[String]) -> Vec<Vec<String>> {
    let words: Vec<&str> = path.iter().map(String::as_str).chain(["--help"]).collect();
    let help = transcript(&words);
    let Some(listed) = help.split("\nCommands:\n").nth(1) else { return vec![path.to_vec()] };
    let names =
        listed.lines().take_while(|line| line.starts_with("  ")).filter_map(|line| line.split_whitespace().next());
    let below = names.filter(|name| *name != "help").map(|name| [path, &[name.to_owned()]].concat());
    below.flat_map(|path| subcommands(&path)).collect()
}

#[test]
fn help_and_completions() {
    compare("help.txt", &transcript(&["--help"]));
    let commands = subcommands(&[]);
    assert!(commands.len() > 15, "{commands:?}");
    for command in commands {
        let words: Vec<&str> = command.iter().map(String::as_str).chain(["--help"]).collect();
        let help = transcript(&words);
        let name = command.join(" ");
        assert!(
            help.contains("Example") && help.contains(&format!("linkward {name}")),
            "{name} has no example: {help}"
        );
        // Whoever prints a script has one way to end.
        assert!(help.contains("Exit code") || name == "completions", "{name} says no exit codes: {help}");
        compare(&format!("{}-help.txt", command.join("-")), &help);
    }
    for shell in ["bash", "zsh", "fish"] {
        let script = transcript(&["completions", shell]);
        assert!(script.contains("explain") && script.contains("completions"), "{shell}: {script}");
    }
    assert!(transcript(&["completions", "tcsh"]).contains("--- exit code 2"));
}
