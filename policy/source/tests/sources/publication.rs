//! Policies published as items, and read again.

use std::path::Path;

use policy::{Format, Revision};
use policy_source::{Document, Load, PolicyPublisher, PolicySource, PublishError, Published};
use serde_json::{Value, json};
use wire_replay::{Answer, Call, Replay};

const CONSUMERS: usize = 2;
const CALLERS: usize = 28;

fn policy(note: &str) -> String {
    let consumers: Vec<String> = (0..CONSUMERS).map(|n| format!("{{account: \"{n:012}\", name: {note}}}")).collect();
    let callers: Vec<String> = (0..CALLERS).map(|n| format!("{{identity: spiffe://a.example/{n}}}")).collect();
    let (consumers, callers) = (consumers.join(", "), callers.join(", "));
    format!("version: 1\ntrustDomain: a.example\nendpoints: {{consumers: [{consumers}]}}\ncallers: [{callers}]\n")
}

fn document(revision: &str, text: &str) -> Document {
    Document {
        revision: Revision::from(revision),
        bytes: text.as_bytes().to_vec(),
        format: Format::Yaml,
        name: "access.yaml".to_owned(),
    }
}

fn nothing() -> Answer {
    Answer::json(&json!({}))
}

/// Writes succeed; the table is read as `meta`, then as whatever is queued.
fn table(meta: Option<&Value>) -> Replay {
    let replay = ["UpdateItem", "PutItem"].iter().fold(Replay::new(), |replay, write| replay.always(write, nothing()));
    let replay = replay.always("BatchWriteItem", Answer::json(&json!({"UnprocessedItems": {}})));
    replay.on("GetItem", meta.map_or_else(nothing, item)).always("GetItem", nothing())
}

fn item(item: &Value) -> Answer {
    Answer::json(&json!({"Item": item}))
}

async fn publish(replay: &Replay, document: Document) -> Result<Published, PublishError> {
    PolicyPublisher::new("access-policy", &replay.sdk_config()).publish(document, |_, _| {}).await
}

/// A policy as it was written: `meta`, and the items.
pub(crate) async fn written(revision: &str, text: &str) -> (Value, Vec<Value>) {
    let replay = table(None);
    publish(&replay, document(revision, text)).await.unwrap();
    (replay.calls_of("PutItem")[0].json()["Item"].clone(), puts(&replay))
}

fn requests(replay: &Replay) -> impl Iterator<Item = Value> {
    let batches = replay.calls_of("BatchWriteItem").into_iter();
    batches.flat_map(|call| call.json()["RequestItems"]["access-policy"].as_array().unwrap().clone())
}

fn puts(replay: &Replay) -> Vec<Value> {
    requests(replay)
        .filter(|request| !request["PutRequest"].is_null())
        .map(|r| r["PutRequest"]["Item"].clone())
        .collect()
}

fn deleted(replay: &Replay) -> Vec<String> {
    let keys =
        requests(replay).filter_map(|request| Some(request["DeleteRequest"]["Key"]["pk"]["S"].as_str()?.to_owned()));
    keys.collect()
}

fn operations(calls: &[Call]) -> Vec<&str> {
    calls.iter().map(|call| call.operation.as_str()).collect()
}

#[tokio::test]
async fn a_policy_is_written_beside_and_then_switched_to() {
    let replay = table(None);
    let mut progress = Vec::new();
    let publisher = PolicyPublisher::new("access-policy", &replay.sdk_config());
    let published = publisher.publish(document("r1", &policy("a")), |done, all| progress.push((done, all))).await;
    let expected = Published { revision: "r1".into(), replaced: None, written: CONSUMERS + CALLERS, removed: 0 };
    assert_eq!(published.unwrap(), expected);
    assert_eq!(progress.last(), Some(&(30, 30)));
    let calls = replay.calls();
    let order = ["GetItem", "UpdateItem", "BatchWriteItem", "BatchWriteItem", "PutItem", "GetItem"];
    assert_eq!(operations(&calls), order, "noted, written, and only then switched");
    let switch = replay.calls_of("PutItem")[0].json();
    assert_eq!(switch["ConditionExpression"], "attribute_not_exists(pk)");
    assert_eq!(switch["Item"]["callers"], json!({"N": "28"}));
    let items = puts(&replay);
    assert_eq!(items.len(), 30);
    let id = switch["Item"]["publication"]["S"].as_str().unwrap();
    assert!(items.iter().any(|item| item["pk"]["S"] == format!("caller#{id}#27")), "{items:?}");
    assert!(items.iter().all(|item| item["publication"]["S"] == id));
}

