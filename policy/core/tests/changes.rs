//! Lists that change entry by entry, as a table has it: the same as if they were made anew, and at the cost of the
//! change: `cargo test --release -p policy --test changes -- --nocapture` says what it is among a million.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, reason = "test code")]

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use policy::deny_list::{DenialQuery, DenyList, DenyListEntry, Subject};
use policy::inventory::{Inventory, InventoryEntry};
use policy::{Timestamp, VpcEndpointId};
use proptest::prelude::*;

const MANY: usize = if cfg!(debug_assertions) { 10_000 } else { 1_000_000 };

/// A put, or a withdrawal.
type Change = (String, Option<DenyListEntry>);

/// Few subjects in several spellings, so that they meet.
fn any_change() -> impl Strategy<Value = Change> {
    let key = prop_oneof![
        (0..4_u8, 0..3_usize).prop_map(|(n, spelling)| match spelling {
            0 => format!("serial#a{n}"),
            1 => format!("serial#0A{n}"),
            _ => format!("serial#00:a{n}"),
        }),
        (0..3_u8).prop_map(|n| format!("identity#spiffe://a/{n}")),
        (0..3_u8).prop_map(|n| format!("account#00000000000{n}")),
    ];
    (key, proptest::option::of((any::<bool>(), 0..3_i64))).prop_map(|(key, put)| {
        let entry = put.map(|(limited, at)| {
            let entry = DenyListEntry::from(key.parse::<Subject>().unwrap());
            let limit = limited.then(|| Timestamp::from_second(at).unwrap());
            DenyListEntry { issued_before: limit, reason: Some(at.to_string()), ..entry }
        });
        (key, entry)
    })
}

fn is_denied(list: &DenyList, subject: &Subject, not_before: Timestamp) -> bool {
    let (serial, now) = ("ff".parse().unwrap(), not_before);
    let mut query = DenialQuery { serial: &serial, identity: None, account: None, not_before, now };
    match subject {
        Subject::SerialNumber(serial) => query.serial = serial,
        Subject::Identity(identity) => query.identity = Some(identity),
        Subject::Account(account) => query.account = Some(account),
    }
    list.find(&query).is_some()
}

fn keys(list: &DenyList) -> BTreeSet<String> {
    list.keys().map(|key| key.into_owned()).collect()
}

proptest! {
    #[test]
    fn a_changed_list_is_as_one_made_anew(changes in proptest::collection::vec(any_change(), 0..60)) {
        let (mut list, mut model) = (DenyList::default(), BTreeMap::<String, DenyListEntry>::new());
        for (key, entry) in changes {
            let (before, known) = (list.clone(), keys(&list));
            let changed = match entry {
                Some(entry) => list.put(&key, entry.clone()) == (model.insert(key, entry.clone()) != Some(entry)),
                None => list.withdraw(&key) == model.remove(&key).is_some(),
            };
            prop_assert!(changed, "it says whether anything changed");
            prop_assert_eq!(keys(&before), known, "the copy is as it was");
            prop_assert_eq!(keys(&list), model.keys().cloned().collect::<BTreeSet<_>>());
            prop_assert_eq!((list.len(), list.names_accounts()),
                (model.len(), model.keys().any(|key| key.starts_with("account"))));
            let anew = DenyList::from_entries(model.values().cloned());
            for entry in model.values() {
                for at in 0..3 {
                    let at = Timestamp::from_second(at).unwrap();
                    let denied = is_denied(&list, &entry.subject, at);
                    prop_assert_eq!(denied, is_denied(&anew, &entry.subject, at));
                    let expected = model.values().any(|other| {
                        other.subject == entry.subject && other.issued_before.is_none_or(|before| at < before)
                    });
                    prop_assert_eq!(denied, expected);
                }
            }
        }
    }
}

#[test]
fn what_is_withdrawn_under_another_key_stays() {
    let mut list = DenyList::default();
    assert!(list.put("serial#0A1B", DenyListEntry::from("serial#a1b".parse::<Subject>().unwrap())));
    for other in ["serial#a1b", "serial#zz", "nobody", ""] {
        assert!(!list.withdraw(other), "{other}");
    }
    assert!(is_denied(&list, &"serial#A1B".parse().unwrap(), Timestamp::UNIX_EPOCH));
    assert!(list.withdraw("serial#0A1B") && list.is_empty());
}

#[test]
fn an_inventory_changes_entry_by_entry() {
    let entry = |account: &str| InventoryEntry {
        endpoint_id: "vpce-1".parse().unwrap(),
        account: account.parse().unwrap(),
        service_id: None,
        state: None,
    };
    let mut inventory = Inventory::default();
    assert!(inventory.put(entry("111111111111")) && !inventory.put(entry("111111111111")));
    let before = inventory.clone();
    assert!(inventory.put(entry("222222222222")));
    let endpoint: VpcEndpointId = "vpce-1".parse().unwrap();
    let owner = |inventory: &Inventory| inventory.account(&endpoint).map(ToString::to_string);
    assert_eq!((owner(&before).as_deref(), owner(&inventory).as_deref()), (Some("111111111111"), Some("222222222222")));
    assert_eq!(inventory.endpoints().collect::<Vec<_>>(), [&endpoint]);
    assert!(inventory.withdraw(&endpoint) && !inventory.withdraw(&endpoint) && inventory.is_empty());
    assert_eq!(before.len(), 1);
}

#[test]
fn one_more_denial_among_a_million_costs_one_denial() {
    let key = |n: usize| format!("serial#{n:x}");
    let entry = |n: usize| DenyListEntry::from(key(n).parse::<Subject>().unwrap());
    let mut list = DenyList::from_entries((1..=MANY).map(entry));
    let mut took: Vec<Duration> = (MANY + 1..=MANY + 200)
        .map(|n| {
            let began = Instant::now();
            // As a source does it: the list in force stays while the next one is made.
            let mut next = list.clone();
            assert!(next.put(&key(n), entry(n)));
            list = next;
            began.elapsed()
        })
        .collect();
    took.sort_unstable();
    println!("a put among {MANY}: p50 {:?}, p99 {:?}", took.get(100).unwrap(), took.get(198).unwrap());
    assert_eq!(list.len(), MANY + 200);
    // To make it anew takes half a second of a million.
    assert!(took.get(100).unwrap() < &Duration::from_millis(20), "{took:?}");
}
