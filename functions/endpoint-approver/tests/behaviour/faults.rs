//! What AWS does wrong, and what we make of it.

use endpoint_approver::Fault;
use serde_json::json;
use wire_replay::{Answer, Replay};

use crate::stage::{LISTED, STRANGER, Stage, changed, delisted, page};

const DESCRIBE: &str = "DescribeVpcEndpointConnections";
const ACCEPT: &str = "AcceptVpcEndpointConnections";
const REJECT: &str = "RejectVpcEndpointConnections";

/// One endpoint of a listed account waits; `Accept` answers so, and then the state is that.
fn waiting(accept: Answer, after: &[(&str, &str, &str)]) -> Replay {
    Replay::new()
        .on(DESCRIBE, page(&[("vpce-1", LISTED, "pendingAcceptance")], None))
        .on(ACCEPT, accept)
        .always(DESCRIBE, page(after, None))
}

#[tokio::test]
async fn unsuccessful_within_a_success_is_an_error() {
    let refused = changed("Accept", &[("vpce-1", "InvalidVpcEndpointId.NotFound")]);
    let stage = Stage::new(waiting(refused, &[("vpce-1", LISTED, "pendingAcceptance")]));
    let (fault, answer) = stage.failed_sweep().await;
    assert_eq!(fault, Fault::Unsuccessful);
    let unsuccessful = json!([{"endpointId": "vpce-1", "code": "InvalidVpcEndpointId.NotFound"}]);
    assert_eq!((&answer["unsuccessful"], &answer["accepted"]), (&unsuccessful, &json!([])));
    assert_eq!(stage.events(), [], "nothing happened, nothing is told");
    assert_eq!(stage.rows()["vpce-1"]["state"], "pendingAcceptance");
}

#[tokio::test]
async fn a_refusal_of_what_is_so_already_is_success() {
    let refused = changed("Accept", &[("vpce-1", "AlreadyAccepted.OrWhateverItIsCalled")]);
    let stage = Stage::new(waiting(refused, &[("vpce-1", LISTED, "available")]));
    assert_eq!(stage.sweep().await["accepted"][0]["endpointId"], "vpce-1");
}

#[tokio::test]
async fn a_success_that_changes_nothing_is_an_error() {
    let stage = Stage::new(waiting(changed("Accept", &[]), &[("vpce-1", LISTED, "pendingAcceptance")]));
    let (_, answer) = stage.failed_sweep().await;
    assert_eq!(answer["unsuccessful"], json!([{"endpointId": "vpce-1", "code": "stateUnchanged"}]));
    assert_eq!(stage.counts()[DESCRIBE], 5, "it was looked at again, for EC2 may show a change late");
}

#[tokio::test]
async fn an_endpoint_that_vanished_meanwhile_is_nothing_to_do() {
    let refused = changed("Accept", &[("vpce-1", "InvalidVpcEndpoint.NotFound")]);
    let stage = Stage::new(waiting(refused, &[]));
    assert_eq!(stage.sweep().await["unchanged"], 1);
    assert_eq!(stage.rows()["vpce-1"]["state"], "deleted");
}

#[tokio::test]
async fn one_that_ec2_shows_late_is_not_taken_for_gone() {
    let replay = Replay::new()
        .on(DESCRIBE, page(&[("vpce-1", LISTED, "pendingAcceptance")], None))
        .on(ACCEPT, changed("Accept", &[]))
        .on(DESCRIBE, page(&[], None))
        .on(DESCRIBE, page(&[("vpce-1", LISTED, "available")], None));
    let stage = Stage::new(replay);
    assert_eq!(stage.sweep().await["accepted"][0]["endpointId"], "vpce-1");
    assert_eq!(stage.rows()["vpce-1"]["state"], "available");
}

