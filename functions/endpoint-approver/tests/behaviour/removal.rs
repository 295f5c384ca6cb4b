//! Accepted connections that the policy no longer allows.

use endpoint_approver::Fault;
use policy::Timestamp;
use serde_json::{Value, json};
use wire_replay::{Answer, Replay};

use crate::stage::{LISTED, STRANGER, Stage, changed, delisted, failed, page, schedule, sweep_requested};

const DESCRIBE: &str = "DescribeVpcEndpointConnections";
const REJECT: &str = "RejectVpcEndpointConnections";
const ACCEPT: &str = "AcceptVpcEndpointConnections";

/// A stranger's accepted connection, and what the inventory remembers.
fn accepted(inventory: Answer) -> Replay {
    Replay::new()
        .on("Scan", inventory)
        .on(DESCRIBE, page(&[("vpce-1", STRANGER, "available")], None))
        .on(REJECT, changed("Reject", &[]))
        .on(DESCRIBE, page(&[("vpce-1", STRANGER, "rejected")], None))
}

fn removed() -> Value {
    json!([{"endpointId": "vpce-1", "account": STRANGER, "reason": "unlisted"}])
}

#[tokio::test]
async fn the_first_sweep_starts_the_clock() {
    let stage = Stage::new(accepted(delisted(&[])));
    let answer = stage.sweep().await;
    assert_eq!((&answer["removed"], &answer["unchanged"]), (&json!([]), &json!(1)));
    assert!(stage.rows()["vpce-1"].contains_key("delistedSince"));
    assert!(!stage.counts().contains_key(REJECT));
}

#[tokio::test]
async fn after_the_grace_it_is_removed() {
    let stage = Stage::new(accepted(delisted(&[("vpce-1", 901)])));
    assert_eq!(stage.sweep().await["removed"], removed());
    assert_eq!(stage.endpoints(REJECT), [["vpce-1"]]);
    let row = &stage.rows()["vpce-1"];
    assert_eq!((row["state"].as_str(), row.get("delistedSince")), ("rejected", None));
    let (kind, detail) = &stage.events()[0];
    assert_eq!((kind.as_str(), &detail["removed"]), ("Endpoint Rejected", &json!(true)));
    assert!(detail["delistedSince"].is_string());
    assert_eq!(stage.replay.metrics()[&format!("ConnectionsRemoved {} unlisted", crate::stage::SERVICE)], 1.0);
}

#[tokio::test]
async fn a_state_that_nobody_knows_in_between_does_not_stop_the_clock() {
    let connections = [("vpce-1", STRANGER, "migrating")];
    let replay = Replay::new().on("Scan", delisted(&[("vpce-1", 60)])).on(DESCRIBE, page(&connections, None));
    let stage = Stage::new(replay);
    assert_eq!(stage.sweep().await["held"][0]["reason"], "stateUnknown");
    let row = &stage.rows()["vpce-1"];
    assert_eq!(row["state"], "unknown");
    assert!(row.contains_key("delistedSince"), "{row:?}");
}

#[tokio::test]
async fn a_clock_that_begins_in_the_future_begins_now() {
    let replay = Replay::new()
        .on("Scan", delisted(&[("vpce-1", -90_000)]))
        .on(DESCRIBE, page(&[("vpce-1", STRANGER, "available")], None));
    let stage = Stage::new(replay);
    assert_eq!(stage.sweep().await["unchanged"], 1);
    let since: Timestamp = stage.rows()["vpce-1"]["delistedSince"].parse().unwrap();
    assert!(since <= Timestamp::now(), "{since}");
}

#[tokio::test]
async fn before_the_end_of_the_grace_it_stays() {
    for (grace, removed_now) in [("15m", false), ("14m", true), ("0s", true)] {
        let stage = Stage::new(accepted(delisted(&[("vpce-1", 850)]))).with("LINKWARD_REMOVAL_GRACE", grace);
        assert_eq!(stage.sweep().await["removed"] == removed(), removed_now, "{grace}");
    }
}

#[tokio::test]
async fn without_a_table_only_a_grace_of_zero_removes() {
    for (grace, removed_now) in [("1s", false), ("0s", true)] {
        let stage = Stage::new(accepted(delisted(&[("vpce-1", 9_000)])))
            .with("LINKWARD_ENDPOINT_INVENTORY_TABLE", "")
            .with("LINKWARD_REMOVAL_GRACE", grace);
        assert_eq!(stage.sweep().await["removed"] == removed(), removed_now, "{grace}");
        assert!(!stage.counts().contains_key("Scan") && !stage.counts().contains_key("BatchWriteItem"));
    }
}

