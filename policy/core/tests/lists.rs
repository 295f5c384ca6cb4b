//! The deny list and the endpoint inventory.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "test code")]

use policy::deny_list::{DenialQuery, DenyList, DenyListEntry};
use policy::inventory::{Inventory, InventoryEntry};
use policy::{Format, SpiffeId, Timestamp};
use serde_json::json;

const DENY_LIST: &str = r#"
entries:
  - serialNumber: "0A:1B:2C"
    certificateAuthority: arn:aws:acm-pca:eu-west-1:000000000000:certificate-authority/0a1b
    reason: KEY_COMPROMISE
    requestedBy: alice
    at: 2026-11-23T10:00:00Z
    expires: 2026-12-23T10:00:00Z
  - identity: spiffe://internal.example/prod/orders-api
    issuedBefore: 2026-11-23T10:00:00Z
  - account: "123456789012"
"#;

fn deny_list(entries: &str) -> DenyList {
    DenyList::parse(format!("entries:\n{entries}").as_bytes(), Format::Yaml, "deny.yaml").unwrap()
}

/// The key of the entry that denies a peer.
fn denied_by(list: &DenyList, serial: &str, identity: &str, account: Option<&str>, times: [&str; 2]) -> Option<String> {
    let [not_before, now] = times.map(|time| time.parse::<Timestamp>().unwrap());
    let account = account.map(|account| account.parse().unwrap());
    let query = DenialQuery {
        serial: &serial.parse().unwrap(),
        identity: Some(&identity.parse::<SpiffeId>().unwrap()),
        account: account.as_ref(),
        not_before,
        now,
    };
    list.find(&query).map(DenyListEntry::key)
}

const OLD: [&str; 2] = ["2026-11-01T00:00:00Z", "2026-11-24T00:00:00Z"];
const NEW: [&str; 2] = ["2026-11-23T10:00:00Z", "2026-11-24T00:00:00Z"];
const LATE: [&str; 2] = ["2026-11-01T00:00:00Z", "2026-12-23T10:00:00Z"];

#[test]
fn a_peer_is_denied_by_serial_number_identity_or_account() {
    let list = DenyList::parse(DENY_LIST.as_bytes(), Format::Yaml, "deny.yaml").unwrap();
    assert_eq!(list.len(), 3);
    let orders = "spiffe://internal.example/prod/orders-api";
    let other = "spiffe://internal.example/prod/orders";
    for (serial, identity, account, times, expected) in [
        ("a1b2c", other, None, OLD, Some("serial#a1b2c")),
        ("A1B2D", other, None, OLD, None),
        // The entry counts until it expires.
        ("a1b2c", other, None, LATE, None),
        ("1", orders, None, OLD, Some("identity#spiffe://internal.example/prod/orders-api")),
        ("1", orders, None, LATE, Some("identity#spiffe://internal.example/prod/orders-api")),
        // A certificate issued since then works.
        ("1", orders, None, NEW, None),
        ("1", other, Some("123456789012"), OLD, Some("account#123456789012")),
        ("1", other, Some("123456789013"), OLD, None),
        // What does not deny does not hide what does.
        ("a1b2c", orders, Some("123456789012"), LATE, Some("identity#spiffe://internal.example/prod/orders-api")),
        ("a1b2c", orders, Some("123456789012"), NEW, Some("serial#a1b2c")),
        ("1", orders, Some("123456789012"), NEW, Some("account#123456789012")),
    ] {
        assert_eq!(
            denied_by(&list, serial, identity, account, times).as_deref(),
            expected,
            "{serial} {identity} {account:?}"
        );
    }
}

#[test]
fn an_identity_that_could_not_be_read_is_still_denied_by_serial_number() {
    let list = deny_list("- serialNumber: '1'\n");
    let time = "2026-11-24T00:00:00Z".parse().unwrap();
    let is_denied = |serial: &str| {
        let serial = serial.parse().unwrap();
        let query = DenialQuery { serial: &serial, identity: None, account: None, not_before: time, now: time };
        list.find(&query).is_some()
    };
    assert!(is_denied("01"));
    assert!(!is_denied("2"));
}

#[test]
fn of_several_entries_for_one_subject_each_counts() {
    for entries in [
        "- {identity: spiffe://a/b}\n- {identity: spiffe://a/b, issuedBefore: 2026-11-01T00:00:00Z}\n",
        "- {identity: spiffe://a/b, issuedBefore: 2026-11-01T00:00:00Z}\n- {identity: spiffe://a/b}\n",
        "- {identity: spiffe://a/b}\n- {identity: spiffe://a/b, expires: 2020-01-01T00:00:00Z}\n",
        "- {identity: spiffe://a/b, expires: 2020-01-01T00:00:00Z}\n- {identity: spiffe://a/b}\n- {account: '123456789012'}\n",
    ] {
        let list = deny_list(entries);
        assert_eq!(
            denied_by(&list, "1", "spiffe://a/b", None, NEW).as_deref(),
            Some("identity#spiffe://a/b"),
            "{entries}"
        );
        assert_eq!(denied_by(&list, "1", "spiffe://a/c", None, NEW), None);
    }
}

#[test]
fn nobody_is_on_an_empty_list() {
    for list in [DenyList::default(), deny_list("  []\n")] {
        assert!(list.is_empty());
        assert_eq!(denied_by(&list, "1", "spiffe://a/b", Some("123456789012"), OLD), None);
    }
}

