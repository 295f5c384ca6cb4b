//! Calls grow with changes, not with connections.

use serde_json::json;
use wire_replay::{Answer, Replay};

use crate::stage::{LISTED, SERVICE, STRANGER, Stage, changed, page};

const DESCRIBE: &str = "DescribeVpcEndpointConnections";
const ACCEPT: &str = "AcceptVpcEndpointConnections";
const REJECT: &str = "RejectVpcEndpointConnections";
const CONNECTIONS: usize = 10_000;
const PAGE: usize = 1_000;

/// As the inventory has it after an earlier run.
fn known(id: &str) -> serde_json::Value {
    json!({"endpointId": {"S": id}, "account": {"S": LISTED}, "serviceId": {"S": SERVICE}, "state": {"S": "available"},
           "createdAt": {"S": "2026-11-01T08:00:00.123000Z"}, "verdict": {"S": "accept"}, "reason": {"S": "allowed"},
           "consumer": {"S": "billing"}, "policyRevision": {"S": "6"}, "all": {"S": "all"}, "changedAt": {"S": "x"}})
}

#[tokio::test]
async fn ten_changes_among_ten_thousand_connections() {
    let ids: Vec<_> = (0..CONNECTIONS).map(|number| format!("vpce-{number:05x}")).collect();
    // Every thousandth is new: five of a listed account, five of a stranger.
    let described = |index: usize| match (index % PAGE, index / PAGE) {
        (7, page) if page < 5 => (ids[index].as_str(), LISTED, "pendingAcceptance"),
        (7, _) => (ids[index].as_str(), STRANGER, "pendingAcceptance"),
        _ => (ids[index].as_str(), LISTED, "available"),
    };
    let mut replay = Replay::new();
    for number in 0..CONNECTIONS / PAGE {
        let connections: Vec<_> = (number * PAGE..(number + 1) * PAGE).map(described).collect();
        let token = format!("page-{}", number + 2);
        let next = (number + 1 < CONNECTIONS / PAGE).then_some(token.as_str());
        replay = replay.on(DESCRIBE, page(&connections, next));
    }
    let new = |range: std::ops::Range<usize>, owner, state| range.map(move |n| (n * PAGE + 7, owner, state));
    let after = new(0..5, LISTED, "pending").chain(new(5..10, STRANGER, "rejected"));
    let after: Vec<_> = after.map(|(index, owner, state)| (ids[index].as_str(), owner, state)).collect();
    let items: Vec<_> =
        ids.iter().enumerate().filter(|(index, _)| index % PAGE != 7).map(|(_, id)| known(id)).collect();
    let replay = replay
        .on("Scan", Answer::json(&json!({ "Items": items })))
        .on(ACCEPT, changed("Accept", &[]))
        .on(REJECT, changed("Reject", &[]))
        .on(DESCRIBE, page(&after, None));
    let stage = Stage::new(replay);
    let answer = stage.sweep().await;
    let lengths = ["accepted", "rejected"].map(|list| answer[list].as_array().unwrap().len());
    assert_eq!((lengths, &answer["unchanged"]), ([5, 5], &json!(CONNECTIONS - 10)));
    let counts = stage.counts();
    let expected = [
        (ACCEPT, 1),
        ("BatchWriteItem", 1),
        (DESCRIBE, 11),
        ("DescribeVpcEndpointServicePermissions", 1),
        ("PutEvents", 1),
        ("PutMetricData", 1),
        (REJECT, 1),
        ("Scan", 1),
    ];
    assert_eq!(counts.into_iter().collect::<Vec<_>>(), expected.map(|(name, count)| (name.to_owned(), count)));
}
