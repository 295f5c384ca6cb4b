//! What holds for every policy.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "test code")]

use std::collections::BTreeMap;

use policy::access::{AccessRequest, Effect, authorize};
use policy::endpoint::{Action, Connection, ConnectionState, Context, Verdict, decide, decide_all};
use policy::{AccountId, Format, IdentityPattern, Method, PathTemplate, Policy, RequestPath, SpiffeId, Timestamp};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Value, json};

const NOW: &str = "2026-11-23T10:00:00Z";
const METHODS: [&str; 3] = ["GET", "POST", "PURGE"];
const TEMPLATES: [&str; 6] = ["/", "/a", "/a/{id}", "/{id}/b", "/a/{*rest}", "/{*rest}"];
const IDENTITIES: [&str; 5] = ["spiffe://d/a", "spiffe://d/a/b", "spiffe://d/a/b/c", "spiffe://d/ab", "spiffe://d/c"];
const PATTERNS: [&str; 7] = [
    "spiffe://d/a",
    "spiffe://d/a/b",
    "spiffe://d/ab",
    "spiffe://d/*",
    "spiffe://d/a/*",
    "spiffe://d/a/b/*",
    "spiffe://d/c/*",
];
const ACCOUNTS: [&str; 3] = ["111111111111", "222222222222", "333333333333"];
const ENDS: [&str; 2] = ["2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"];

fn config() -> ProptestConfig {
    ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1000) }
}

fn rule() -> impl Strategy<Value = Value> {
    let methods = proptest::option::of(subsequence(METHODS.to_vec(), 1..=2));
    (methods, subsequence(TEMPLATES.to_vec(), 1..=2))
        .prop_map(|(methods, paths)| without_nulls(json!({"methods": methods, "paths": paths})))
}

fn caller() -> impl Strategy<Value = Value> {
    let rules = || proptest::collection::vec(rule(), 0..3);
    let accounts = proptest::option::weighted(0.3, subsequence(ACCOUNTS.to_vec(), 1..=2));
    let valid_until = proptest::option::weighted(0.3, select(ENDS.to_vec()));
    (accounts, valid_until, rules(), rules()).prop_map(|(accounts, valid_until, permit, forbid)| {
        without_nulls(json!({"accounts": accounts, "validUntil": valid_until, "permit": permit, "forbid": forbid}))
    })
}

fn without_nulls(mut value: Value) -> Value {
    value.as_object_mut().unwrap().retain(|_, field| !field.is_null());
    value
}

/// Callers by identity.
fn callers(at_least: usize) -> impl Strategy<Value = BTreeMap<&'static str, Value>> {
    proptest::collection::btree_map(select(PATTERNS.to_vec()), caller(), at_least..5)
}

fn listed(callers: &BTreeMap<&'static str, Value>) -> Vec<Value> {
    let with_identity = |(identity, caller): (&&str, &Value)| {
        let mut caller = caller.clone();
        caller["identity"] = json!(identity);
        caller
    };
    callers.iter().map(with_identity).collect()
}

fn policy(callers: &[Value], endpoints: &Value) -> Policy {
    let document = json!({"version": 1, "trustDomain": "d", "callers": callers, "endpoints": endpoints});
    Policy::parse(document.to_string().as_bytes(), Format::Json, "f", "r1".into()).unwrap()
}

#[derive(Debug, Clone)]
struct Request {
    identity: &'static str,
    account: Option<&'static str>,
    method: &'static str,
    path: String,
}

fn request() -> impl Strategy<Value = Request> {
    let account = proptest::option::of(select(ACCOUNTS.to_vec()));
    (select(IDENTITIES.to_vec()), account, select(METHODS.to_vec()), "(/(a|b)){0,2}(/|/a)")
        .prop_map(|(identity, account, method, path)| Request { identity, account, method, path })
}

/// The reason, and the rule that decided.
fn ask(policy: &Policy, request: &Request) -> (String, Option<String>) {
    let decision = authorize(
        policy,
        &AccessRequest {
            identity: &request.identity.parse().unwrap(),
            account: request.account.map(|account| account.parse().unwrap()).as_ref(),
            endpoint: None,
            method: request.method,
            path: &RequestPath::parse(&request.path).unwrap(),
            now: NOW.parse().unwrap(),
        },
    );
    assert_eq!(decision.effect == Effect::Allow, decision.reason.as_str() == "permitted");
    (decision.reason.as_str().to_owned(), decision.rule.map(ToString::to_string))
}