#[tokio::test]
async fn a_failed_call_is_told_also_of_an_endpoint_that_vanished() {
    for after in [&[][..], &[("vpce-1", LISTED, "deleting")]] {
        let stage = Stage::new(waiting(Answer::xml_error(403, "UnauthorizedOperation"), after));
        let (fault, answer) = stage.failed_sweep().await;
        let code = json!([{"endpointId": "vpce-1", "code": "UnauthorizedOperation"}]);
        assert_eq!((fault, &answer["unsuccessful"]), (Fault::Unsuccessful, &code), "{after:?}");
        assert_eq!(stage.rows()["vpce-1"]["state"], "pendingAcceptance", "nothing else is known of it");
    }
}

#[tokio::test]
async fn an_accepted_connection_that_fails_is_an_error() {
    let stage = Stage::new(waiting(changed("Accept", &[]), &[("vpce-1", LISTED, "failed")]));
    let (_, answer) = stage.failed_sweep().await;
    assert_eq!(answer["unsuccessful"], json!([{"endpointId": "vpce-1", "code": "connectionFailed"}]));
    assert_eq!(stage.events(), [], "nobody is told that it was accepted");
}

#[tokio::test]
async fn what_is_described_in_another_way_after_a_change_is_not_gone() {
    let stage = Stage::new(waiting(changed("Accept", &[]), &[("vpce-1", "no account", "available")]));
    let (_, answer) = stage.failed_sweep().await;
    assert_eq!(answer["unsuccessful"], json!([{"endpointId": "vpce-1", "code": "stateUnchanged"}]));
}

#[tokio::test]
async fn a_throttle_is_tried_again() {
    let replay = Replay::new()
        .on(DESCRIBE, Answer::xml_error(503, "RequestLimitExceeded"))
        .on(DESCRIBE, page(&[("vpce-1", LISTED, "pendingAcceptance")], None))
        .on(ACCEPT, Answer::xml_error(503, "RequestLimitExceeded"))
        .on(ACCEPT, changed("Accept", &[]))
        .on(DESCRIBE, page(&[("vpce-1", LISTED, "available")], None));
    assert_eq!(Stage::new(replay).sweep().await["accepted"][0]["endpointId"], "vpce-1");
}

#[tokio::test]
async fn a_failed_batch_does_not_stop_the_others() {
    let both = |a, b| page(&[("vpce-1", LISTED, a), ("vpce-2", STRANGER, b)], None);
    let replay = Replay::new()
        .on(DESCRIBE, both("pendingAcceptance", "pendingAcceptance"))
        .on(REJECT, Answer::xml_error(403, "UnauthorizedOperation"))
        .on(ACCEPT, changed("Accept", &[]))
        .on(DESCRIBE, both("available", "pendingAcceptance"));
    let (_, answer) = Stage::new(replay).failed_sweep().await;
    assert_eq!(answer["accepted"][0]["endpointId"], "vpce-1");
    assert_eq!(answer["unsuccessful"], json!([{"endpointId": "vpce-2", "code": "UnauthorizedOperation"}]));
}

#[tokio::test]
async fn what_cannot_be_verified_is_not_claimed() {
    let replay = Replay::new()
        .on(DESCRIBE, page(&[("vpce-1", LISTED, "pendingAcceptance")], None))
        .on(ACCEPT, changed("Accept", &[]))
        .on(DESCRIBE, Answer::xml_error(403, "UnauthorizedOperation"));
    let (_, answer) = Stage::new(replay).failed_sweep().await;
    assert_eq!(
        (&answer["accepted"], &answer["unsuccessful"][0]["code"]),
        (&json!([]), &json!("UnauthorizedOperation"))
    );
}