#[test]
fn an_entry_is_written_as_it_is_read() {
    let written = [
        json!({"serialNumber": "a1b2c", "certificateAuthority": "arn", "reason": "KEY_COMPROMISE", "requestedBy": "alice",
               "at": "2026-11-23T10:00:00Z", "expires": "2026-12-23T10:00:00Z"}),
        json!({"identity": "spiffe://a/b", "issuedBefore": "2026-11-23T10:00:00.5Z"}),
        json!({"account": "123456789012"}),
    ];
    for entry in written {
        let read: DenyListEntry = serde_json::from_value(entry.clone()).unwrap();
        assert_eq!(serde_json::to_value(&read).unwrap(), entry);
    }
}

#[test]
fn a_wrong_deny_list_says_where() {
    for (entries, expected) in [
        ("entries:\n- reason: x\n", "2:3: one of `serialNumber`, `identity`, `account` is missing"),
        (
            "entries:\n- {serialNumber: '1', identity: spiffe://a/b}\n",
            "2:3: only one of `serialNumber`, `identity`, `account` may be here",
        ),
        ("entries:\n- serialNumber: 123\n", "2:17: `123` reads as a number: put it in quotes, \"123\""),
        ("entries:\n- serialNumber: 12e3\n", "2:17: `12e3` reads as a number: put it in quotes, \"12e3\""),
        ("entries:\n- serialNumber: 10:20\n", "2:17: `10:20` reads as a number: put it in quotes, \"10:20\""),
        ("entries:\n- serialNumber: 0x1f\n", "2:17: `0x1f` reads as a number: put it in quotes, \"0x1f\""),
        (
            "entries:\n- serialNumber: '0x1f'\n",
            "2:17: serial number `0x1f` may hold hex digits and colons only, not `x`",
        ),
        ("entries:\n- {account: '1'}\n", "2:13: account id `1` has 1 characters, it needs 12 digits"),
        ("entries:\n- {serial: '1'}\n", "2:4: unknown key `serial`, did you mean `serialNumber`?"),
        (
            "entries:\n- {serialNumber: '1', expires: never}\n",
            "2:32: `never` is not a time by RFC 3339, such as `2027-03-31T00:00:00Z`",
        ),
        (
            "entries:\n- {serialNumber: '1', issuedBefore: }\n",
            "2:35: expected a time by RFC 3339, such as `2027-03-31T00:00:00Z`, found nothing",
        ),
        ("entries:\n", "1:8: expected a list, found nothing"),
        ("{}", "1:1: `entries` is missing"),
        ("entry: []\nentries: []\n", "1:1: unknown key `entry`, did you mean `entries`?"),
    ] {
        let error = DenyList::parse(entries.as_bytes(), Format::Yaml, "f").unwrap_err().to_string();
        assert_eq!(error, format!("f:{expected}"), "{entries}");
    }
}

const INVENTORY: &str = "
endpoints:
  - endpointId: vpce-0a1b2c3d4e5f60718
    account: \"123456789012\"
    serviceId: vpce-svc-0123456789abcdef0
    state: available
  - endpointId: vpce-1
    account: \"210987654321\"
";

#[test]
fn an_endpoint_belongs_to_its_account() {
    let inventory = Inventory::parse(INVENTORY.as_bytes(), Format::Yaml, "endpoints.yaml").unwrap();
    assert_eq!((inventory.len(), inventory.is_empty()), (2, false));
    for (endpoint, expected) in
        [("vpce-0a1b2c3d4e5f60718", Some("123456789012")), ("vpce-1", Some("210987654321")), ("vpce-2", None)]
    {
        assert_eq!(inventory.account(&endpoint.parse().unwrap()).map(policy::AccountId::as_str), expected);
    }
    assert!(Inventory::default().is_empty());
}

#[test]
fn an_inventory_entry_is_written_as_it_is_read() {
    for entry in [
        json!({"endpointId": "vpce-1", "account": "123456789012", "serviceId": "vpce-svc-1", "state": "available"}),
        json!({"endpointId": "vpce-1", "account": "123456789012"}),
    ] {
        let read: InventoryEntry = serde_json::from_value(entry.clone()).unwrap();
        assert_eq!(serde_json::to_value(&read).unwrap(), entry);
    }
}

#[test]
fn a_wrong_inventory_says_where() {
    for (endpoints, expected) in [
        ("- {endpointId: vpce-1}\n", "2:3: `account` is missing"),
        (
            "- {endpointId: vpce-svc-1, account: '123456789012'}\n",
            "2:16: `vpce-svc-1` needs one or more lower-case hex digits after `vpce-`, and nothing else",
        ),
        (
            "- {endpointId: vpce-1, account: 123456789012}\n",
            "2:33: `123456789012` reads as a number: put it in quotes, \"123456789012\"",
        ),
        (
            "- {endpointId: vpce-1, account: '123456789012', owner: x}\n",
            "2:49: unknown key `owner`, the keys here are `account`, `endpointId`, `serviceId`, `state`",
        ),
        (
            "- {endpointId: vpce-1, account: '123456789012'}\n- {endpointId: vpce-1, account: '123456789012'}\n",
            "3:16: `vpce-1` has an entry already",
        ),
    ] {
        let text = format!("endpoints:\n{endpoints}");
        let error = Inventory::parse(text.as_bytes(), Format::Yaml, "f").unwrap_err().to_string();
        assert_eq!(error, format!("f:{expected}"), "{endpoints}");
    }
}

#[test]
fn entries_of_a_table_need_no_document() {
    let entry = |account: &str| -> InventoryEntry {
        serde_json::from_value(json!({"endpointId": "vpce-1", "account": account})).unwrap()
    };
    let inventory = Inventory::from_entries([entry("111111111111"), entry("222222222222")]);
    assert_eq!(inventory.account(&"vpce-1".parse().unwrap()).map(policy::AccountId::as_str), Some("222222222222"));
}
