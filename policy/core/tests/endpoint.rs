//! The outer gate.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "test code")]

use policy::endpoint::{Action, Connection, ConnectionState, Context, VerdictReason, decide, decide_all};
use policy::{Format, Policy, Timestamp};

const NOW: &str = "2026-11-23T10:00:00Z";

/// A policy with these lines below `endpoints`.
fn policy(lines: &[&str]) -> Policy {
    let text = format!("version: 1\ntrustDomain: a\nendpoints:\n  {}\n", lines.join("\n  "));
    Policy::parse(text.as_bytes(), Format::Yaml, "access.yaml", "r1".into()).unwrap()
}

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

fn connection(endpoint: &str, owner: &str, state: &str) -> Connection {
    Connection {
        endpoint_id: endpoint.parse().unwrap(),
        service_id: "vpce-svc-1".parse().unwrap(),
        owner: owner.parse().unwrap(),
        state: ConnectionState::from_wire(state),
        region: Some("eu-west-1".to_owned()),
        created_at: Some("2026-11-01T00:00:00Z".parse().unwrap()),
    }
}

fn waiting(owner: &str) -> Connection {
    connection("vpce-1", owner, "pendingAcceptance")
}

fn verdict_of(policy: &Policy, connection: &Connection, older: usize, units: &[&str]) -> String {
    let units: Vec<String> = units.iter().map(|unit| (*unit).to_owned()).collect();
    let verdict = decide(policy, connection, &Context { now: now(), older, organizational_units: Some(&units) });
    let consumer = verdict.consumer.map(|name| format!(" {name}")).unwrap_or_default();
    format!("{} {}{consumer}", verdict.action.as_str(), verdict.reason.as_str())
}

const ONE: &str = "111111111111";
const TWO: &str = "222222222222";

#[test]
fn only_listed_accounts_are_accepted() {
    let policy = policy(&["consumers:", "- {account: '111111111111', name: billing}"]);
    assert_eq!(verdict_of(&policy, &waiting(ONE), 0, &[]), "accept allowed billing");
    assert_eq!(verdict_of(&policy, &waiting(TWO), 0, &[]), "reject unlisted");
}

#[test]
fn the_unlisted_are_rejected_unless_they_are_to_wait() {
    for (lines, expected) in [
        ("unlisted: reject", "reject unlisted"),
        ("unlisted: hold", "hold unlisted"),
        ("consumers: []", "reject unlisted"),
    ] {
        assert_eq!(verdict_of(&policy(&[lines]), &waiting(ONE), 0, &[]), expected, "{lines}");
    }
}

#[test]
fn each_condition_of_an_entry_counts() {
    for (condition, older, expected) in [
        ("regions: [eu-west-1, us-east-1]", 0, "accept allowed"),
        ("regions: [us-east-1]", 0, "reject regionNotAllowed"),
        ("services: [vpce-svc-1]", 0, "accept allowed"),
        ("services: [vpce-svc-2]", 0, "reject serviceNotAllowed"),
        ("validUntil: 2026-11-23T10:00:01Z", 0, "accept allowed"),
        ("validUntil: 2026-11-23T10:00:00Z", 0, "reject grantExpired"),
        ("maxEndpoints: 2", 1, "accept allowed"),
        ("maxEndpoints: 2", 2, "reject limitReached"),
        ("maxEndpoints: 0", 0, "reject limitReached"),
    ] {
        let policy = policy(&["consumers:", &format!("- {{account: '111111111111', {condition}}}")]);
        assert_eq!(verdict_of(&policy, &waiting(ONE), older, &[]), expected, "{condition} {older}");
    }
}