/// Three accepted connections of strangers long delisted, one new one of a listed account.
fn three_to_remove() -> Replay {
    let connections = |state, new| {
        let strangers = ["vpce-1", "vpce-2", "vpce-3"].map(|id| (id, STRANGER, state));
        page(&[&strangers[..], &[("vpce-4", LISTED, new)]].concat(), None)
    };
    Replay::new()
        .on("Scan", delisted(&[("vpce-1", 9_000), ("vpce-2", 9_000), ("vpce-3", 9_000)]))
        .on(DESCRIBE, connections("available", "pendingAcceptance"))
        .on(REJECT, changed("Reject", &[]))
        .on(ACCEPT, changed("Accept", &[]))
        .on(DESCRIBE, connections("rejected", "pending"))
}

#[tokio::test]
async fn more_removals_than_the_cap_stop_the_run() {
    let stage = Stage::new(three_to_remove()).with("LINKWARD_MAX_REMOVALS", "2");
    let (fault, answer) = failed(stage.handle(schedule()).await);
    assert_eq!(fault, Fault::MaxRemovalsExceeded);
    assert_eq!((&answer["removed"], &answer["accepted"]), (&json!([]), &json!([])));
    let codes: Vec<_> = answer["unsuccessful"].as_array().unwrap().iter().map(|u| u["code"].clone()).collect();
    assert_eq!(codes, ["maxRemovalsExceeded", "maxRemovalsExceeded", "maxRemovalsExceeded", "runStopped"]);
    let counts = stage.counts();
    assert!(!counts.contains_key(ACCEPT) && !counts.contains_key(REJECT), "{counts:?}");
    assert_eq!(stage.rows()["vpce-4"]["state"], "pendingAcceptance", "the inventory is written all the same");
    assert_eq!(stage.replay.metrics()["RunErrors maxRemovalsExceeded"], 1.0);
    assert_eq!(stage.events(), []);
}

#[tokio::test]
async fn one_sweep_may_raise_the_cap_once() {
    let stage = Stage::new(three_to_remove()).with("LINKWARD_MAX_REMOVALS", "2");
    let answer = stage.handle(sweep_requested(json!({"requestedBy": "bob", "maxRemovals": 3}))).await.unwrap();
    assert_eq!((answer.removed.len(), answer.accepted.len()), (3, 1));
    assert_eq!(stage.events()[0].1["requestedBy"], "bob");
}

#[tokio::test]
async fn a_dry_run_shows_what_the_cap_would_stop() {
    let stage = Stage::new(three_to_remove()).with("LINKWARD_MAX_REMOVALS", "2");
    let (fault, answer) = failed(stage.handle(sweep_requested(json!({"requestedBy": "bob", "dryRun": true}))).await);
    assert_eq!((fault, answer["unsuccessful"].as_array().unwrap().len()), (Fault::MaxRemovalsExceeded, 4));
    assert!(!stage.counts().contains_key("BatchWriteItem"));
}

#[tokio::test]
async fn the_freeze_switch_stops_every_effect() {
    let policy = r#"{"version": 1, "trustDomain": "internal.example",
        "endpoints": {"consumers": [{"account": "111111111111"}]}, "callers": []}"#;
    let meta = json!({"Item": {"pk": {"S": "meta"}, "revision": {"S": "7"}, "document": {"S": policy}, "format": {"S": "json"}}});
    for (frozen, removals) in [(json!({}), 3), (json!({"Item": {"pk": {"S": "freeze"}, "frozen": {"BOOL": true}}}), 0)]
    {
        let replay = three_to_remove().on("GetItem", Answer::json(&meta)).on("GetItem", Answer::json(&frozen));
        let stage = Stage::new(replay).with("LINKWARD_POLICY_SOURCE", "dynamodb:access-policy");
        let answer = stage.handle(schedule()).await.unwrap();
        assert_eq!((answer.removed.len(), answer.unchanged), (removals, if removals == 0 { 4 } else { 0 }), "{frozen}");
        assert_eq!(stage.counts().contains_key(REJECT), removals > 0);
        assert_eq!(stage.rows()["vpce-4"]["policyRevision"], "7");
    }
}

#[tokio::test]
async fn an_endpoint_that_is_gone_is_missed_before_it_is_forgotten() {
    let stage = Stage::new(Replay::new().on("Scan", delisted(&[("vpce-1", 60)])).on(DESCRIBE, page(&[], None)));
    stage.sweep().await;
    let row = &stage.rows()["vpce-1"];
    assert!(row.contains_key("missingSince") && !row.contains_key("withdrawn"), "{row:?}");
}
