//! The inner gate.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "test code")]

use policy::access::{AccessRequest, Effect, Reason, authorize};
use policy::{Format, Policy, RequestPath};

fn policy(callers: &str) -> Policy {
    let text = format!("version: 1\ntrustDomain: a\ncallers:\n{callers}");
    Policy::parse(text.as_bytes(), Format::Yaml, "access.yaml", "r1".into()).unwrap()
}

/// Who asks, through which account, what, and when.
struct Ask<'a> {
    identity: &'a str,
    account: Option<&'a str>,
    request: &'a str,
    now: &'a str,
}

const ASK: Ask<'_> =
    Ask { identity: "spiffe://a/orders", account: None, request: "GET /v1", now: "2026-11-23T10:00:00Z" };

/// The reason of the decision, with the rule if there is one.
fn decide(policy: &Policy, ask: &Ask<'_>) -> String {
    let (method, path) = ask.request.split_once(' ').unwrap();
    let decision = authorize(
        policy,
        &AccessRequest {
            identity: &ask.identity.parse().unwrap(),
            account: ask.account.map(|account| account.parse().unwrap()).as_ref(),
            endpoint: None,
            method,
            path: &RequestPath::parse(path).unwrap(),
            now: ask.now.parse().unwrap(),
        },
    );
    assert_eq!(decision.effect == Effect::Allow, decision.reason == Reason::Permitted);
    assert_eq!(decision.revision.as_str(), "r1");
    let rule = decision.rule.map(|rule| format!(" {rule}")).unwrap_or_default();
    format!("{}{rule}", decision.reason.as_str())
}

#[test]
fn nobody_is_allowed_anything_unless_it_is_written() {
    let empty = policy("  []\n");
    let orders = policy("- {identity: spiffe://a/orders, permit: [{id: read, methods: [GET], paths: [/v1]}]}");
    let idle = policy("- identity: spiffe://a/orders");
    for (policy, ask, expected) in [
        (&empty, ASK, "noMatchingCaller"),
        (&idle, ASK, "noMatchingRule"),
        (&orders, ASK, "permitted read"),
        (&orders, Ask { request: "POST /v1", ..ASK }, "noMatchingRule"),
        (&orders, Ask { request: "get /v1", ..ASK }, "noMatchingRule"),
        (&orders, Ask { request: "GET /v1/", ..ASK }, "noMatchingRule"),
        (&orders, Ask { request: "GET /v%31", ..ASK }, "permitted read"),
        (&orders, Ask { identity: "spiffe://a/orders/x", ..ASK }, "noMatchingCaller"),
        (&orders, Ask { identity: "spiffe://a/order", ..ASK }, "noMatchingCaller"),
        (&orders, Ask { identity: "spiffe://b/orders", ..ASK }, "noMatchingCaller"),
        (&orders, Ask { identity: "spiffe://a", ..ASK }, "noMatchingCaller"),
    ] {
        assert_eq!(decide(policy, &ask), expected, "{} {}", ask.identity, ask.request);
    }
}

#[test]
fn forbid_wins_over_permit_wherever_it_stands() {
    let policy = policy(
        "- identity: spiffe://a/orders\n  forbid:\n  - {id: no-secret, paths: [/v1/secret, '/v1/jobs/7:stop']}\n  \
         - {id: no-delete, methods: [DELETE], paths: ['/{*rest}']}\n  permit:\n  - {id: all, paths: ['/v1/{*rest}']}\n",
    );
    for (request, expected) in [
        ("GET /v1/public", "permitted all"),
        ("GET /v1/secret", "forbidden no-secret"),
        ("GET /v1/secret/", "permitted all"),
        ("DELETE /v1/public", "forbidden no-delete"),
        ("DELETE /elsewhere", "forbidden no-delete"),
        ("GET /elsewhere", "noMatchingRule"),
        // What an upstream decodes to a forbidden path is forbidden too.
        ("GET /v1/secre%74", "forbidden no-secret"),
        ("POST /v1/jobs/7%3Astop", "forbidden no-secret"),
    ] {
        assert_eq!(decide(&policy, &Ask { request, ..ASK }), expected, "{request}");
    }
}

#[test]
fn the_nearest_entry_alone_counts() {
    let policy = policy(
        "- {identity: spiffe://a/*, permit: [{id: domain, paths: [/v1]}]}\n\
         - {identity: spiffe://a/prod/*, permit: [{id: prod, paths: [/v1]}]}\n\
         - {identity: spiffe://a/prod/orders, permit: [{id: orders, paths: [/v2]}]}\n\
         - {identity: spiffe://a/prod/orders/*, permit: [{id: below, paths: [/v1]}]}\n",
    );
    for (identity, expected) in [
        ("spiffe://a/test", "permitted domain"),
        ("spiffe://a/prod", "permitted domain"),
        ("spiffe://a/production", "permitted domain"),
        ("spiffe://a/prod/billing", "permitted prod"),
        ("spiffe://a/prod/billing/x/y", "permitted prod"),
        ("spiffe://a/prod/orders", "noMatchingRule"),
        ("spiffe://a/prod/orders/x", "permitted below"),
        ("spiffe://a/prod/orders/x/y", "permitted below"),
        ("spiffe://ab/prod", "noMatchingCaller"),
    ] {
        assert_eq!(decide(&policy, &Ask { identity, ..ASK }), expected, "{identity}");
    }
}

