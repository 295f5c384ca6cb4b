//! What the function may do is what it does.

use std::collections::BTreeSet;

use serde_json::json;
use wire_replay::{Answer, Permissions, Replay};

use crate::stage::{LISTED, STRANGER, Stage, changed, page, schedule};

const DESCRIBE: &str = "DescribeVpcEndpointConnections";
const POLICY: &str = r#"{"version": 1, "trustDomain": "internal.example", "callers": [],
    "endpoints": {"consumers": [{"account": "111111111111"}, {"organizationalUnit": "ou-ab12-abcdefgh"}]}}"#;

/// One run that uses all there is: a policy in its table, units, an acceptance, a rejection.
async fn everything() -> BTreeSet<String> {
    let meta = json!({"Item": {"pk": {"S": "meta"}, "revision": {"S": "7"}, "document": {"S": POLICY}, "format": {"S": "json"}}});
    let (waiting, done) = ("pendingAcceptance", [("vpce-1", LISTED, "pending"), ("vpce-2", STRANGER, "rejected")]);
    let replay = Replay::new()
        .on("GetItem", Answer::json(&meta))
        .on("GetItem", Answer::json(&json!({})))
        .on(DESCRIBE, page(&[("vpce-1", LISTED, waiting), ("vpce-2", STRANGER, waiting)], None))
        .always("ListParents", Answer::json(&json!({"Parents": [{"Id": "r-ab12", "Type": "ROOT"}]})))
        .on("AcceptVpcEndpointConnections", changed("Accept", &[]))
        .on("RejectVpcEndpointConnections", changed("Reject", &[]))
        .on(DESCRIBE, page(&done, None));
    let stage = Stage::new(replay).with("LINKWARD_POLICY_SOURCE", "dynamodb:access-policy");
    stage.handle(schedule()).await.unwrap();
    stage.replay.actions()
}

/// A policy that AppConfig deploys, beside a table with the freeze switch.
fn deployed(frozen: bool) -> Stage {
    let document = Answer::bytes(200, POLICY.as_bytes()).header("next-poll-configuration-token", "2");
    let replay = Replay::new()
        .on("POST /configurationsessions", Answer::json(&json!({"InitialConfigurationToken": "1"})))
        .on("GET /configuration", document.header("content-type", "application/json").header("version-label", "v7"))
        .on("GetItem", Answer::json(&json!({"Item": {"pk": {"S": "freeze"}, "frozen": {"BOOL": frozen}}})))
        .on(DESCRIBE, page(&[("vpce-1", LISTED, "pendingAcceptance")], None))
        .on("AcceptVpcEndpointConnections", changed("Accept", &[]))
        .always("ListParents", Answer::json(&json!({"Parents": [{"Id": "r-ab12", "Type": "ROOT"}]})))
        .on(DESCRIBE, page(&[("vpce-1", LISTED, "pending")], None));
    Stage::new(replay)
        .with("LINKWARD_POLICY_SOURCE", "appconfig:ba8toh7/pgil2o7/ga3tqep")
        .with("LINKWARD_ACCESS_POLICY_TABLE", "access-policy")
}

#[tokio::test]
async fn a_deployed_policy_has_its_freeze_switch_in_the_table() {
    for (frozen, accepted) in [(false, 1), (true, 0)] {
        let stage = deployed(frozen);
        assert_eq!(stage.handle(schedule()).await.unwrap().accepted.len(), accepted);
        assert_eq!(stage.rows()["vpce-1"]["policyRevision"], "v7");
    }
}

#[tokio::test]
async fn every_call_is_allowed_and_every_permission_used() {
    let mut used = everything().await;
    let deployed = deployed(false);
    deployed.handle(schedule()).await.unwrap();
    used.extend(deployed.replay.actions());
    // A bundle in S3 is fetched without S3's SDK, by one signed GET of policy-source's.
    Permissions::of(endpoint_approver::FUNCTION).are_all_used(&used, &["s3:GetObject"]);
}
