//! Why a request is decided as it is.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "test code")]

use policy::access::{AccessRequest, Reason};
use policy::explain::{Explanation, explain};
use policy::{Format, Policy, RequestPath};

const POLICY: &str = "version: 1
trustDomain: a
callers:
- identity: spiffe://a/prod/orders
  accounts: ['111111111111']
  validUntil: 2027-01-01T00:00:00Z
  permit:
  - {id: lines, methods: [GET], paths: ['/v1/invoices/{id}/lines']}
  - {id: read, methods: [GET, HEAD], paths: [/v1/invoices, '/v1/invoices/{id}']}
  forbid:
  - {id: secret, paths: [/v1/invoices/secret]}
- identity: spiffe://a/prod/*
  permit: [{id: health, paths: [/health]}]
";

fn ask<'p>(policy: &'p Policy, identity: &str, account: Option<&str>, request: &str, now: &str) -> Explanation<'p> {
    let (method, path) = request.split_once(' ').unwrap();
    let account = account.map(|account| account.parse().unwrap());
    let request = AccessRequest {
        identity: &identity.parse().unwrap(),
        account: account.as_ref(),
        endpoint: None,
        method,
        path: &RequestPath::parse(path).unwrap(),
        now: now.parse().unwrap(),
    };
    let explanation = explain(policy, &request);
    assert_eq!(explanation.decision, policy::access::authorize(policy, &request));
    explanation
}

fn policy() -> Policy {
    Policy::parse(POLICY.as_bytes(), Format::Yaml, "access.yaml", "r1".into()).unwrap()
}

const NOW: &str = "2026-11-26T00:00:00Z";
const ORDERS: &str = "spiffe://a/prod/orders";

#[test]
fn every_check_is_told_also_those_the_gate_does_not_come_to() {
    let policy = policy();
    let found = ask(&policy, ORDERS, Some("222222222222"), "GET /v1/invoices/secret", "2027-01-01T00:00:00Z");
    assert_eq!(found.decision.reason, Reason::GrantExpired);
    let entry = found.entry.unwrap();
    assert_eq!(entry.identity.to_string(), ORDERS);
    assert!(entry.is_expired && !entry.account_fits);
    assert_eq!(entry.forbid.unwrap().rule.as_str(), "secret");
    let permit = entry.permit.unwrap();
    assert_eq!((permit.rule.as_str(), permit.template.as_str()), ("read", "/v1/invoices/{id}"));
    assert!(entry.nearest.is_none() && found.similar_identity.is_none());

    let entry = ask(&policy, ORDERS, Some("111111111111"), "GET /v1/invoices/7", NOW).entry.unwrap();
    assert!(!entry.is_expired && entry.account_fits && entry.forbid.is_none());
    assert!(!ask(&policy, ORDERS, None, "GET /v1/invoices/7", NOW).entry.unwrap().account_fits);
}

#[test]
fn the_nearest_rule_is_the_one_with_the_longest_common_start() {
    let policy = policy();
    for (request, rule, method_fits, template, path) in [
        ("POST /v1/invoices/7", "read", false, None, None),
        ("GET /v1/invoices/7/", "lines", true, Some("lines"), Some("")),
        ("GET /v1/invoices/7/notes", "lines", true, Some("lines"), Some("notes")),
        ("GET /v1/invoices/7/lines/3", "lines", true, None, Some("3")),
        ("HEAD /v1/invoice", "read", true, Some("invoices"), Some("invoice")),
        ("GET /v1/invoices/", "lines", true, Some("{id}"), Some("")),
    ] {
        let nearest = ask(&policy, ORDERS, None, request, NOW).entry.unwrap().nearest.unwrap();
        assert_eq!((nearest.rule.rule.as_str(), nearest.method_fits), (rule, method_fits), "{request}");
        let (found_template, found_path) =
            nearest.differs.as_ref().map_or((None, None), |d| (d.template, d.path.as_deref()));
        assert_eq!((found_template, found_path), (template, path), "{request}");
    }
}

#[test]
fn a_caller_that_is_not_named_is_told_who_is_like_it() {
    let text = POLICY.replace("spiffe://a/prod/*", "spiffe://a/test/*");
    let policy = Policy::parse(text.as_bytes(), Format::Yaml, "access.yaml", "r1".into()).unwrap();
    for (identity, similar) in [
        ("spiffe://a/prod/order", Some(ORDERS)),
        ("spiffe://a/prod/orders-v2", Some(ORDERS)),
        ("spiffe://a/x/y/z/something", None),
    ] {
        let found = ask(&policy, identity, None, "GET /health", NOW);
        assert!(found.entry.is_none());
        assert_eq!(found.similar_identity.map(|pattern| pattern.to_string()).as_deref(), similar, "{identity}");
    }
    let found = ask(&policy, "spiffe://a/test/anybody", None, "GET /health", NOW);
    assert_eq!(found.entry.unwrap().identity.to_string(), "spiffe://a/test/*");
}
