//! What a consumer is granted: some Regions, some services, so many endpoints, for so long.

use serde_json::{Value, json};
use wire_replay::Replay;

use crate::stage::{OTHER_SERVICE, SERVICE, Stage, changed, delisted, page, page_of};

const DESCRIBE: &str = "DescribeVpcEndpointConnections";
const REJECT: &str = "RejectVpcEndpointConnections";

/// Every endpoint here is in eu-west-1.
fn policy() -> String {
    format!(
        r#"
version: 1
trustDomain: internal.example
endpoints:
  consumers:
    - {{ account: "111111111111", regions: [eu-west-1], services: [{SERVICE}], validUntil: 2999-01-01T00:00:00Z }}
    - {{ account: "222222222222", regions: [us-east-1] }}
    - {{ account: "333333333333", services: [{OTHER_SERVICE}] }}
    - {{ account: "444444444444", validUntil: 2020-01-01T00:00:00Z }}
    - {{ account: "555555555555", maxEndpoints: 1 }}
    - {{ account: "999999999999", validUntil: 2020-01-01T00:00:00Z }}
callers: []
"#
    )
}

fn reasons(list: &Value) -> Vec<(String, String)> {
    let text = |item: &Value, name: &str| item[name].as_str().unwrap().to_owned();
    list.as_array().unwrap().iter().map(|item| (text(item, "endpointId"), text(item, "reason"))).collect()
}

#[tokio::test]
async fn each_limit_of_a_grant_rejects_for_its_own_reason() {
    let waiting = [
        ("vpce-1", "111111111111"),
        ("vpce-2", "222222222222"),
        ("vpce-3", "333333333333"),
        ("vpce-4", "444444444444"),
        ("vpce-5", "555555555555"),
        ("vpce-6", "555555555555"),
    ];
    let described = waiting.map(|(id, owner)| (id, owner, "pendingAcceptance"));
    let after =
        waiting.map(|(id, owner)| (id, owner, if ["vpce-1", "vpce-5"].contains(&id) { "pending" } else { "rejected" }));
    let replay = Replay::new()
        .on(DESCRIBE, page(&described, None))
        .on("AcceptVpcEndpointConnections", changed("Accept", &[]))
        .on(REJECT, changed("Reject", &[]))
        .on(DESCRIBE, page(&after, None));
    let stage = Stage::new(replay).with_policy(&policy());
    let answer = stage.sweep().await;
    let accepted: Vec<_> = answer["accepted"].as_array().unwrap().iter().map(|item| &item["endpointId"]).collect();
    assert_eq!(accepted, ["vpce-1", "vpce-5"], "the oldest keep their place");
    let rejected = [
        ("vpce-2", "regionNotAllowed"),
        ("vpce-3", "serviceNotAllowed"),
        ("vpce-4", "grantExpired"),
        ("vpce-6", "limitReached"),
    ];
    assert_eq!(reasons(&answer["rejected"]), rejected.map(|(id, reason)| (id.to_owned(), reason.to_owned())));
}

/// When the one that was connected is deleted, those that were turned away are not all let in.
#[tokio::test]
async fn of_those_turned_away_as_many_are_accepted_as_have_a_place() {
    let described = ["vpce-1", "vpce-2", "vpce-3"]
        .map(|id| (id, "555555555555", if id == "vpce-1" { "deleted" } else { "rejected" }));
    let replay = Replay::new()
        .on(DESCRIBE, page(&described, None))
        .on("AcceptVpcEndpointConnections", changed("Accept", &[]))
        .on(DESCRIBE, page(&[("vpce-2", "555555555555", "pending")], None));
    let stage = Stage::new(replay).with_policy(&policy());
    let answer = stage.sweep().await;
    assert_eq!(stage.endpoints("AcceptVpcEndpointConnections"), [["vpce-2"]]);
    assert_eq!((&answer["accepted"][0]["endpointId"], &answer["unchanged"]), (&json!("vpce-2"), &json!(2)));
}

#[tokio::test]
async fn a_grant_that_has_expired_ends_a_connection_after_the_grace() {
    for (delisted_for, removed) in [(60, false), (901, true)] {
        let replay = Replay::new()
            .on("Scan", delisted(&[("vpce-1", delisted_for)]))
            .on(DESCRIBE, page(&[("vpce-1", "999999999999", "available")], None))
            .on(REJECT, changed("Reject", &[]))
            .on(DESCRIBE, page(&[("vpce-1", "999999999999", "rejected")], None));
        let answer = Stage::new(replay).with_policy(&policy()).sweep().await;
        let expected = removed.then(|| ("vpce-1".to_owned(), "grantExpired".to_owned()));
        assert_eq!(reasons(&answer["removed"]), Vec::from_iter(expected), "{delisted_for}");
    }
}

#[tokio::test]
async fn of_several_services_each_has_its_own_calls() {
    let ours = |state| page_of(SERVICE, &[("vpce-1", "111111111111", state)], Some("2"));
    let other = |state| page_of(OTHER_SERVICE, &[("vpce-3", "333333333333", state)], None);
    let replay = Replay::new()
        .on(DESCRIBE, ours("pendingAcceptance"))
        .on(DESCRIBE, other("pendingAcceptance"))
        .always("AcceptVpcEndpointConnections", changed("Accept", &[]))
        .on(DESCRIBE, ours("pending"))
        .on(DESCRIBE, other("pending"));
    let stage =
        Stage::new(replay).with_policy(&policy()).with("LINKWARD_SERVICE_IDS", &format!("{SERVICE},{OTHER_SERVICE}"));
    assert_eq!(stage.sweep().await["accepted"].as_array().unwrap().len(), 2);
    let calls = stage.replay.calls_of("AcceptVpcEndpointConnections");
    let called: Vec<_> = calls.iter().map(|call| call.form()["ServiceId"].clone()).collect();
    assert_eq!(called, [SERVICE, OTHER_SERVICE]);
    assert_eq!(json!(stage.endpoints("AcceptVpcEndpointConnections")), json!([["vpce-1"], ["vpce-3"]]));
}
