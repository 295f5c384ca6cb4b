//! The deny list as a table.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use policy::Timestamp;
use policy::sortable_time;
use policy_source::Load;
use serde_json::json;
use wire_replay::{Answer, Replay};

use crate::denials::{
    changed, denied, denies, next, operations, page, page_before, replay, seconds_ago, source, with, withdrawn,
};

#[tokio::test]
async fn then_only_what_changed_is_asked_for_a_minute_before_the_newest_change() {
    let newest = seconds_ago(30);
    let replay = replay(&[changed("a1", newest), changed("b2", seconds_ago(40))]).on("Query", page(&[]));
    let mut source = source(&replay);
    next(&mut source).await.unwrap();
    assert!(next(&mut source).await.is_none());
    let calls = replay.calls();
    assert_eq!(operations(&calls), ["Scan", "Query", "Query"]);
    let body = calls[2].json();
    assert_eq!((body["TableName"].as_str(), body["IndexName"].as_str()), (Some("deny-list"), Some("byTime")));
    assert_eq!(body["KeyConditionExpression"], "#all = :all AND #changedAt > :since");
    assert_eq!(body["ExpressionAttributeNames"], json!({"#all": "all", "#changedAt": "changedAt"}));
    let since = sortable_time(newest - Duration::from_secs(60));
    assert_eq!(body["ExpressionAttributeValues"], json!({":all": {"S": "all"}, ":since": {"S": since}}));
}

#[tokio::test]
async fn a_new_entry_joins_the_others_and_seen_again_changes_nothing() {
    let new = denied("b2");
    let replay = replay(&[denied("a1")])
        .on("Query", page_before("serial#b2", std::slice::from_ref(&new)))
        .on("Query", page(&[denied("c3")]))
        .on("Query", page(&[new]));
    let mut source = source(&replay);
    let (first, _) = source.load().await.unwrap().unwrap();
    let (second, list) = source.load().await.unwrap().unwrap();
    assert!(["a1", "b2", "c3"].iter().all(|serial| denies(&list, serial)));
    assert_ne!(first, second);
    assert!(next(&mut source).await.is_none());
}

#[tokio::test]
async fn how_long_a_change_took_is_told_once_and_not_of_what_was_there_before() {
    let late = changed("b2", seconds_ago(7));
    let ahead = changed("c3", Timestamp::now() + Duration::from_secs(50));
    let replay = replay(&[changed("a1", seconds_ago(3600))])
        .on("Query", page(&[late.clone(), ahead.clone()]))
        .on("Query", page(&[late, ahead]));
    let told = Arc::new(Mutex::new(Vec::new()));
    let teller = Arc::clone(&told);
    let mut source = source(&replay).observed(move |took| teller.lock().unwrap().push(took));
    next(&mut source).await.unwrap();
    assert!(told.lock().unwrap().is_empty());
    next(&mut source).await.unwrap();
    assert!(next(&mut source).await.is_none());
    let told = told.lock().unwrap();
    assert!(told.len() == 1 && told[0] >= Duration::from_secs(7) && told[0] < Duration::from_secs(60), "{told:?}");
}

#[tokio::test]
async fn a_withdrawn_entry_disappears_and_denied_anew_returns() {
    let replay = replay(&[denied("a1"), denied("b2"), withdrawn(denied("c3"))])
        .on("Query", page(&[withdrawn(denied("a1"))]))
        .on("Query", page(&[denied("a1")]));
    let mut source = source(&replay);
    let list = next(&mut source).await.unwrap();
    assert!(denies(&list, "a1") && denies(&list, "b2") && !denies(&list, "c3"));
    let list = next(&mut source).await.unwrap();
    assert!(!denies(&list, "a1") && denies(&list, "b2"));
    assert!(denies(&next(&mut source).await.unwrap(), "a1"));
}

#[tokio::test]
async fn an_item_put_by_hand_with_no_more_than_its_key_counts() {
    let by_hand = json!({"pk": {"S": "serial#0A1B"}});
    let replay = replay(&[by_hand, with(denied("c3"), "changedAt", json!({"S": "now"}))]);
    let list = next(&mut source(&replay)).await.unwrap();
    assert!(denies(&list, "a1b") && denies(&list, "c3"));
}

#[tokio::test]
async fn what_has_expired_is_left_out_though_ttl_has_not_deleted_it() {
    let epoch = |at: Timestamp| json!({"N": at.as_second().to_string()});
    let ahead = Timestamp::now() + Duration::from_secs(3600);
    let replay = replay(&[
        with(denied("a1"), "expires", json!({"S": seconds_ago(1).to_string()})),
        with(denied("b2"), "expiresEpoch", epoch(seconds_ago(2))),
        with(denied("c3"), "expiresEpoch", epoch(ahead)),
        with(with(denied("d4"), "expires", json!({"S": ahead.to_string()})), "expiresEpoch", epoch(ahead)),
    ]);
    let list = next(&mut source(&replay)).await.unwrap();
    assert_eq!(list.len(), 2);
    assert!(denies(&list, "c3") && denies(&list, "d4"));
}

#[tokio::test]
async fn an_empty_table_is_an_empty_list_and_a_missing_one_an_error() {
    assert_eq!(next(&mut source(&replay(&[]))).await.unwrap().len(), 0);
    let missing = Replay::new().on("Scan", Answer::json_error(400, "ResourceNotFoundException"));
    let error = source(&missing).load().await.unwrap_err().to_string();
    assert!(error.contains("`deny-list`") && error.contains("dynamodb:Scan"), "{error}");
}

#[tokio::test]
async fn after_a_failed_question_nothing_is_lost() {
    let replay = replay(&[denied("a1")])
        .on("Query", page_before("serial#b2", &[denied("b2")]))
        .on("Query", Answer::json_error(400, "AccessDeniedException"))
        .on("Query", page(&[denied("b2"), denied("c3")]));
    let mut source = source(&replay);
    next(&mut source).await.unwrap();
    let error = source.load().await.unwrap_err().to_string();
    assert!(error.contains("dynamodb:Query"), "{error}");
    let list = next(&mut source).await.unwrap();
    assert!(["a1", "b2", "c3"].iter().all(|serial| denies(&list, serial)));
}
