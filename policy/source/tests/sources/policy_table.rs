//! The access policy as items of a table.

use std::net::TcpListener;
use std::path::Path;
use std::time::Duration;

use aws_config::timeout::TimeoutConfig;
use policy::Format;
use policy_source::{Load, PolicySource};
use serde_json::{Value, json};
use wire_replay::{Answer, Replay};

const POLICY: &str = "version: 1\ntrustDomain: internal.example\n";

fn opened(sdk: &aws_config::SdkConfig) -> PolicySource {
    PolicySource::with_sdk(&"dynamodb:access-policy".parse().unwrap(), Path::new(""), sdk).unwrap()
}

fn source(replay: &Replay) -> PolicySource {
    opened(&replay.sdk_config())
}

fn replay(items: impl IntoIterator<Item = Value>) -> Replay {
    items.into_iter().fold(Replay::new(), |replay, item| replay.on("GetItem", Answer::json(&item)))
}

fn meta(revision: &str, document: &str) -> Value {
    json!({"Item": {"pk": {"S": "meta"}, "revision": {"S": revision}, "document": {"S": document}}})
}

fn revision(revision: &str) -> Value {
    json!({"Item": {"revision": {"S": revision}}})
}

#[tokio::test]
async fn the_first_fetch_reads_the_document_strongly_consistent() {
    let replay = replay([meta("r1", POLICY)]);
    let document = source(&replay).fetch().await.unwrap().unwrap();
    assert_eq!(document.revision.as_str(), "r1");
    assert_eq!(document.bytes, POLICY.as_bytes());
    assert_eq!(document.format, Format::Yaml);
    assert_eq!(document.name, "dynamodb:access-policy item `meta`");
    let asked = json!({"TableName": "access-policy", "Key": {"pk": {"S": "meta"}}, "ConsistentRead": true});
    assert_eq!(replay.calls_of("GetItem")[0].json(), asked);
}

#[tokio::test]
async fn an_unchanged_document_costs_one_read_of_its_revision() {
    let replay = replay([meta("r1", POLICY), revision("r1")]);
    let mut source = source(&replay);
    source.fetch().await.unwrap();
    assert_eq!(source.fetch().await.unwrap(), None);
    let calls = replay.calls();
    assert_eq!(calls.len(), 2);
    assert_eq!(calls[1].json()["ProjectionExpression"], "#revision, #publication");
    let names = json!({"#revision": "revision", "#publication": "publication"});
    assert_eq!(calls[1].json()["ExpressionAttributeNames"], names);
}

#[tokio::test]
async fn a_changed_revision_brings_the_new_document() {
    let mut second = meta("r3", "{}");
    second["Item"]["format"] = json!({"S": "json"});
    let replay = replay([meta("r1", POLICY), revision("r2"), second]);
    let mut source = source(&replay);
    source.fetch().await.unwrap();
    let document = source.fetch().await.unwrap().unwrap();
    // Revision and document are of one read: here the writer was between the two.
    assert_eq!((document.revision.as_str(), document.format), ("r3", Format::Json));
}

#[tokio::test]
async fn a_refused_document_does_not_pass_for_an_unchanged_one() {
    let bad = || meta("r2", "version: nonsense");
    let replay = replay([meta("r1", POLICY), revision("r2"), bad(), bad(), meta("r3", POLICY), revision("r3")]);
    let mut source = source(&replay);
    let (revision, _) = source.load().await.unwrap().unwrap();
    assert_eq!(revision.as_str(), "r1");
    for _ in 0..2 {
        let error = source.load().await.unwrap_err().to_string();
        assert!(error.contains("dynamodb:access-policy item `meta`"), "{error}");
    }
    let (revision, policy) = source.load().await.unwrap().unwrap();
    assert_eq!((revision.as_str(), policy.revision().as_str()), ("r3", "r3"));
    assert!(source.load().await.unwrap().is_none());
}

#[tokio::test]
async fn a_table_without_policy_names_itself_and_the_remedy() {
    let error = source(&replay([json!({})])).fetch().await.unwrap_err().to_string();
    assert_eq!(error, "table `access-policy` has no item `meta`; publish a policy with `linkward policy push`");
}

#[tokio::test]
async fn a_malformed_meta_item_is_named_with_its_fault() {
    for (attribute, value, fault) in [
        ("revision", json!({"N": "7"}), "`revision` must be a string"),
        ("document", json!({"B": "e30="}), "`document` must be a string"),
        ("format", json!({"S": "toml"}), "`format` is `toml`, not `yaml` or `json`"),
    ] {
        let mut item = meta("r1", POLICY);
        item["Item"][attribute] = value;
        let error = source(&replay([item])).fetch().await.unwrap_err().to_string();
        assert!(error.starts_with("table `access-policy`, item `meta`: ") && error.contains(fault), "{error}");
    }
    let item = json!({"Item": {"pk": {"S": "meta"}, "revision": {"S": "r1"}}});
    let error = source(&replay([item])).fetch().await.unwrap_err().to_string();
    assert!(error.contains("lacks the string `document`"), "{error}");
}

#[tokio::test]
async fn the_freeze_switch_is_a_boolean_or_absent() {
    let freeze = |frozen: Value| json!({"Item": {"pk": {"S": "freeze"}, "frozen": frozen}});
    let answers = [freeze(json!({"BOOL": true})), freeze(json!({"BOOL": false})), json!({})];
    let replay_of_three = replay(answers);
    let table = source(&replay_of_three);
    assert!(table.frozen().await.unwrap());
    assert!(!table.frozen().await.unwrap());
    assert!(!table.frozen().await.unwrap());
    assert_eq!(replay_of_three.calls()[0].json()["Key"], json!({"pk": {"S": "freeze"}}));
    for item in [json!({"Item": {"pk": {"S": "freeze"}}}), freeze(json!({"S": "false"}))] {
        let error = source(&replay([item])).frozen().await.unwrap_err().to_string();
        assert!(error.contains("item `freeze`") && error.contains("boolean"), "{error}");
    }
}

#[tokio::test]
async fn a_refusal_by_aws_names_table_operation_and_cause() {
    let replay = Replay::new().on("GetItem", Answer::json_error(400, "ResourceNotFoundException"));
    let error = source(&replay).fetch().await.unwrap_err().to_string();
    assert_eq!(
        error,
        "cannot read table `access-policy`: service error: ResourceNotFoundException: said by the replay; check that \
         it exists in this account and Region, and that this process may call dynamodb:GetItem on it"
    );
}

#[tokio::test]
async fn a_throttled_call_is_tried_again() {
    let replay = Replay::new().on("GetItem", Answer::json_error(400, "ThrottlingException"));
    let replay = replay.on("GetItem", Answer::json(&meta("r1", POLICY)));
    assert!(source(&replay).fetch().await.unwrap().is_some());
    assert_eq!(replay.calls().len(), 2);
}

#[tokio::test]
async fn an_endpoint_that_never_answers_is_an_error_in_bounded_time() {
    // Accepts by its backlog, and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let bounds = TimeoutConfig::builder().operation_timeout(Duration::from_millis(300)).build();
    let mut sdk = Replay::new().sdk_config().into_builder().endpoint_url(url).timeout_config(bounds);
    sdk.set_http_client(None);
    let mut source = opened(&sdk.build());
    let outcome = tokio::time::timeout(Duration::from_secs(10), source.fetch()).await.expect("ends by itself");
    let error = outcome.unwrap_err().to_string();
    assert!(error.contains("timeout") && error.contains("`access-policy`"), "{error}");
}
