//! What becomes of connections.

use serde_json::json;
use wire_replay::Replay;

use crate::stage::{
    LISTED, OTHER_SERVICE, SERVICE, STRANGER, Stage, changed, delisted, failed, items_of, numbered, page, page_of,
    sweep_requested,
};

const DESCRIBE: &str = "DescribeVpcEndpointConnections";
const ACCEPT: &str = "AcceptVpcEndpointConnections";
const REJECT: &str = "RejectVpcEndpointConnections";

/// A listed account and a stranger, both waiting; both changes happen.
fn one_of_each() -> Replay {
    Replay::new()
        .on(DESCRIBE, page(&[("vpce-1", LISTED, "pendingAcceptance"), ("vpce-2", STRANGER, "pendingAcceptance")], None))
        .on(REJECT, changed("Reject", &[]))
        .on(ACCEPT, changed("Accept", &[]))
        .on(DESCRIBE, page(&[("vpce-1", LISTED, "pending"), ("vpce-2", STRANGER, "rejected")], None))
}

#[tokio::test]
async fn a_listed_account_is_accepted_and_a_stranger_rejected() {
    let stage = Stage::new(one_of_each());
    let expected = json!({
        "accepted": [{"endpointId": "vpce-1", "account": LISTED}],
        "rejected": [{"endpointId": "vpce-2", "account": STRANGER, "reason": "unlisted"}],
        "held": [], "removed": [], "unsuccessful": [], "unchanged": 0
    });
    assert_eq!(stage.sweep().await, expected);
    assert_eq!(
        (stage.endpoints(ACCEPT), stage.endpoints(REJECT)),
        (vec![vec!["vpce-1".into()]], vec![vec!["vpce-2".into()]])
    );
    assert_eq!(stage.replay.calls_of(ACCEPT)[0].form()["ServiceId"], SERVICE);

    let rows = stage.rows();
    let row = |id: &str, name: &str| rows[id].get(name).map(String::as_str);
    assert_eq!((row("vpce-1", "state"), row("vpce-1", "verdict")), (Some("pending"), Some("accept")));
    assert_eq!((row("vpce-1", "account"), row("vpce-1", "consumer")), (Some(LISTED), Some("billing")));
    assert_eq!(row("vpce-1", "createdAt"), Some("2026-11-01T08:00:00.123000Z"));
    assert_eq!((row("vpce-2", "state"), row("vpce-2", "reason")), (Some("rejected"), Some("unlisted")));
    assert_eq!((row("vpce-2", "all"), row("vpce-2", "delistedSince")), (Some("all"), None));
    assert!(row("vpce-1", "policyRevision").unwrap().starts_with("sha256:"));

    let events = stage.events();
    assert_eq!(
        events.iter().map(|(kind, _)| kind.as_str()).collect::<Vec<_>>(),
        ["Endpoint Accepted", "Endpoint Rejected"]
    );
    let accepted = &events[0].1;
    assert_eq!((&accepted["runId"], &accepted["mode"]), (&json!("run-1"), &json!("enforce")));
    assert_eq!((&accepted["previousState"], &accepted["state"]), (&json!("pendingAcceptance"), &json!("pending")));
    assert_eq!(events[1].1["removed"], json!(false));

    let metrics = stage.replay.metrics();
    assert_eq!(metrics[&format!("ConnectionsAccepted {SERVICE}")], 1.0);
    assert_eq!(metrics[&format!("ConnectionsRejected {SERVICE} unlisted")], 1.0);
    assert_eq!(metrics[&format!("Connections {SERVICE} accept allowed")], 1.0);
    assert_eq!(metrics["Runs"], 1.0);
}

#[tokio::test]
async fn the_state_is_read_in_the_case_of_the_wire_and_of_the_model() {
    for state in ["pendingAcceptance", "PendingAcceptance"] {
        let replay = Replay::new()
            .on(DESCRIBE, page(&[("vpce-1", LISTED, state)], None))
            .on(ACCEPT, changed("Accept", &[]))
            .on(DESCRIBE, page(&[("vpce-1", LISTED, "available")], None));
        assert_eq!(Stage::new(replay).sweep().await["accepted"][0]["endpointId"], "vpce-1", "{state}");
    }
}

#[tokio::test]
async fn every_page_is_read_and_only_of_our_services() {
    let replay = Replay::new()
        .on(DESCRIBE, page(&[("vpce-1", LISTED, "available")], Some("page-2")))
        .on(DESCRIBE, page(&[("vpce-2", LISTED, "pendingAcceptance")], None))
        .on(ACCEPT, changed("Accept", &[]))
        .on(DESCRIBE, page(&[("vpce-2", LISTED, "available")], None));
    let stage = Stage::new(replay);
    let answer = stage.sweep().await;
    assert_eq!((&answer["unchanged"], &answer["accepted"][0]["endpointId"]), (&json!(1), &json!("vpce-2")));
    let calls = stage.replay.calls_of(DESCRIBE);
    assert_eq!(calls[1].form()["NextToken"], "page-2");
    for call in &calls {
        assert_eq!(call.form()["Filter.1.Name"], "service-id");
        assert_eq!(numbered(call, "Filter.1.Value."), [SERVICE]);
    }
    assert_eq!(numbered(&calls[2], "Filter.2.Value."), ["vpce-2"], "described again is what was changed");
}

