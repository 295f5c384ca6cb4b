//! What tests of the deny list's table share.

use std::time::Duration;

use policy::Timestamp;
use policy::deny_list::{DenialQuery, DenyList};
use policy::sortable_time;
use policy_source::{DenyListSource, Load};
use serde_json::{Value, json};
use wire_replay::{Answer, Call, Replay};

/// A table whose complete reading is answered with `table`, and the question for what changed since with nothing.
pub(crate) fn replay(table: &[Value]) -> Replay {
    Replay::new().on("Scan", page(table)).on("Query", page(&[]))
}

pub(crate) fn source(replay: &Replay) -> DenyListSource {
    DenyListSource::dynamodb("deny-list", &replay.sdk_config())
}

pub(crate) fn page(items: &[Value]) -> Answer {
    Answer::json(&json!({"Items": items}))
}

pub(crate) fn page_before(key: &str, items: &[Value]) -> Answer {
    Answer::json(&json!({"Items": items, "LastEvaluatedKey": {"pk": {"S": key}}}))
}

pub(crate) fn operations(calls: &[Call]) -> Vec<&str> {
    calls.iter().map(|call| call.operation.as_str()).collect()
}

pub(crate) fn seconds_ago(seconds: u64) -> Timestamp {
    Timestamp::now() - Duration::from_secs(seconds)
}

pub(crate) fn denied(serial: &str) -> Value {
    changed(serial, seconds_ago(0))
}

pub(crate) fn changed(serial: &str, at: Timestamp) -> Value {
    json!({
        "pk": {"S": format!("serial#{serial}")}, "serialNumber": {"S": serial}, "reason": {"S": "KEY_COMPROMISE"},
        "all": {"S": "all"}, "changedAt": {"S": sortable_time(at)}, "ticket": {"S": "of no concern here"},
    })
}

pub(crate) fn with(mut item: Value, attribute: &str, value: Value) -> Value {
    item[attribute] = value;
    item
}

pub(crate) fn withdrawn(item: Value) -> Value {
    with(item, "withdrawn", json!({"BOOL": true}))
}

pub(crate) fn denies(list: &DenyList, serial: &str) -> bool {
    let query = DenialQuery {
        serial: &serial.parse().unwrap(),
        identity: None,
        account: None,
        not_before: seconds_ago(3600),
        now: Timestamp::now(),
    };
    list.find(&query).is_some()
}

pub(crate) async fn next(source: &mut DenyListSource) -> Option<DenyList> {
    source.load().await.unwrap().map(|(_, list)| list)
}