/// The reason, by reading the document from top to bottom for every request.
fn reason_by_the_book(callers: &[Value], request: &Request) -> &'static str {
    let identity: SpiffeId = request.identity.parse().unwrap();
    let path = RequestPath::parse(&request.path).unwrap();
    let pattern = |caller: &&Value| caller["identity"].as_str().unwrap().parse::<IdentityPattern>().unwrap();
    let specificity = |caller: &&Value| (!pattern(caller).is_prefix(), pattern(caller).base().as_str().len());
    let matches = |rule: &Value| {
        let methods = rule.get("methods").and_then(Value::as_array);
        methods.is_none_or(|methods| methods.iter().any(|method| method == request.method))
            && rule["paths"]
                .as_array()
                .unwrap()
                .iter()
                .any(|template| template.as_str().unwrap().parse::<PathTemplate>().unwrap().matches(&path))
    };
    let any = |caller: &Value, list: &str| caller[list].as_array().unwrap().iter().any(matches);
    let matching = callers.iter().filter(|caller| pattern(caller).matches(&identity));
    let Some(caller) = matching.max_by_key(specificity) else { return "noMatchingCaller" };
    if caller.get("validUntil").is_some_and(|end| end.as_str().unwrap() <= NOW) {
        return "grantExpired";
    }
    match (caller.get("accounts").and_then(Value::as_array), request.account) {
        (Some(_), None) => return "endpointUnknown",
        (Some(accounts), Some(account)) if !accounts.iter().any(|a| a == account) => return "accountMismatch",
        _ => {}
    }
    match (any(caller, "forbid"), any(caller, "permit")) {
        (true, _) => "forbidden",
        (false, true) => "permitted",
        (false, false) => "noMatchingRule",
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn the_index_decides_as_the_document_reads(callers in callers(0), request in request()) {
        let callers = listed(&callers);
        prop_assert_eq!(ask(&policy(&callers, &json!({})), &request).0, reason_by_the_book(&callers, &request));
    }

    #[test]
    fn order_does_not_matter(callers in callers(0), request in request()) {
        let callers = listed(&callers);
        let mut turned: Vec<Value> = callers.iter().rev().cloned().collect();
        for caller in &mut turned {
            for list in ["permit", "forbid"] {
                let rules = caller[list].as_array_mut().unwrap();
                rules.reverse();
                for rule in rules {
                    rule["paths"].as_array_mut().unwrap().reverse();
                }
            }
        }
        prop_assert_eq!(ask(&policy(&callers, &json!({})), &request), ask(&policy(&turned, &json!({})), &request));
    }

    #[test]
    fn a_further_forbid_never_allows(
        callers in callers(1),
        rule in rule(),
        at in any::<proptest::sample::Index>(),
        request in request(),
    ) {
        let callers = listed(&callers);
        let mut stricter = callers.clone();
        let index = at.index(stricter.len());
        stricter[index]["forbid"].as_array_mut().unwrap().push(rule);
        let (before, _) = ask(&policy(&callers, &json!({})), &request);
        let (after, _) = ask(&policy(&stricter, &json!({})), &request);
        prop_assert!(before == "permitted" || after != "permitted", "{} {}", before, after);
    }

    #[test]
    fn an_empty_policy_allows_and_accepts_nothing(request in request(), connection in connection()) {
        let empty = policy(&[], &json!({}));
        prop_assert_eq!(ask(&empty, &request).0, "noMatchingCaller");
        let context = Context { now: NOW.parse().unwrap(), older: 0, organizational_units: Some(&[]) };
        prop_assert!(decide(&empty, &connection, &context).action != Action::Accept);
    }

    #[test]
    fn verdicts_do_not_depend_on_order(endpoints in endpoints(), connections in connections()) {
        let mut turned = endpoints.clone();
        turned["consumers"].as_array_mut().unwrap().reverse();
        let mut reversed = connections.clone();
        reversed.reverse();
        let verdicts = decide_all(&policy(&[], &endpoints), &connections, now(), &|owner| Some(units(owner)));
        let mut others = decide_all(&policy(&[], &turned), &reversed, now(), &|owner| Some(units(owner)));
        others.reverse();
        prop_assert_eq!(verdicts, others);
    }

    #[test]
    fn nobody_unlisted_or_unknown_is_accepted_and_no_limit_exceeded(
        endpoints in endpoints(),
        connections in connections(),
    ) {
        let verdicts = decide_all(&policy(&[], &endpoints), &connections, now(), &|owner| Some(units(owner)));
        let consumers = endpoints["consumers"].as_array().unwrap();
        let pairs = connections.iter().zip(&verdicts);
        let accepted: Vec<_> = pairs.filter(|(_, verdict)| verdict.action == Action::Accept).collect();
        for (connection, verdict) in &accepted {
            prop_assert!(connection.state != ConnectionState::Unknown);
            let entry = consumers.iter().find(|consumer| consumer["name"] == json!(verdict.consumer)).unwrap();
            let is_of = |key: &str, value: &str| entry.get(key).is_some_and(|listed| listed == value);
            let is_below = units(&connection.owner).iter().any(|unit| is_of("organizationalUnit", unit));
            prop_assert!(is_of("account", connection.owner.as_str()) || is_below);
        }
        for entry in consumers {
            let takes_place = |(connection, verdict): &&(&Connection, &Verdict)| {
                matches!(connection.state.as_str(), "available" | "pending" | "pendingAcceptance" | "rejected")
                    && json!(verdict.consumer) == entry["name"]
            };
            let taken = accepted.iter().filter(takes_place).count();
            prop_assert!(entry.get("maxEndpoints").and_then(Value::as_u64).is_none_or(|limit| taken as u64 <= limit));
        }
    }
}

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