#[tokio::test]
async fn other_services_do_not_count_even_if_ec2_describes_them() {
    // 222222222222 may have one endpoint; the older one is at a service that we do not manage.
    let other = page_of(OTHER_SERVICE, &[("vpce-1", "222222222222", "available")], Some("2"));
    let replay = Replay::new()
        .on(DESCRIBE, other)
        .on(DESCRIBE, page(&[("vpce-2", "222222222222", "pendingAcceptance")], None))
        .on(ACCEPT, changed("Accept", &[]))
        .on(DESCRIBE, page(&[("vpce-2", "222222222222", "available")], None));
    let stage = Stage::new(replay);
    let answer = stage.sweep().await;
    assert_eq!((&answer["accepted"][0]["endpointId"], &answer["unchanged"]), (&json!("vpce-2"), &json!(0)));
    assert_eq!(stage.rows().keys().collect::<Vec<_>>(), ["vpce-2"]);
}

#[tokio::test]
async fn an_unknown_state_is_held_and_no_empty_list_is_sent() {
    let replay = Replay::new().on(DESCRIBE, page(&[("vpce-1", LISTED, "pendingReview")], None));
    let stage = Stage::new(replay);
    let held = json!([{"endpointId": "vpce-1", "account": LISTED, "reason": "stateUnknown"}]);
    assert_eq!(stage.sweep().await["held"], held);
    let counts = stage.counts();
    assert!(!counts.contains_key(ACCEPT) && !counts.contains_key(REJECT), "{counts:?}");
    assert_eq!(stage.events()[0].0, "Endpoint Held");
}

#[tokio::test]
async fn where_nothing_changes_nothing_is_called_but_describe() {
    let connections = [("vpce-1", STRANGER, "rejected"), ("vpce-2", STRANGER, "deleted")];
    let stage = Stage::new(Replay::new().always(DESCRIBE, page(&connections, None)));
    assert_eq!(stage.sweep().await["unchanged"], 2);
    assert_eq!(stage.rows().len(), 2, "they are new to the inventory");

    let known = delisted(&[("vpce-1", 60)]);
    let connections = [("vpce-1", STRANGER, "available")];
    let stage = Stage::new(Replay::new().on("Scan", known).on(DESCRIBE, page(&connections, None)));
    assert_eq!(stage.sweep().await["unchanged"], 1);
    let counts: Vec<_> = stage.counts().into_iter().collect();
    // One item for the drift of the service, one for the policy's revision, for nobody has written them down yet.
    let expected = [
        ("BatchWriteItem", 1),
        (DESCRIBE, 1),
        ("DescribeVpcEndpointServicePermissions", 1),
        ("PutMetricData", 1),
        ("Scan", 1),
    ];
    assert_eq!(counts, expected.map(|(name, count)| (name.to_owned(), count)));
}

#[tokio::test]
async fn many_changes_are_batches_and_one_describe() {
    let ids: Vec<_> = (0..60).map(|number| format!("vpce-{number:03x}")).collect();
    let all = |state| ids.iter().map(|id| (id.as_str(), LISTED, state)).collect::<Vec<_>>();
    let replay = Replay::new()
        .on(DESCRIBE, page(&all("pendingAcceptance"), None))
        .always(ACCEPT, changed("Accept", &[]))
        .on(DESCRIBE, page(&all("pending"), None));
    let stage = Stage::new(replay);
    assert_eq!(stage.sweep().await["accepted"].as_array().unwrap().len(), 60);
    assert_eq!(stage.endpoints(ACCEPT).iter().map(Vec::len).collect::<Vec<_>>(), [25, 25, 10]);
    let counts = stage.counts();
    assert_eq!((counts[DESCRIBE], counts["BatchWriteItem"], counts["PutEvents"]), (2, 3, 6));
}

#[tokio::test]
async fn a_rejected_connection_that_is_listed_now_is_accepted() {
    let replay = Replay::new()
        .on(DESCRIBE, page(&[("vpce-1", LISTED, "rejected")], None))
        .on(ACCEPT, changed("Accept", &[]))
        .on(DESCRIBE, page(&[("vpce-1", LISTED, "available")], None));
    assert_eq!(Stage::new(replay).sweep().await["accepted"][0]["endpointId"], "vpce-1");
}

