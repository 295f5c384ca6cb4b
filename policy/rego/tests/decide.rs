//! How requests are decided.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "test code")]

use std::time::{Duration, Instant};

use policy::access::{AccessRequest, Effect, Reason};
use policy::{AccountId, RequestPath, SerialNumber, SpiffeId, Timestamp, VpcEndpointId};
use policy_rego::{DEFAULT_BUDGET, Module, RegoDecision, RegoPolicy, RegoRequest};
use serde_json::{Value, json};

/// So that a busy machine does not change a decision.
const GENEROUS: Duration = Duration::from_secs(5);

fn policy(rules: &str, data: Value, budget: Duration) -> RegoPolicy {
    let text = format!("package linkward\n\n{rules}\n");
    RegoPolicy::compile(&[Module { path: "/policy.rego".into(), text, v0: false }], &[String::new()], data, budget)
        .unwrap()
}

/// A request that can be varied.
struct Asked {
    identity: SpiffeId,
    serial_number: SerialNumber,
    account: AccountId,
    endpoint: VpcEndpointId,
    method: &'static str,
    path: String,
    host: &'static str,
    now: Timestamp,
    anonymous: bool,
}

impl Default for Asked {
    fn default() -> Self {
        Self {
            identity: "spiffe://internal.example/prod/orders-api".parse().unwrap(),
            serial_number: "0A:1B".parse().unwrap(),
            account: "123456789012".parse().unwrap(),
            endpoint: "vpce-0a1b2c3d".parse().unwrap(),
            method: "GET",
            path: "/v1/invoices/a%20b".into(),
            host: "invoices.internal.example",
            now: "2026-11-26T01:02:03.5Z".parse().unwrap(),
            anonymous: false,
        }
    }
}

impl Asked {
    fn of(&self, policy: &RegoPolicy) -> RegoDecision {
        let path = RequestPath::parse(&self.path).unwrap();
        policy.decide(&RegoRequest {
            access: AccessRequest {
                identity: &self.identity,
                account: (!self.anonymous).then_some(&self.account),
                endpoint: (!self.anonymous).then_some(&self.endpoint),
                method: self.method,
                path: &path,
                now: self.now,
            },
            common_name: (!self.anonymous).then_some("orders"),
            serial_number: (!self.anonymous).then_some(&self.serial_number),
            not_after: (!self.anonymous).then(|| "2027-01-01T00:00:00Z".parse().unwrap()),
            host: (!self.anonymous).then_some(self.host),
        })
    }
}

fn reason(policy: &RegoPolicy, asked: &Asked) -> Reason {
    asked.of(policy).reason
}

/// A policy that allows if and only if `input` is this.
fn expecting(input: &Value) -> RegoPolicy {
    policy(
        "default authz := {\"allow\": false}\nauthz := {\"allow\": true} if input == data.expected",
        json!({ "expected": input }),
        GENEROUS,
    )
}

#[test]
fn the_input_is_as_documented_and_nothing_more() {
    let input = json!({
        "identity": {
            "id": "spiffe://internal.example/prod/orders-api", "trustDomain": "internal.example",
            "path": "/prod/orders-api", "commonName": "orders",
        },
        "certificate": { "serialNumber": "a1b", "notAfter": "2027-01-01T00:00:00Z" },
        "endpoint": { "id": "vpce-0a1b2c3d", "account": "123456789012" },
        "request": {
            "method": "GET", "path": "/v1/invoices/a%20b", "segments": ["v1", "invoices", "a b"],
            "host": "invoices.internal.example",
        },
    });
    assert_eq!(reason(&expecting(&input), &Asked::default()), Reason::Permitted);
    let mut other = input.clone();
    other["endpoint"]["account"] = json!("210987654321");
    assert_eq!(reason(&expecting(&other), &Asked::default()), Reason::NoMatchingRule);
    let unknown = json!({
        "identity": input["identity"].as_object().unwrap().iter()
            .map(|(key, value)| (key.clone(), if key == "commonName" { Value::Null } else { value.clone() }))
            .collect::<serde_json::Map<_, _>>(),
        "certificate": { "serialNumber": null, "notAfter": null },
        "endpoint": { "id": null, "account": null },
        "request": { "method": "GET", "path": "/v1/invoices/a%20b", "segments": ["v1", "invoices", "a b"], "host": null },
    });
    assert_eq!(reason(&expecting(&unknown), &Asked { anonymous: true, ..Asked::default() }), Reason::Permitted);
}