#[test]
fn what_is_not_known_is_held() {
    let policy = policy(&["consumers:", "- {account: '111111111111', regions: [eu-west-1], services: [vpce-svc-1]}"]);
    for state in ["", "unknown", "accepted"] {
        assert_eq!(verdict_of(&policy, &connection("vpce-1", ONE, state), 0, &[]), "hold stateUnknown", "{state}");
        assert_eq!(verdict_of(&policy, &connection("vpce-1", TWO, state), 0, &[]), "hold stateUnknown", "{state}");
    }
    let nowhere = Connection { region: None, ..waiting(ONE) };
    assert_eq!(verdict_of(&policy, &nowhere, 0, &[]), "hold stateUnknown");
    // It might be where another entry has a place for it.
    let two = self::policy(&[
        "consumers:",
        "- {account: '111111111111', maxEndpoints: 1}",
        "- {account: '111111111111', regions: [us-east-1]}",
    ]);
    assert_eq!(verdict_of(&two, &nowhere, 1, &[]), "hold stateUnknown");
    assert_eq!(verdict_of(&two, &waiting(ONE), 1, &[]), "reject limitReached");
    // What is wrong anyway need not wait for the Region.
    let elsewhere = Connection { service_id: "vpce-svc-2".parse().unwrap(), ..nowhere };
    assert_eq!(verdict_of(&policy, &elsewhere, 0, &[]), "reject serviceNotAllowed");
}

#[test]
fn the_verdict_does_not_depend_on_where_the_connection_stands() {
    let policy = policy(&["consumers:", "- {account: '111111111111'}"]);
    for state in ["pendingAcceptance", "pending", "available", "rejected", "deleted", "failed", "expired", "partial"] {
        assert_eq!(verdict_of(&policy, &connection("vpce-1", ONE, state), 0, &[]), "accept allowed", "{state}");
        assert_eq!(verdict_of(&policy, &connection("vpce-1", TWO, state), 0, &[]), "reject unlisted", "{state}");
    }
}

#[test]
fn an_account_below_a_listed_unit_is_listed() {
    let policy = policy(&["consumers:", "- {organizationalUnit: ou-ab12-abcdefgh, name: unit}"]);
    for (units, expected) in [
        (&["ou-ab12-abcdefgh"][..], "accept allowed unit"),
        (&["ou-ab12-00000000", "ou-ab12-abcdefgh"], "accept allowed unit"),
        (&["ou-ab12-00000000"], "reject unlisted"),
        // Not known, so it fails closed.
        (&[], "reject unlisted"),
    ] {
        assert_eq!(verdict_of(&policy, &waiting(ONE), 0, units), expected, "{units:?}");
    }
}

#[test]
fn of_several_entries_any_may_accept_and_the_nearest_gives_the_reason() {
    let entries = [
        "- {account: '111111111111', name: us, regions: [us-east-1]}",
        "- {account: '111111111111', name: other, services: [vpce-svc-2]}",
        "- {account: '111111111111', name: old, validUntil: 2020-01-01T00:00:00Z}",
        "- {account: '111111111111', name: two, maxEndpoints: 2}",
        "- {organizationalUnit: ou-ab12-abcdefgh, name: unit, maxEndpoints: 3}",
    ];
    for (count, older, expected) in [
        (1, 0, "reject regionNotAllowed us"),
        (2, 0, "reject serviceNotAllowed other"),
        (3, 0, "reject grantExpired old"),
        (4, 0, "accept allowed two"),
        (4, 2, "reject limitReached two"),
        (5, 2, "accept allowed unit"),
        (5, 3, "reject limitReached two"),
    ] {
        let (mut forwards, mut backwards) = (vec!["consumers:"], vec!["consumers:"]);
        forwards.extend(entries.iter().take(count));
        backwards.extend(entries.iter().take(count).rev());
        for lines in [forwards, backwards] {
            let verdict = verdict_of(&policy(&lines), &waiting(ONE), older, &["ou-ab12-abcdefgh"]);
            assert_eq!(verdict, expected, "{lines:?}");
        }
    }
}

/// The ids of the accepted connections.
fn accepted(policy: &Policy, connections: &[Connection]) -> Vec<String> {
    let verdicts = decide_all(policy, connections, now(), &|_| Some(Vec::new()));
    assert_eq!(verdicts.len(), connections.len());
    let pairs = connections.iter().zip(verdicts);
    let accepted = pairs.filter(|(_, verdict)| verdict.action == Action::Accept);
    accepted.map(|(connection, _)| connection.endpoint_id.to_string()).collect()
}

