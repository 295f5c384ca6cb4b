//! The drift between the allowed principals of a service and the policy.

use serde_json::json;
use wire_replay::{Answer, Replay};

use crate::stage::{
    LISTED, OTHER_SERVICE, SERVICE, STRANGER, Stage, items_of, page, principals, schedule, sweep_requested,
};

const DESCRIBE: &str = "DescribeVpcEndpointConnections";
const PERMISSIONS: &str = "DescribeVpcEndpointServicePermissions";

fn root(account: &str) -> String {
    format!("arn:aws:iam::{account}:root")
}

fn with_principals(answer: Answer) -> Replay {
    Replay::new().always(DESCRIBE, page(&[], None)).on(PERMISSIONS, answer)
}

#[tokio::test]
async fn drift_is_written_both_ways_with_its_time() {
    let stage = Stage::new(with_principals(principals(&[&root(LISTED), &root(STRANGER)])));
    stage.sweep().await;
    let row = &stage.records()[&format!("service#{SERVICE}")];
    assert_eq!(row["principalsWithoutConsumer"], json!([{"S": root(STRANGER)}]).to_string());
    assert_eq!(row["consumersWithoutPrincipal"], json!([{"S": "222222222222"}]).to_string());
    assert_eq!((row["withdrawn"].as_str(), row["serviceId"].as_str()), ("true", SERVICE));
    assert!(row.contains_key("at") && !row.contains_key("all"), "{row:?}");
    assert_eq!(stage.replay.calls_of(PERMISSIONS)[0].form()["ServiceId"], SERVICE);
}

#[tokio::test]
async fn drift_that_is_known_and_the_revision_in_force_are_not_written_again() {
    let stage = Stage::new(with_principals(principals(&["*"])));
    stage.sweep().await;
    let written: Vec<_> =
        stage.replay.calls_of("BatchWriteItem").into_iter().flat_map(|call| items_of(&call)).collect();
    assert_eq!(written.len(), 2, "the service's drift and the policy's revision");
    let again = Stage::new(with_principals(principals(&["*"])).on("Scan", Answer::json(&json!({ "Items": written }))));
    again.sweep().await;
    assert!(!again.counts().contains_key("BatchWriteItem"), "{:?}", again.records());
}

#[tokio::test]
async fn a_service_that_does_not_exist_is_told_and_the_others_are_done() {
    let replay = with_principals(Answer::xml_error(400, "InvalidVpcEndpointServiceId.NotFound"))
        .on(PERMISSIONS, principals(&["*"]));
    let stage = Stage::new(replay).with("LINKWARD_SERVICE_IDS", &format!("{OTHER_SERVICE},{SERVICE}"));
    stage.sweep().await;
    assert_eq!(stage.replay.metrics()["RunErrors serviceNotFound"], 1.0);
    let rows = stage.records();
    assert!(
        rows.contains_key(&format!("service#{SERVICE}")) && !rows.contains_key(&format!("service#{OTHER_SERVICE}"))
    );
}

#[tokio::test]
async fn principals_that_cannot_be_described_stop_nothing() {
    let stage = Stage::new(with_principals(Answer::xml_error(403, "UnauthorizedOperation")));
    stage.sweep().await;
    assert_eq!(stage.replay.metrics()["RunErrors principalsUnavailable"], 1.0);
    assert!(!stage.records().contains_key(&format!("service#{SERVICE}")));
}

#[tokio::test]
async fn a_notification_and_a_dry_run_do_not_ask() {
    let notification = wire_replay::events::samples("connection-notification", "samples").remove(0).1;
    let dry = sweep_requested(json!({"requestedBy": "alice", "dryRun": true}));
    for (event, asked) in [(notification, 0), (dry, 0), (schedule(), 1)] {
        let stage = Stage::new(with_principals(principals(&[])));
        stage.handle(event).await.unwrap();
        assert_eq!(stage.replay.calls_of(PERMISSIONS).len(), asked);
    }
}