#[tokio::test]
async fn what_dynamodb_leaves_over_is_written_again() {
    let left = |request: Value| Answer::json(&json!({"UnprocessedItems": {"access-policy": [request]}}));
    let request = json!({"PutRequest": {"Item": {"pk": {"S": "caller#x#1"}}}});
    let replay = Replay::new().on("BatchWriteItem", left(request.clone())).on("BatchWriteItem", left(request.clone()));
    let replay = replay.always("BatchWriteItem", nothing()).always("UpdateItem", nothing());
    let replay = replay.always("GetItem", nothing()).always("PutItem", nothing());
    publish(&replay, document("r1", &policy("a"))).await.unwrap();
    let again = requests(&replay).filter(|r| *r == request).count();
    assert_eq!(again, 2);
    assert_eq!(operations(&replay.calls()).iter().filter(|operation| **operation == "PutItem").count(), 1);
}

#[tokio::test]
async fn the_policy_in_force_is_not_written_again_however_it_is_spelled() {
    let (meta, _) = written("r1", &policy("a")).await;
    let replay = table(Some(&meta));
    let spelled = policy("a").replace(", ", ",   ");
    let published = publish(&replay, document("r1", &spelled)).await.unwrap();
    assert_eq!((published.written, published.replaced), (0, Some("r1".into())));
    assert_eq!(operations(&replay.calls()), ["GetItem", "GetItem"]);
    let by_hand = json!({"pk": {"S": "meta"}, "revision": {"S": "r1"}, "document": {"S": policy("a")}});
    assert_eq!(publish(&table(Some(&by_hand)), document("r1", &spelled)).await.unwrap().written, 0);
}

#[tokio::test]
async fn a_revision_that_says_something_else_already_is_refused() {
    let (meta, _) = written("r1", &policy("a")).await;
    let replay = table(Some(&meta));
    let error = publish(&replay, document("r1", &policy("b"))).await.unwrap_err().to_string();
    assert!(error.starts_with("the revision `r1` is in force and is another policy"), "{error}");
    assert_eq!(operations(&replay.calls()), ["GetItem"], "nothing is written");
}

#[tokio::test]
async fn the_replaced_items_are_removed_after_the_switch_and_those_given_up_a_day_later() {
    let (meta, _) = written("r1", &policy("a")).await;
    let id = meta["publication"]["S"].as_str().unwrap();
    let young = "29991231T235959Z-0a1b2c3d";
    let open = json!({
        "pk": {"S": "publications"}, id: {"S": "2 28"}, young: {"S": "0 3"}, "20200101T000000Z-00000000": {"S": "0 1"},
    });
    let replay = table(Some(&meta)).on("GetItem", item(&open));
    let published = publish(&replay, document("r2", &policy("b"))).await.unwrap();
    assert_eq!((published.replaced, published.removed), (Some("r1".into()), 31));
    let switch = replay.calls_of("PutItem")[0].json();
    assert_eq!(switch["ConditionExpression"], "#revision = :revision AND #publication = :publication");
    assert_eq!(switch["ExpressionAttributeValues"][":publication"]["S"], id);
    let deleted = deleted(&replay);
    assert_eq!(deleted.len(), 31);
    assert!(
        deleted.contains(&format!("caller#{id}#27")) && deleted.contains(&"caller#20200101T000000Z-00000000#0".into())
    );
    assert!(!deleted.iter().any(|key| key.contains(young)), "another publisher may be writing it");
}

#[tokio::test]
async fn who_was_overtaken_changes_nothing_and_takes_his_items_back() {
    let (meta, _) = written("r1", &policy("a")).await;
    let refused = Answer::json_error(400, "ConditionalCheckFailedException");
    let replay = Replay::new().on("GetItem", item(&meta)).on("PutItem", refused).always("UpdateItem", nothing());
    let replay = replay.always("BatchWriteItem", nothing()).always("GetItem", item(&meta));
    let error = publish(&replay, document("r2", &policy("b"))).await.unwrap_err();
    assert!(matches!(&error, PublishError::Overtaken(table) if table == "access-policy"), "{error}");
    assert_eq!(deleted(&replay).len(), 30);
}

