//! Policies and requests that meet: few identities, templates and times, all of which may matter to each other.

use proptest::prelude::*;
use serde_json::{Value, json};

/// Identities that a policy names and that ask.
const IDENTITIES: [&str; 6] = ["a", "a/b", "a/b/c", "a/bc", "d", "d/e"];
const ACCOUNTS: [&str; 2] = ["111111111111", "222222222222"];
const TIMES: [&str; 3] = ["2026-01-01T00:00:00Z", "2026-06-01T12:00:00.5Z", "2027-01-01T00:00:00+01:00"];
const METHODS: [&str; 4] = ["GET", "POST", "PURGE", "get"];
const TEMPLATES: [&str; 9] =
    ["/", "/v1", "/v1/", "/v1/{id}", "/v1/x%20y", "/v1/7:stop", "/{*rest}", "/v1/{*rest}", "/{id}/x/{*rest}"];
const PATHS: [&str; 14] = [
    "/",
    "/v1",
    "/v1/",
    "/v1/x",
    "/v1/x/",
    "/v1/x%20y",
    "/v1/7:stop",
    "/v1/7%3Astop",
    "/v1/7%3astop",
    "/%76%31/x",
    "/v2/x/z",
    "/v2/x",
    "/v1/x/z/%C3%A9",
    "/v1/%7Bid%7D",
];

pub(super) fn identity(path: &str) -> String {
    format!("spiffe://internal.example/{path}")
}

fn any_rule() -> impl Strategy<Value = Value> {
    let methods = proptest::option::of(proptest::sample::subsequence(&METHODS[..3], 1..=2));
    let paths = proptest::sample::subsequence(&TEMPLATES[..], 1..=3);
    (methods, paths).prop_map(|(methods, paths)| {
        let mut rule = json!({ "paths": paths });
        if let Some(methods) = methods {
            rule["methods"] = json!(methods);
        }
        rule
    })
}

fn any_rules(kind: &'static str) -> impl Strategy<Value = Vec<Value>> {
    let rules = proptest::collection::vec(any_rule(), 0..4);
    rules.prop_map(move |mut rules| {
        for (index, rule) in rules.iter_mut().rev().enumerate() {
            rule["id"] = json!(format!("{kind}-{index}"));
        }
        rules
    })
}

fn any_caller(identity: String) -> impl Strategy<Value = Value> {
    let accounts = proptest::option::weighted(0.3, proptest::sample::subsequence(&ACCOUNTS[..], 1..=2));
    let until = proptest::option::weighted(0.3, proptest::sample::select(&TIMES[..]));
    (accounts, until, any_rules("permit"), any_rules("forbid")).prop_map(
        move |(accounts, until, permit, mut forbid)| {
            forbid.truncate(1);
            let mut caller = json!({ "identity": identity, "permit": permit, "forbid": forbid });
            if let Some(accounts) = accounts {
                caller["accounts"] = json!(accounts);
            }
            if let Some(until) = until {
                caller["validUntil"] = json!(until);
            }
            caller
        },
    )
}

pub(super) fn any_document() -> impl Strategy<Value = Value> {
    let names: Vec<String> = IDENTITIES.iter().flat_map(|path| [identity(path), identity(path) + "/*"]).collect();
    let callers = proptest::sample::subsequence(names, 1..6)
        .prop_flat_map(|names| names.into_iter().map(any_caller).collect::<Vec<_>>());
    callers.prop_map(|callers| json!({ "version": 1, "trustDomain": "internal.example", "callers": callers }))
}

#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) identity: &'static str,
    pub(super) account: Option<&'static str>,
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    pub(super) now: &'static str,
}

pub(super) fn any_request() -> impl Strategy<Value = Asked> {
    let account = proptest::option::of(proptest::sample::select(&ACCOUNTS[..]));
    let (identity, method) = (proptest::sample::select(&IDENTITIES[..]), proptest::sample::select(&METHODS[..]));
    let (path, now) = (proptest::sample::select(&PATHS[..]), proptest::sample::select(&TIMES[..]));
    (identity, account, method, path, now).prop_map(|(identity, account, method, path, now)| Asked {
        identity,
        account,
        method,
        path,
        now,
    })
}