fn units(owner: &AccountId) -> Vec<String> {
    if owner.as_str().starts_with('2') { vec!["ou-ab12-abcdefgh".to_owned()] } else { Vec::new() }
}

fn connection() -> impl Strategy<Value = Connection> {
    let state = select(vec!["available", "pending", "pendingAcceptance", "rejected", "deleted", "whatever"]);
    let region = proptest::option::of(select(vec!["eu-west-1".to_owned(), "us-east-1".to_owned()]));
    let created_at =
        proptest::option::of(0..4_i64).prop_map(|second| second.map(|s| Timestamp::from_second(s).unwrap()));
    (select(ACCOUNTS.to_vec()), select(vec!["vpce-svc-1", "vpce-svc-2"]), state, region, created_at).prop_map(
        |(owner, service, state, region, created_at)| Connection {
            endpoint_id: "vpce-0".parse().unwrap(),
            service_id: service.parse().unwrap(),
            owner: owner.parse().unwrap(),
            state: ConnectionState::from_wire(state),
            region,
            created_at,
        },
    )
}

/// Each with an id of its own.
fn connections() -> impl Strategy<Value = Vec<Connection>> {
    proptest::collection::vec(connection(), 0..8).prop_map(|mut connections| {
        for (index, connection) in connections.iter_mut().enumerate() {
            connection.endpoint_id = format!("vpce-{index}").parse().unwrap();
        }
        connections
    })
}

/// Each entry with a name of its own.
fn endpoints() -> impl Strategy<Value = Value> {
    let subject = prop_oneof![
        select(ACCOUNTS.to_vec()).prop_map(|account| ("account", account)),
        Just(("organizationalUnit", "ou-ab12-abcdefgh")),
    ];
    let regions = proptest::option::of(subsequence(vec!["eu-west-1", "us-east-1"], 1..=1));
    let services = proptest::option::weighted(0.3, subsequence(vec!["vpce-svc-1", "vpce-svc-2"], 1..=1));
    let limit = proptest::option::of(0..3_u8);
    let ends = proptest::option::weighted(0.3, select(ENDS.to_vec()));
    let consumer = (subject, regions, services, limit, ends).prop_map(|((key, subject), regions, services, limit, ends)| {
        let entry = json!({"regions": regions, "services": services, "maxEndpoints": limit, "validUntil": ends, key: subject});
        without_nulls(entry)
    });
    let unlisted = select(vec!["reject", "hold"]);
    (unlisted, proptest::collection::vec(consumer, 0..5)).prop_map(|(unlisted, mut consumers)| {
        consumers.sort_by_key(ToString::to_string);
        consumers.dedup();
        for (index, consumer) in consumers.iter_mut().enumerate() {
            consumer["name"] = json!(index.to_string());
        }
        json!({"unlisted": unlisted, "consumers": consumers})
    })
}

#[test]
fn the_methods_of_the_generator_are_methods() {
    assert!(METHODS.iter().all(|method| method.parse::<Method>().is_ok()));
}