#[tokio::test]
async fn what_is_no_policy_or_fits_no_item_is_not_published() {
    let replay = Replay::new();
    let error = publish(&replay, document("r1", "version: 1\ncallers: [{}]\n")).await.unwrap_err().to_string();
    assert!(error.starts_with("access.yaml:1:1: `trustDomain` is missing"), "{error}");
    let paths: Vec<String> = (0..40_000).map(|n| format!("/v1/path/{n}")).collect();
    let large = policy("a").replace(
        "{identity: spiffe://a.example/1}",
        &format!("{{identity: spiffe://a.example/1, permit: [{{paths: [{}]}}]}}", paths.join(", ")),
    );
    let error = publish(&replay, document("r1", &large)).await.unwrap_err().to_string();
    assert!(error.starts_with("caller 2 of the policy is larger than"), "{error}");
    assert!(replay.calls().is_empty());
}

fn source(replay: &Replay) -> PolicySource {
    PolicySource::with_sdk(&"dynamodb:access-policy".parse().unwrap(), Path::new(""), &replay.sdk_config()).unwrap()
}

fn scan(items: &[Value]) -> Answer {
    Answer::json(&json!({"Items": items}))
}

fn current(meta: &Value) -> Answer {
    item(&json!({"revision": meta["revision"], "publication": meta["publication"]}))
}

#[tokio::test]
async fn what_was_published_is_what_is_read() {
    let (meta, items) = written("r1", &policy("a")).await;
    let (first, second) = items.split_at(7);
    let page = json!({"Items": first, "LastEvaluatedKey": {"pk": {"S": "x"}}});
    let replay = Replay::new().on("GetItem", item(&meta)).on("Scan", Answer::json(&page));
    let mut more = second.to_vec();
    more.push(meta.clone());
    let replay = replay.on("Scan", scan(&more)).on("GetItem", current(&meta));
    let mut source = source(&replay);
    let (revision, policy) = source.load().await.unwrap().unwrap();
    assert_eq!(
        (revision.as_str(), policy.callers_len(), policy.outer_gate().unwrap().endpoints().consumers().len()),
        ("r1", Some(28), 2)
    );
    assert!(source.load().await.unwrap().is_none());
    assert_eq!(operations(&replay.calls()), ["GetItem", "Scan", "Scan", "GetItem"]);
    let asked = replay.calls_of("Scan")[0].json();
    assert_eq!((asked["ConsistentRead"].clone(), asked["Segment"].clone()), (json!(true), json!(0)));
    assert_eq!(asked["ExpressionAttributeValues"][":publication"], meta["publication"]);
}

#[tokio::test]
async fn items_that_are_missing_or_changed_are_no_policy() {
    let (meta, items) = written("r1", &policy("a")).await;
    let mut changed = items.clone();
    changed[3]["entry"]["S"] = json!(r#"{"identity":"spiffe://a.example/*"}"#);
    for items in [&items[1..], &changed] {
        let replay = Replay::new().on("GetItem", item(&meta)).on("Scan", scan(items)).on("GetItem", current(&meta));
        let error = source(&replay).load().await.unwrap_err().to_string();
        let expected =
            "table `access-policy` lacks items of the revision `r1`, or they were changed; publish the policy again";
        assert_eq!(error, expected);
    }
}

#[tokio::test]
async fn who_reads_while_it_is_replaced_has_the_new_one_whole() {
    let (old, items) = written("r1", &policy("a")).await;
    let (new, of_new) = written("r2", &policy("b")).await;
    let replay = Replay::new().on("GetItem", item(&old)).on("Scan", scan(&items[9..])).on("GetItem", current(&new));
    let replay = replay.on("GetItem", item(&new)).on("Scan", scan(&of_new));
    let (revision, policy) = source(&replay).load().await.unwrap().unwrap();
    assert_eq!((revision.as_str(), policy.callers_len()), ("r2", Some(28)));
}

#[tokio::test]
async fn a_revision_put_twice_with_other_items_is_read_again() {
    let (old, items) = written("r1", &policy("a")).await;
    let (new, of_new) = written("r1", &policy("b")).await;
    let replay = Replay::new().on("GetItem", item(&old)).on("Scan", scan(&items)).on("GetItem", current(&new));
    let replay = replay.on("GetItem", item(&new)).on("Scan", scan(&of_new));
    let mut source = source(&replay);
    source.load().await.unwrap().unwrap();
    assert!(source.load().await.unwrap().is_some());
}