fn created(connection: Connection, at: &str) -> Connection {
    Connection { created_at: Some(at.parse().unwrap()), ..connection }
}

#[test]
fn the_oldest_keep_their_places() {
    let policy = policy(&["consumers:", "- {account: '111111111111', maxEndpoints: 2}", "- {account: '222222222222'}"]);
    let oldest = created(connection("vpce-c", ONE, "pendingAcceptance"), "2026-01-01T00:00:00Z");
    let middle = created(connection("vpce-b", ONE, "available"), "2026-01-02T00:00:00Z");
    let newest = created(connection("vpce-a", ONE, "available"), "2026-01-03T00:00:00Z");
    let ageless = Connection { created_at: None, ..connection("vpce-0", ONE, "available") };
    let other = connection("vpce-d", TWO, "pendingAcceptance");
    let all = [newest.clone(), other.clone(), oldest.clone(), ageless.clone(), middle.clone()];
    assert_eq!(accepted(&policy, &all), ["vpce-d", "vpce-c", "vpce-b"]);
    // Who is gone leaves a place.
    assert_eq!(accepted(&policy, &[newest.clone(), ageless.clone(), middle.clone()]), ["vpce-a", "vpce-b"]);
    assert_eq!(accepted(&policy, &[ageless, middle]), ["vpce-0", "vpce-b"]);
    for state in ["deleted", "deleting", "rejected", "failed", "expired", "whatever"] {
        let gone = Connection { state: ConnectionState::from_wire(state), ..oldest.clone() };
        let live = [gone, newest.clone(), connection("vpce-e", ONE, "pending")];
        let places: Vec<String> = accepted(&policy, &live).into_iter().filter(|id| id != "vpce-c").collect();
        assert_eq!(places, ["vpce-a", "vpce-e"], "{state}");
    }
    // It carries traffic, if not everywhere.
    let partial = Connection { state: ConnectionState::from_wire("partial"), ..oldest };
    assert_eq!(accepted(&policy, &[newest, partial, connection("vpce-e", ONE, "pending")]), ["vpce-a", "vpce-c"]);
}

#[test]
fn who_holds_no_place_takes_none_from_another() {
    let policy = policy(&["consumers:", "- {account: '111111111111', maxEndpoints: 1}"]);
    let gone = [connection("vpce-a", ONE, "deleted"), connection("vpce-b", ONE, "rejected")];
    assert_eq!(accepted(&policy, &gone), ["vpce-a", "vpce-b"]);
    let [a, b] = gone;
    // Who was turned away and is let in again takes one.
    let another = connection("vpce-c", ONE, "rejected");
    assert_eq!(accepted(&policy, &[another, a.clone(), b.clone()]), ["vpce-a", "vpce-b"]);
    assert_eq!(accepted(&policy, &[a, b, connection("vpce-c", ONE, "available")]), ["vpce-c"]);
}

#[test]
fn of_equal_age_the_accepted_come_first_and_then_the_smaller_id() {
    let policy = policy(&["consumers:", "- {account: '111111111111', maxEndpoints: 1}"]);
    let pair = |a: &str, b: &str| [connection("vpce-a", ONE, a), connection("vpce-b", ONE, b)];
    assert_eq!(accepted(&policy, &pair("pendingAcceptance", "available")), ["vpce-b"]);
    assert_eq!(accepted(&policy, &pair("pendingAcceptance", "pending")), ["vpce-b"]);
    assert_eq!(accepted(&policy, &pair("pendingAcceptance", "pendingAcceptance")), ["vpce-a"]);
    assert_eq!(accepted(&policy, &pair("pending", "available")), ["vpce-a"]);
}

#[test]
fn places_are_counted_for_each_entry_and_only_by_whom_it_admits() {
    let policy = policy(&[
        "consumers:",
        "- {account: '111111111111', name: eu, regions: [eu-west-1], maxEndpoints: 1}",
        "- {account: '111111111111', name: us, regions: [us-east-1], maxEndpoints: 1}",
    ]);
    let at =
        |id: &str, region: &str| Connection { region: Some(region.to_owned()), ..connection(id, ONE, "available") };
    let all =
        [at("vpce-a", "ap-south-1"), at("vpce-b", "us-east-1"), at("vpce-c", "eu-west-1"), at("vpce-d", "us-east-1")];
    assert_eq!(accepted(&policy, &all), ["vpce-b", "vpce-c"]);
    let verdicts = decide_all(&policy, &all, now(), &|_| Some(Vec::new()));
    let reasons: Vec<&str> = verdicts.iter().map(|verdict| verdict.reason.as_str()).collect();
    assert_eq!(reasons, ["regionNotAllowed", "allowed", "allowed", "limitReached"]);
}

