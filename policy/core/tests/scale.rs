//! A million of each, in seconds: `cargo test --release -p policy --test scale -- --nocapture`. Without optimisation
//! fewer, and no time is asked for.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, reason = "test code")]

use std::time::{Duration, Instant};

use policy::access::{AccessRequest, Reason, authorize};
use policy::deny_list::{DenialQuery, DenyList};
use policy::inventory::Inventory;
use policy::{Format, Policy, RequestPath, Timestamp};

const MANY: usize = if cfg!(debug_assertions) { 10_000 } else { 1_000_000 };

fn listed(head: &str, count: usize, item: impl Fn(usize) -> String) -> String {
    let items: Vec<String> = (0..count).map(item).collect();
    format!("{{{head}: [{}]}}", items.join(",\n"))
}

/// Runs it, says how long it took, and minds the limit where that means something.
fn timed<T>(what: &str, limit: Duration, run: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let value = run();
    let elapsed = start.elapsed();
    println!("{what}: {elapsed:?}");
    assert!(cfg!(debug_assertions) || elapsed < limit, "{what} took {elapsed:?}, more than {limit:?}");
    value
}

fn policy_of(count: usize) -> Policy {
    let text = listed("\"version\": 1, \"trustDomain\": \"a\", \"callers\"", count, |n| {
        format!(
            "{{\"identity\": \"spiffe://a/team-{}/service-{n}\", \"accounts\": [\"{n:012}\"], \"permit\": \
             [{{\"methods\": [\"GET\"], \"paths\": [\"/v1/{n}\", \"/v1/{n}/{{id}}\"]}}], \"forbid\": [{{\"paths\": [\"/v1/{n}/x\"]}}]}}",
            n % 1000
        )
    });
    timed(&format!("{count} callers"), Duration::from_secs(5), || {
        Policy::parse(text.as_bytes(), Format::Json, "f", "r1".into()).unwrap()
    })
}

/// How long a thousand decisions take, spread over all callers.
fn thousand_decisions(policy: &Policy, count: usize) -> Duration {
    let asked: Vec<_> = (0..1000)
        .map(|n| n * (count / 1000))
        .map(|n| (format!("spiffe://a/team-{}/service-{n}", n % 1000), format!("{n:012}"), format!("/v1/{n}/y")))
        .map(|(identity, account, path)| (identity.parse().unwrap(), account.parse().unwrap(), path))
        .collect();
    let start = Instant::now();
    for (identity, account, path) in &asked {
        let (path, now) = (RequestPath::parse(path).unwrap(), Timestamp::UNIX_EPOCH);
        let request =
            AccessRequest { identity, account: Some(account), endpoint: None, method: "GET", path: &path, now };
        assert_eq!(authorize(policy, &request).reason, Reason::Permitted);
    }
    start.elapsed()
}

#[test]
fn a_million_callers() {
    let (few, many) = (policy_of(1000), policy_of(MANY));
    assert_eq!(many.callers_len(), MANY);
    let (of_few, of_many) = (thousand_decisions(&few, 1000), thousand_decisions(&many, MANY));
    println!("a thousand decisions: {of_few:?} among 1000 callers, {of_many:?} among {MANY}");
    // Memory is slower when there is more of it, but nothing is searched.
    assert!(of_many < of_few * 50 + Duration::from_millis(10), "{of_few:?} {of_many:?}");
}

#[test]
fn a_million_denials() {
    let text = listed("\"entries\"", MANY, |n| match n % 2 {
        0 => {
            format!("{{\"serialNumber\": \"{n:x}\", \"reason\": \"KEY_COMPROMISE\", \"at\": \"2026-11-23T10:00:00Z\"}}")
        }
        _ => format!("{{\"identity\": \"spiffe://a/service-{n}\", \"requestedBy\": \"alice\"}}"),
    });
    let list = timed(&format!("{MANY} denials"), Duration::from_secs(5), || {
        DenyList::parse(text.as_bytes(), Format::Json, "f").unwrap()
    });
    assert_eq!(list.len(), MANY);
    let is_denied = |serial: String, identity: String| {
        let (serial, identity) = (serial.parse().unwrap(), identity.parse().unwrap());
        let now = Timestamp::UNIX_EPOCH;
        let query = DenialQuery { serial: &serial, identity: Some(&identity), account: None, not_before: now, now };
        list.find(&query).is_some()
    };
    for n in (0..MANY).step_by(MANY / 1000) {
        assert!(is_denied(format!("{n:x}"), "spiffe://a/other".to_owned()) == (n % 2 == 0));
        assert!(is_denied("f".repeat(40), format!("spiffe://a/service-{n}")) == (n % 2 == 1));
    }
}

#[test]
fn a_million_endpoints() {
    let text = listed("\"endpoints\"", MANY, |n| {
        format!("{{\"endpointId\": \"vpce-{n:017x}\", \"account\": \"{n:012}\", \"state\": \"available\"}}")
    });
    let inventory = timed(&format!("{MANY} endpoints"), Duration::from_secs(5), || {
        Inventory::parse(text.as_bytes(), Format::Json, "f").unwrap()
    });
    assert_eq!(inventory.len(), MANY);
    for n in (0..MANY).step_by(MANY / 1000) {
        let account = inventory.account(&format!("vpce-{n:017x}").parse().unwrap()).unwrap();
        assert_eq!(account.as_str(), format!("{n:012}"));
    }
}