#[tokio::test]
async fn without_a_policy_nothing_changes_and_the_run_is_an_error() {
    let connections = [("vpce-1", LISTED, "pendingAcceptance"), ("vpce-2", STRANGER, "available")];
    let replay = Replay::new().on(DESCRIBE, page(&connections, None)).on("Scan", delisted(&[("vpce-2", 3_000)]));
    let stage = Stage::new(replay).without_policy();
    let (fault, answer) = stage.failed_sweep().await;
    assert_eq!(fault, Fault::PolicyUnavailable);
    let held = json!([{"endpointId": "vpce-1", "account": LISTED, "reason": "policyUnavailable"}]);
    assert_eq!((&answer["held"], &answer["unchanged"]), (&held, &json!(1)));
    let counts = stage.counts();
    assert!(!counts.contains_key(ACCEPT) && !counts.contains_key(REJECT), "{counts:?}");
    assert_eq!(stage.rows().keys().collect::<Vec<_>>(), ["vpce-1"], "what is known of vpce-2 stays");
    assert!(stage.events()[0].1.get("policyRevision").is_none());
    assert_eq!(stage.replay.metrics()["RunErrors policyUnavailable"], 1.0);
}

#[tokio::test]
async fn without_connections_nothing_changes_and_the_run_is_an_error() {
    let stage = Stage::new(Replay::new().on(DESCRIBE, Answer::xml_error(403, "UnauthorizedOperation")));
    let (fault, answer) = stage.failed_sweep().await;
    assert_eq!(fault, Fault::ConnectionsUnavailable);
    let nothing =
        json!({"accepted": [], "rejected": [], "held": [], "removed": [], "unsuccessful": [], "unchanged": 0});
    assert_eq!(answer, nothing);
    let calls: Vec<_> = stage.counts().into_keys().collect();
    assert_eq!(calls, [DESCRIBE, "DescribeVpcEndpointServicePermissions", "PutMetricData", "Scan"]);
}

#[tokio::test]
async fn a_page_that_fails_is_no_short_list() {
    let replay = Replay::new()
        .on(DESCRIBE, page(&[("vpce-1", LISTED, "pendingAcceptance")], Some("page-2")))
        .on(DESCRIBE, Answer::xml_error(403, "UnauthorizedOperation"));
    let (fault, answer) = Stage::new(replay).failed_sweep().await;
    assert_eq!((fault, &answer["accepted"]), (Fault::ConnectionsUnavailable, &json!([])));
}

#[tokio::test]
async fn an_inventory_that_cannot_be_read_is_not_overwritten() {
    let connections = [("vpce-1", LISTED, "pendingAcceptance"), ("vpce-2", STRANGER, "available")];
    let replay = Replay::new()
        .on(DESCRIBE, page(&connections, None))
        .on("Scan", Answer::json_error(400, "AccessDeniedException"))
        .on(ACCEPT, changed("Accept", &[]))
        .on(DESCRIBE, page(&[("vpce-1", LISTED, "available")], None));
    let stage = Stage::new(replay);
    let (fault, answer) = stage.failed_sweep().await;
    assert_eq!(fault, Fault::InventoryUnavailable);
    assert_eq!((&answer["accepted"][0]["endpointId"], &answer["removed"]), (&json!("vpce-1"), &json!([])));
    assert!(!stage.counts().contains_key("BatchWriteItem"));
}

#[tokio::test]
async fn rows_left_over_are_written_again() {
    let row = json!({"PutRequest": {"Item": {"endpointId": {"S": "vpce-1"}}}});
    let left = json!({"UnprocessedItems": {"endpoint-inventory": [row]}});
    let replay = Replay::new()
        .on(DESCRIBE, page(&[("vpce-1", LISTED, "available")], None))
        .on("BatchWriteItem", Answer::json(&left));
    let stage = Stage::new(replay);
    stage.sweep().await;
    assert_eq!(stage.counts()["BatchWriteItem"], 2);
}

#[tokio::test]
async fn a_gap_in_the_audit_trail_is_an_error() {
    let replay = Replay::new()
        .on(DESCRIBE, page(&[("vpce-1", LISTED, "pendingReview")], None))
        .on("PutEvents", Answer::json_error(400, "AccessDeniedException"));
    let (fault, answer) = Stage::new(replay).failed_sweep().await;
    assert_eq!((fault, &answer["held"][0]["endpointId"]), (Fault::AuditIncomplete, &json!("vpce-1")));
}