#[test]
fn units_are_asked_for_once_an_owner_and_only_if_the_policy_names_one() {
    let asked = std::cell::RefCell::new(Vec::new());
    let units = |owner: &policy::AccountId| {
        asked.borrow_mut().push(owner.to_string());
        Some(vec!["ou-ab12-abcdefgh".to_owned()])
    };
    let all = [waiting(ONE), waiting(TWO), connection("vpce-2", ONE, "available")];

    let by_account = policy(&["consumers:", "- {account: '111111111111'}"]);
    assert_eq!(decide_all(&by_account, &all, now(), &units).len(), 3);
    assert!(asked.borrow().is_empty());

    let by_unit = policy(&["consumers:", "- {organizationalUnit: ou-ab12-abcdefgh, maxEndpoints: 2}"]);
    let verdicts = decide_all(&by_unit, &all, now(), &units);
    assert_eq!(verdicts.iter().filter(|verdict| verdict.action == Action::Accept).count(), 2);
    let mut asked = asked.into_inner();
    asked.sort();
    assert_eq!(asked, [ONE, TWO]);
}

#[test]
fn whose_units_are_not_known_is_held_unless_its_own_entry_admits_it() {
    let policy = policy(&[
        "consumers:",
        "- {account: '111111111111', maxEndpoints: 1}",
        "- {organizationalUnit: ou-ab12-abcdefgh}",
    ]);
    let all = [
        Connection { created_at: None, ..connection("vpce-a", ONE, "available") },
        connection("vpce-b", ONE, "available"),
        connection("vpce-c", TWO, "available"),
        connection("vpce-d", TWO, "pendingAcceptance"),
    ];
    let words = |units: &dyn Fn(&policy::AccountId) -> Option<Vec<String>>| {
        let verdicts = decide_all(&policy, &all, now(), units);
        verdicts.iter().map(|v| format!("{} {}", v.action.as_str(), v.reason.as_str())).collect::<Vec<_>>()
    };
    let unknown = ["hold stateUnknown", "accept allowed", "hold stateUnknown", "hold stateUnknown"];
    assert_eq!(words(&|_| None), unknown);
    let outside = ["reject limitReached", "accept allowed", "reject unlisted", "reject unlisted"];
    assert_eq!(words(&|_| Some(Vec::new())), outside);
}

#[test]
fn whose_units_are_not_known_may_hold_a_place_and_takes_none_for_certain() {
    let policy = policy(&["consumers:", "- {organizationalUnit: ou-ab12-abcdefgh, maxEndpoints: 2}"]);
    let known = |owner: &policy::AccountId| (owner.as_str() == TWO).then(|| vec!["ou-ab12-abcdefgh".to_owned()]);
    let all = [
        connection("vpce-a", ONE, "available"),
        connection("vpce-b", TWO, "available"),
        connection("vpce-c", TWO, "pendingAcceptance"),
    ];
    let verdicts = decide_all(&policy, &all, now(), &known);
    let actions: Vec<_> = verdicts.iter().map(|verdict| verdict.action).collect();
    assert_eq!(
        actions,
        [Action::Hold, Action::Accept, Action::Hold],
        "a place more would be one too many, if the first has one"
    );
}

#[test]
fn every_reason_has_its_word() {
    let mut words: Vec<&str> = VerdictReason::ALL.into_iter().map(VerdictReason::as_str).collect();
    words.sort_unstable();
    let listed =
        "allowed grantExpired limitReached policyUnavailable regionNotAllowed serviceNotAllowed stateUnknown unlisted";
    assert_eq!(words.join(" "), listed);
}