#[test]
fn what_nobody_allows_is_denied() {
    let rules =
        "authz := {\"allow\": true, \"reason\": \"permitted\", \"rule\": \"read\"} if input.request.method == \"GET\"";
    let policy = policy(rules, json!({}), GENEROUS);
    let allowed = Asked::default().of(&policy);
    assert_eq!((allowed.effect, allowed.rule.unwrap().as_str()), (Effect::Allow, "read"));
    let denied = Asked { method: "POST", ..Asked::default() }.of(&policy);
    assert_eq!((denied.effect, denied.reason, denied.rule), (Effect::Deny, Reason::NoMatchingRule, None));
}

#[test]
fn an_error_denies_and_says_where() {
    let policy = policy(
        "authz := {\"allow\": true} if {
	input.request.segments[0] == \"n\"
	not to_number(input.request.segments[1]) == 7
}
authz := {\"allow\": true} if input.request.method == \"PURGE\"",
        json!({}),
        GENEROUS,
    );
    // A built-in function that fails is not the same as one that says no.
    let decision = Asked { path: "/n/x".into(), ..Asked::default() }.of(&policy);
    assert_eq!((decision.effect, decision.reason), (Effect::Deny, Reason::PolicyError));
    assert!(decision.detail.unwrap().starts_with("/policy.rego:5:"));
    assert_eq!(reason(&policy, &Asked { path: "/n/7".into(), ..Asked::default() }), Reason::NoMatchingRule);
    assert_eq!(reason(&policy, &Asked { path: "/n/8".into(), ..Asked::default() }), Reason::Permitted);
}

#[test]
fn an_evaluation_ends_with_its_budget_and_denies() {
    // Work by the length of the path, so that the sample requests are answered.
    let rules = "authz := {\"allow\": n >= 0}
n := count([1 | input.request.segments[_]; input.request.segments[_]; input.request.segments[_]; false])";
    let policy = policy(rules, json!({}), DEFAULT_BUDGET);
    let asked = Asked { path: "/a".repeat(1000), ..Asked::default() };
    let began = Instant::now();
    let decision = asked.of(&policy);
    assert_eq!((decision.effect, decision.reason), (Effect::Deny, Reason::PolicyError));
    assert!(decision.detail.unwrap().contains("exceeded time limit"));
    // A billion steps would take minutes.
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    let answered =
        (0..100).any(|_| reason(&policy, &Asked { path: "/a".into(), ..Asked::default() }) == Reason::Permitted);
    assert!(answered, "the next request has a budget of its own");
}

#[test]
fn what_is_too_large_is_not_evaluated() {
    let policy = policy("authz := {\"allow\": true}", json!({}), GENEROUS);
    for (path, expected) in [
        (format!("/{}", "a".repeat(60_000)), Reason::Permitted),
        (format!("/{}", "a".repeat(70_000)), Reason::PolicyError),
        ("/a".repeat(1_024), Reason::Permitted),
        ("/a".repeat(1_025), Reason::PolicyError),
    ] {
        let length = path.len();
        assert_eq!(reason(&policy, &Asked { path, ..Asked::default() }), expected, "{length}");
    }
}

#[test]
fn the_time_is_that_of_the_request() {
    let rules = "authz := {\"allow\": time.now_ns() < time.parse_rfc3339_ns(\"2026-12-01T00:00:00Z\")}";
    let policy = policy(rules, json!({}), GENEROUS);
    let at = |now: &str| Asked { now: now.parse().unwrap(), ..Asked::default() };
    assert_eq!(reason(&policy, &at("2026-11-30T23:59:59.999Z")), Reason::Permitted);
    assert_eq!(reason(&policy, &at("2026-12-01T00:00:00Z")), Reason::NoMatchingRule);
}

#[test]
fn threads_and_policies_do_not_mix() {
    let policies: Vec<RegoPolicy> = ["GET", "POST", "PURGE"]
        .map(|method| {
            policy("default authz := {\"allow\": false}\nauthz := {\"allow\": true} if input.request.method == data.method", json!({ "method": method }), GENEROUS)
        })
        .into();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for round in 0..200 {
                    let method = ["GET", "POST", "PURGE"][round % 3];
                    let asked = Asked { method, ..Asked::default() };
                    for (index, policy) in policies.iter().enumerate() {
                        let expected = if index == round % 3 { Reason::Permitted } else { Reason::NoMatchingRule };
                        assert_eq!(reason(policy, &asked), expected);
                    }
                }
            });
        }
    });
}

#[test]
fn one_evaluation_leaves_nothing_to_the_next() {
    let rules = "authz := {\"allow\": seen == {input.request.method}}
seen contains input.request.method";
    let policy = policy(rules, json!({}), GENEROUS);
    for method in ["GET", "POST", "GET", "PURGE"] {
        assert_eq!(reason(&policy, &Asked { method, ..Asked::default() }), Reason::Permitted, "{method}");
    }
}