#[test]
fn a_grant_ends_at_its_moment() {
    let policy = policy(
        "- {identity: spiffe://a/orders, validUntil: 2027-03-31T02:00:00+02:00, permit: [{id: r, paths: [/v1]}]}",
    );
    for (now, expected) in [
        ("2027-03-30T23:59:59.999Z", "permitted r"),
        ("2027-03-31T00:00:00Z", "grantExpired"),
        ("2027-03-31T00:00:00.001Z", "grantExpired"),
    ] {
        assert_eq!(decide(&policy, &Ask { now, ..ASK }), expected, "{now}");
    }
}

#[test]
fn a_caller_bound_to_accounts_comes_through_their_endpoints() {
    let policy = policy(
        "- {identity: spiffe://a/orders, accounts: ['111111111111', '222222222222'], validUntil: 2027-03-31T00:00:00Z, \
         permit: [{id: r, paths: [/v1]}], forbid: [{id: f, paths: [/v2]}]}",
    );
    for (account, request, expected) in [
        (Some("111111111111"), "GET /v1", "permitted r"),
        (Some("222222222222"), "GET /v1", "permitted r"),
        (Some("333333333333"), "GET /v1", "accountMismatch"),
        (None, "GET /v1", "endpointUnknown"),
        // Through the wrong account nothing is learnt of the rules.
        (Some("333333333333"), "GET /v2", "accountMismatch"),
        (None, "GET /v3", "endpointUnknown"),
    ] {
        assert_eq!(decide(&policy, &Ask { account, request, ..ASK }), expected, "{account:?}");
    }
    let late = Ask { account: Some("333333333333"), now: "2028-01-01T00:00:00Z", ..ASK };
    assert_eq!(decide(&policy, &late), "grantExpired");
}

#[test]
fn a_generated_id_says_what_the_rule_says_and_nothing_else() {
    let id_of = |rules: &str| decide(&policy(&format!("- {{identity: spiffe://a/orders, permit: [{rules}]}}")), &ASK);
    let id = id_of("{methods: [GET, HEAD], paths: [/v1, /v2]}");
    assert!(id.starts_with("permitted permit-"), "{id}");
    assert_eq!(id, id_of("{methods: [HEAD, GET], paths: [/v2, /v1]}"));
    assert_eq!(id, id_of("{methods: [POST], paths: [/v1]}, {methods: [HEAD, GET], paths: [/v2, /v1]}"));
    assert_ne!(id, id_of("{methods: [GET], paths: [/v1, /v2]}"));
    assert_ne!(id, id_of("{methods: [GET, HEAD], paths: [/v1, /v3]}"));
    // Written down here so that no later version changes it unnoticed: it is in people's logs.
    assert_eq!(id, "permitted permit-b197cf9f9838");
}

#[test]
fn every_reason_has_its_word_its_status_and_its_place_in_audit_mode() {
    let words: Vec<&str> = Reason::ALL.into_iter().map(Reason::as_str).collect();
    let listed = "permitted noMatchingCaller noMatchingRule forbidden grantExpired accountMismatch endpointUnknown \
                  policyStale policyError certificateRevoked certificateExpired certificateLifetimeTooLong badIdentity \
                  noCertificate crlStale denyListStale";
    assert_eq!(words.join(" "), listed);
    let unauthorized: Vec<&str> =
        Reason::ALL.into_iter().filter(|reason| reason.status_code() == 401).map(Reason::as_str).collect();
    assert_eq!(
        unauthorized.join(" "),
        "certificateRevoked certificateExpired certificateLifetimeTooLong badIdentity noCertificate crlStale"
    );
    assert!(Reason::ALL.into_iter().all(|reason| matches!(reason.status_code(), 401 | 403)));
    let auditable: Vec<&str> =
        Reason::ALL.into_iter().filter(|reason| reason.is_auditable()).map(Reason::as_str).collect();
    assert_eq!(
        auditable.join(" "),
        "noMatchingCaller noMatchingRule forbidden grantExpired accountMismatch endpointUnknown"
    );
}

#[test]
fn a_caller_may_come_from_as_many_endpoints_as_its_accounts_may_have() {
    let text = r#"
version: 1
trustDomain: a
endpoints:
  consumers:
    - {account: "111111111111", maxEndpoints: 2, regions: [eu-west-1]}
    - {account: "111111111111", maxEndpoints: 1, regions: [eu-west-2]}
    - {account: "222222222222", maxEndpoints: 4}
    - {account: "333333333333"}
callers:
  - {identity: spiffe://a/one, accounts: ["111111111111"]}
  - {identity: spiffe://a/two, accounts: ["111111111111", "222222222222"]}
  - {identity: spiffe://a/open, accounts: ["111111111111", "333333333333"]}
  - {identity: spiffe://a/unlisted, accounts: ["444444444444"]}
  - {identity: spiffe://a/anywhere}
"#;
    let policy = Policy::parse(text.as_bytes(), Format::Yaml, "access.yaml", "r1".into()).unwrap();
    let limits =
        [("one", Some(3)), ("two", Some(7)), ("open", None), ("unlisted", None), ("anywhere", None), ("x", None)];
    for (name, limit) in limits {
        assert_eq!(policy.max_endpoints(&format!("spiffe://a/{name}").parse().unwrap()), limit, "{name}");
    }
}

#[test]
fn a_policy_is_shared_between_threads() {
    fn check<T: Send + Sync>() {}
    check::<Policy>();
}