#[tokio::test]
async fn a_dry_run_says_what_would_be_done_and_touches_nothing() {
    let stage = Stage::new(one_of_each());
    let event = sweep_requested(json!({"requestedBy": "alice", "dryRun": true}));
    let answer = serde_json::to_value(stage.handle(event).await.unwrap()).unwrap();
    assert_eq!(
        (&answer["accepted"][0]["endpointId"], &answer["rejected"][0]["endpointId"]),
        (&json!("vpce-1"), &json!("vpce-2"))
    );
    let counts: Vec<_> = stage.counts().into_keys().collect();
    assert_eq!(counts, [DESCRIBE, "PutMetricData", "Scan"]);
    assert!(!stage.replay.metrics().keys().any(|name| name.starts_with("ConnectionsAccepted")));
}

#[tokio::test]
async fn audit_mode_says_so_in_answer_and_events_and_keeps_the_inventory() {
    let stage = Stage::new(one_of_each()).with("LINKWARD_MODE", "audit");
    assert_eq!(stage.sweep().await["accepted"][0]["endpointId"], "vpce-1");
    let counts = stage.counts();
    assert!(!counts.contains_key(ACCEPT) && !counts.contains_key(REJECT), "{counts:?}");
    assert_eq!(stage.rows()["vpce-1"]["state"], "pendingAcceptance");
    let (kind, detail) = &stage.events()[0];
    assert_eq!((kind.as_str(), &detail["mode"]), ("Endpoint Accepted", &json!("audit")));
    assert_eq!(detail["state"], "pendingAcceptance");
}

#[tokio::test]
async fn a_sweep_of_one_service_counts_the_limits_of_all() {
    // 222222222222 may have one endpoint; the older one is at the other service.
    let replay = || {
        let waiting = page(&[("vpce-2", "222222222222", "pendingAcceptance")], None);
        let other = page_of(OTHER_SERVICE, &[("vpce-1", "222222222222", "available")], Some("2"));
        Replay::new()
            .on(DESCRIBE, other)
            .on(DESCRIBE, waiting)
            .on(REJECT, changed("Reject", &[]))
            .on(DESCRIBE, page(&[("vpce-2", "222222222222", "rejected")], None))
    };
    let both = format!("{SERVICE},{OTHER_SERVICE}");
    let stage = Stage::new(replay()).with("LINKWARD_SERVICE_IDS", &both);
    let event = sweep_requested(json!({"requestedBy": "alice", "serviceIds": [SERVICE]}));
    let answer = serde_json::to_value(stage.handle(event).await.unwrap()).unwrap();
    assert_eq!(answer["rejected"][0]["reason"], "limitReached");
    assert_eq!(answer["unchanged"], 0, "the answer is about the one service");
    assert_eq!(stage.rows().keys().collect::<Vec<_>>(), ["vpce-2"]);
}

/// DynamoDB takes no batch with an item twice.
#[tokio::test]
async fn a_service_that_is_asked_for_twice_is_one() {
    let stage = Stage::new(Replay::new().on(DESCRIBE, page(&[], None)));
    stage.handle(sweep_requested(json!({"requestedBy": "alice", "serviceIds": [SERVICE, SERVICE]}))).await.unwrap();
    let written: Vec<_> = stage.replay.calls_of("BatchWriteItem").iter().flat_map(items_of).collect();
    let keys: Vec<_> = written.iter().map(|item| item["endpointId"]["S"].as_str().unwrap()).collect();
    assert_eq!(keys, [&format!("service#{SERVICE}"), "policy#"]);
}

#[tokio::test]
async fn a_service_that_is_not_ours_is_an_error_and_no_call() {
    let stage = Stage::new(Replay::new());
    let event = sweep_requested(json!({"requestedBy": "alice", "serviceIds": [SERVICE, OTHER_SERVICE]}));
    let error = stage.handle(event).await.unwrap_err().to_string();
    assert!(error.starts_with("field `detail.serviceIds[1]` is not among LINKWARD_SERVICE_IDS"), "{error}");
    assert_eq!(stage.replay.calls(), []);
}

#[tokio::test]
async fn a_failed_run_counts_what_it_did() {
    let replay = Replay::new()
        .on(DESCRIBE, page(&[("vpce-1", LISTED, "pendingAcceptance"), ("vpce-x!", LISTED, "available")], None))
        .on(ACCEPT, changed("Accept", &[]))
        .on(DESCRIBE, page(&[("vpce-1", LISTED, "available")], None));
    let stage = Stage::new(replay);
    let (_, answer) = failed(stage.handle(crate::stage::schedule()).await);
    assert_eq!(answer["unsuccessful"], json!([{"endpointId": "vpce-x!", "code": "malformedConnection"}]));
    assert_eq!(answer["accepted"][0]["endpointId"], "vpce-1");
    assert_eq!(stage.replay.metrics()["RunErrors unsuccessful"], 1.0);
}
