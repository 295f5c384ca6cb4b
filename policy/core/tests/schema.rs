//! The published JSON Schema is the one the parser stands for.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "test code")]

use std::sync::LazyLock;

use policy::{Format, Policy};
use serde_json::{Value, json};

const PUBLISHED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/schema/access-policy.schema.json");

/// `UPDATE_SCHEMA=1 cargo test -p policy` writes the file anew.
#[test]
fn the_published_schema_is_the_one_of_the_types() {
    let current = policy::json_schema();
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        std::fs::write(PUBLISHED, format!("{current:#}\n")).unwrap();
    }
    let published = std::fs::read_to_string(PUBLISHED).unwrap_or_default();
    assert!(
        serde_json::from_str::<Value>(&published).ok() == Some(current),
        "{PUBLISHED} is out of date: run the tests once with UPDATE_SCHEMA=1"
    );
}

/// A policy that uses every key.
fn full() -> Value {
    json!({
        "version": 1,
        "trustDomain": "internal.example",
        "endpoints": {
            "unlisted": "hold",
            "consumers": [
                {"account": "123456789012", "name": "billing", "regions": ["eu-west-1"], "maxEndpoints": 4,
                 "services": ["vpce-svc-0123456789abcdef0"], "validUntil": "2027-03-31T00:00:00Z"},
                {"organizationalUnit": "ou-ab12-abcdefgh"}
            ]
        },
        "callers": [{
            "identity": "spiffe://internal.example/prod/*",
            "accounts": ["123456789012"],
            "validUntil": "2027-03-31T00:00:00.5+02:00",
            "permit": [{"id": "read", "methods": ["GET", "M-SEARCH"],
                        "paths": ["/", "/v1/{id}", "/v1/a%20b/", "/v1/{*rest}"]}],
            "forbid": [{"paths": ["/v1/secret"]}]
        }]
    })
}

fn assert_both(document: &Value, accepted: bool) {
    static SCHEMA: LazyLock<jsonschema::Validator> =
        LazyLock::new(|| jsonschema::validator_for(&policy::json_schema()).unwrap());
    let parsed = Policy::parse(document.to_string().as_bytes(), Format::Json, "f", "r1".into());
    assert_eq!((parsed.is_ok(), SCHEMA.is_valid(document)), (accepted, accepted), "{document:#}\n{:?}", parsed.err());
}

#[test]
fn what_the_parser_reads_the_schema_accepts() {
    assert_both(&full(), true);
    assert_both(&json!({"version": 1, "trustDomain": "a"}), true);
    assert_both(&json!({"version": 1, "trustDomain": "a", "endpoints": {}, "callers": []}), true);
}

/// Neither takes the policy with this value in this place.
fn assert_refused(pointer: &str, value: Value) {
    let mut document = full();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    match document.pointer_mut(parent).unwrap() {
        Value::Object(map) => _ = map.insert(key.to_owned(), value),
        Value::Array(items) => *items.get_mut(key.parse::<usize>().unwrap()).unwrap() = value,
        other => panic!("{pointer} is in {other}"),
    }
    assert_both(&document, false);
}

#[test]
fn what_the_schema_refuses_of_the_outer_gate_the_parser_refuses() {
    for (pointer, value) in [
        ("/version", json!(2)),
        ("/version", json!("1")),
        ("/trustDomain", json!("Internal.example")),
        ("/endpoints", json!(null)),
        ("/endpoints/unlisted", json!("accept")),
        ("/endpoints/unlisted", json!(null)),
        ("/endpoints/consumers/0/account", json!(123_456_789_012_u64)),
        ("/endpoints/consumers/0/account", json!("1234")),
        ("/endpoints/consumers/0/account", json!(null)),
        ("/endpoints/consumers/0/organizationalUnit", json!("ou-ab12-abcdefgh")),
        ("/endpoints/consumers/1/organizationalUnit", json!("ou-ab12")),
        ("/endpoints/consumers/1", json!({"name": "nobody"})),
        ("/endpoints/consumers/0/name", json!(7)),
        ("/endpoints/consumers/0/regions", json!([])),
        ("/endpoints/consumers/0/regions/0", json!("europe")),
        ("/endpoints/consumers/0/services", json!("vpce-svc-0123456789abcdef0")),
        ("/endpoints/consumers/0/services/0", json!("vpce-0123")),
        ("/endpoints/consumers/0/maxEndpoints", json!(-1)),
        ("/endpoints/consumers/0/maxEndpoints", json!(4_294_967_296_u64)),
        ("/endpoints/consumers/0/validUntil", json!("2027-03-31")),
        ("/endpoints/consumers/0/accounts", json!(["123456789012"])),
    ] {
        assert_refused(pointer, value);
    }
}

#[test]
fn what_the_schema_refuses_of_the_inner_gate_the_parser_refuses() {
    for (pointer, value) in [
        ("/callers", json!({})),
        ("/callers/0/identity", json!("spiffe://internal.example")),
        ("/callers/0/identity", json!("https://internal.example/a")),
        ("/callers/0/accounts", json!([])),
        ("/callers/0/accounts", json!(null)),
        ("/callers/0/accounts/0", json!("12345678901a")),
        ("/callers/0/validUntil", json!(1_800_000_000)),
        ("/callers/0/permit/0/id", json!("")),
        ("/callers/0/permit/0/methods", json!([])),
        ("/callers/0/permit/0/methods/0", json!("get")),
        ("/callers/0/permit/0/paths", json!([])),
        ("/callers/0/permit/0/paths/0", json!("v1")),
        ("/callers/0/permit/0/paths/0", json!("/v1/*")),
        ("/callers/0/permit/0/paths/0", json!("/v1/:id")),
        ("/callers/0/permit/0/paths/0", json!("/{*rest}/v1")),
        ("/callers/0/permit/0/paths/0", json!("/v1//a")),
        ("/callers/0/permit/0/paths/0", json!("/{id}.json")),
        ("/callers/0/permit/0/path", json!(["/v1"])),
        ("/unknown", json!(1)),
    ] {
        assert_refused(pointer, value);
    }
}
