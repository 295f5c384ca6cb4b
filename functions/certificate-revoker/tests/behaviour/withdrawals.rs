//! Letting callers in again.

use certificate_revoker::Fault;
use policy::Timestamp;
use serde_json::json;
use wire_replay::{Answer, Replay};

use crate::stage::{IDENTITY, Stage, withdrawal};

#[tokio::test]
async fn an_entry_is_marked_as_withdrawn_and_not_deleted() {
    for (subject, key) in [
        (json!({"identity": IDENTITY}), format!("identity#{IDENTITY}")),
        (json!({"account": "123456789012"}), "account#123456789012".to_owned()),
        (json!({"serialNumber": "0A:1B"}), "serial#a1b".to_owned()),
    ] {
        let stage = Stage::new(Replay::new().on("UpdateItem", Answer::json(&json!({}))));
        let answer = stage.answer(withdrawal(subject)).await;
        let nothing = json!([]);
        assert_eq!((&answer["withdrawn"], &answer["denied"], &answer["revoked"]), (&json!([key]), &nothing, &nothing));
        assert_eq!(stage.calls(), ["UpdateItem"], "a revoked certificate stays revoked");
        let update = stage.replay.calls_of("UpdateItem")[0].json();
        assert_eq!(update["Key"]["pk"]["S"], key);
        let expression = update["UpdateExpression"].as_str().unwrap();
        assert!(expression.starts_with("SET #withdrawn = :true, "), "{expression}");
        assert_eq!(update["ExpressionAttributeValues"][":asked"]["S"], "2026-11-23T10:00:00.000000Z");
        assert!(update["ExpressionAttributeValues"][":expires"]["N"].is_string());
        assert_eq!(stage.replay.metrics()["DenialsWithdrawn"], 1.0);
    }
}

/// Dated later than now it would swallow denials that come after it.
#[tokio::test]
async fn a_withdrawal_from_the_future_is_asked_for_now() {
    let stage = Stage::new(Replay::new().on("UpdateItem", Answer::json(&json!({}))));
    let mut event = withdrawal(json!({"identity": IDENTITY}));
    event["time"] = json!("2999-01-01T00:00:00Z");
    stage.answer(event).await;
    let update = stage.replay.calls_of("UpdateItem")[0].json();
    let asked: Timestamp = update["ExpressionAttributeValues"][":asked"]["S"].as_str().unwrap().parse().unwrap();
    assert!(asked <= Timestamp::now(), "{asked}");
}

#[tokio::test]
async fn every_name_of_an_expression_is_defined() {
    let stage = Stage::new(Replay::new().on("UpdateItem", Answer::json(&json!({}))));
    stage.answer(withdrawal(json!({"identity": IDENTITY}))).await;
    let update = stage.replay.calls_of("UpdateItem")[0].json();
    let expressions = format!("{} {}", update["UpdateExpression"], update["ConditionExpression"]);
    for (name, attribute) in update["ExpressionAttributeNames"].as_object().unwrap() {
        assert_eq!(name, &format!("#{}", attribute.as_str().unwrap()));
    }
    let used = expressions.split(|c: char| !(c.is_ascii_alphanumeric() || "#:".contains(c)));
    for word in used.filter(|word| word.starts_with(['#', ':'])) {
        let kind = if word.starts_with('#') { "ExpressionAttributeNames" } else { "ExpressionAttributeValues" };
        assert!(update[kind].get(word).is_some(), "{word} is not in {kind}");
    }
}

#[tokio::test]
async fn where_no_denial_is_in_force_there_is_nothing_to_do() {
    let none = Answer::json_error(400, "ConditionalCheckFailedException");
    let stage = Stage::new(Replay::new().on("UpdateItem", none));
    let answer = stage.answer(withdrawal(json!({"identity": IDENTITY}))).await;
    assert_eq!(answer, json!({"denied": [], "revoked": [], "alreadyRevoked": [], "remaining": []}));
}

#[tokio::test]
async fn a_table_that_cannot_be_written_is_an_error() {
    let stage = Stage::new(Replay::new().on("UpdateItem", Answer::json_error(400, "AccessDeniedException")));
    let (fault, answer) = stage.failure(withdrawal(json!({"account": "123456789012"}))).await;
    assert_eq!((fault, &answer["remaining"]), (Fault::DenyListUnavailable, &json!(["account#123456789012"])));
}

#[tokio::test]
async fn audit_mode_lifts_nothing() {
    let stage = Stage::new(Replay::new()).with("LINKWARD_MODE", "audit");
    let answer = stage.answer(withdrawal(json!({"account": "123456789012"}))).await;
    assert_eq!(answer["withdrawn"], json!(["account#123456789012"]));
    assert_eq!(stage.calls(), Vec::<String>::new());
}
