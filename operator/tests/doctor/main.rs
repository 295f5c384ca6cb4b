//! `linkward doctor` on a healthy deployment, and with one thing broken at a time: exactly that check turns red, and says what to do.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "test code")]

mod account;
mod call;
mod deployed;
mod dns;
#[path = "../kept/mod.rs"]
mod kept;
#[path = "../plain/mod.rs"]
mod plain;

use kept::Kept;
use serde_json::Value;

/// A deployment, and how it is looked at.
pub(crate) struct Patient {
    pub(crate) kept: Kept,
    pub(crate) dns: dns::Server,
}

/// What is not green: name, status, remedy.
pub(crate) type Complaints = Vec<(String, String, String)>;

impl Patient {
    /// The flags of a call that is permitted.
    pub(crate) fn call(&self) -> Vec<String> {
        let (dns, port) = (self.dns.address.to_string(), self.kept.port.to_string());
        let file = |name: &str| self.kept.file(name);
        let flags = [
            ("--host", "api.internal.example".to_owned()),
            ("--port", port),
            ("--dns-server", dns),
            ("--certificate", file("ledger.crt")),
            ("--key", file("ledger.key")),
            ("--trust-anchors", file("root.crt")),
            ("--path", "/v1/invoices/42".to_owned()),
        ];
        flags.into_iter().flat_map(|(name, value)| [name.to_owned(), value]).collect()
    }

    /// Looks, with these flags instead of those of the same name.
    pub(crate) fn look(&self, instead: &[&str]) -> (Option<i32>, Value) {
        let mut flags: Vec<String> = Vec::new();
        for pair in self.call().chunks(2) {
            if !instead.contains(&pair[0].as_str()) {
                flags.extend(pair.iter().cloned());
            }
        }
        flags.extend(instead.iter().map(|flag| (*flag).to_owned()));
        let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
        self.kept.json(&[&["doctor"], &flags[..]].concat())
    }

    /// What is wrong, whatever the exit code.
    pub(crate) fn complaints(&self, instead: &[&str]) -> Complaints {
        let (code, document) = self.look(instead);
        let complaints = complaints(&document);
        let red = complaints.iter().any(|(_, status, _)| status == "red");
        assert_eq!(code, Some(i32::from(red)), "{document:#}");
        complaints
    }

    /// Exactly this one is not green, and its remedy has this in it.
    pub(crate) fn expect(&self, name: &str, status: &str, remedy: &str, instead: &[&str]) {
        let found = self.complaints(instead);
        let as_expected = matches!(&found[..], [(n, s, r)] if n == name && s == status && r.contains(remedy));
        assert!(as_expected, "expected {name} alone to be {status}, with `{remedy}`: {found:#?}");
    }

    pub(crate) fn expect_healthy(&self) {
        let found = self.complaints(&[]);
        assert!(found.is_empty(), "it was mended: {found:#?}");
    }
}

pub(crate) fn complaints(document: &Value) -> Complaints {
    let checks = document["checks"].as_array().unwrap().iter().filter(|check| check["status"] != "green");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    checks.map(|check| (text(&check["name"]), text(&check["status"]), text(&check["remedy"]))).collect()
}

#[test]
fn one_broken_thing_at_a_time_turns_its_check_red() {
    let patient = Patient { kept: Kept::start(), dns: dns::Server::start() };
    patient.dns.says(Some([127, 0, 0, 1].into()));
    healthy(&patient);
    call::breaks(&patient);
    account::breaks(&patient);
    deployed::breaks(&patient);
}

fn healthy(patient: &Patient) {
    let (code, document) = patient.look(&[]);
    assert_eq!((code, &document["status"]), (Some(0), &"green".into()), "{document:#}");
    let checks: Vec<&str> =
        document["checks"].as_array().unwrap().iter().map(|check| check["name"].as_str().unwrap()).collect();
    let expected = [
        "dns",
        "connection",
        "tls",
        "certificate",
        "policy",
        "upstream",
        "account",
        "endpointService",
        "loadBalancer",
        "targets",
        "connections",
        "notifications",
        "topicPolicy",
        "policySource",
        "tables",
        "eventBus",
        "functions",
        "approver",
        "permissions",
        "certificateAuthority",
        "crl",
    ];
    assert_eq!(checks, expected);
    for (name, flags) in [("doctor.txt", &[][..]), ("doctor.color.txt", &["--color", "always"])] {
        let output = patient.kept.command(&[&["doctor"], flags].concat()).output().unwrap();
        let output = written::output("linkward", output);
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(!flags.is_empty() || !text.contains('\u{1b}'), "colour in a pipe");
        assert!(text.contains("15 green, 0 yellow, 0 red, 7 not checked"), "{text}");
        let exit = output.status.code().unwrap();
        let text = format!("$ {}\n{text}--- exit code {exit}\n", [&["linkward", "doctor"], flags].concat().join(" "));
        plain::compare(name, &plain::plain(&text));
    }
}
