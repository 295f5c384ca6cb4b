//! Organizational units: asked for, remembered with their age, and never guessed.

use endpoint_approver::Fault;
use policy::Timestamp;
use serde_json::{Value, json};
use wire_replay::{Answer, Replay};

use crate::stage::{LISTED, STRANGER, Stage, changed, failed, page, principals, schedule};

const DESCRIBE: &str = "DescribeVpcEndpointConnections";
const ACCEPT: &str = "AcceptVpcEndpointConnections";
const REJECT: &str = "RejectVpcEndpointConnections";
const PARENTS: &str = "ListParents";
const MEMBER: &str = "555555555555";
const UNIT: &str = "ou-ab12-abcdefgh";
const BELOW: &str = "ou-ab12-below000";

const POLICY: &str = r#"
version: 1
trustDomain: internal.example
endpoints:
  consumers:
    - account: "111111111111"
    - organizationalUnit: ou-ab12-abcdefgh
callers: []
"#;

fn parent(kind: &str, id: &str) -> Answer {
    Answer::json(&json!({"Parents": [{"Id": id, "Type": kind}]}))
}

fn stage(replay: Replay) -> Stage {
    Stage::new(replay).with_policy(POLICY)
}

/// What the table remembers of an account, asked so many seconds ago.
fn remembered(account: &str, units: &[&str], seconds: i64) -> Value {
    let at = Timestamp::from_second(Timestamp::now().as_second() - seconds).unwrap();
    let units: Vec<_> = units.iter().map(|unit| json!({"S": unit})).collect();
    json!({"endpointId": {"S": format!("account#{account}")}, "withdrawn": {"BOOL": true},
           "organizationalUnits": {"L": units}, "at": {"S": policy::sortable_time(at)}})
}

fn inventory(items: &[Value]) -> Answer {
    Answer::json(&json!({ "Items": items }))
}

#[tokio::test]
async fn an_account_below_a_listed_unit_is_accepted_and_another_rejected() {
    let before = [
        ("vpce-1", MEMBER, "pendingAcceptance"),
        ("vpce-2", STRANGER, "pendingAcceptance"),
        ("vpce-3", MEMBER, "pendingAcceptance"),
    ];
    let after = [("vpce-1", MEMBER, "pending"), ("vpce-2", STRANGER, "rejected"), ("vpce-3", MEMBER, "pending")];
    let replay = Replay::new()
        .on(DESCRIBE, page(&before, None))
        .on(PARENTS, parent("ORGANIZATIONAL_UNIT", BELOW))
        .on(PARENTS, parent("ORGANIZATIONAL_UNIT", UNIT))
        .on(PARENTS, parent("ROOT", "r-ab12"))
        .on(PARENTS, parent("ROOT", "r-ab12"))
        .on(REJECT, changed("Reject", &[]))
        .on(ACCEPT, changed("Accept", &[]))
        .on(DESCRIBE, page(&after, None));
    let stage = stage(replay);
    let answer = stage.sweep().await;
    assert_eq!(
        (answer["accepted"].as_array().unwrap().len(), &answer["rejected"][0]["endpointId"]),
        (2, &json!("vpce-2"))
    );
    let asked: Vec<_> = stage.replay.calls_of(PARENTS).iter().map(|call| call.json()["ChildId"].clone()).collect();
    assert_eq!(asked, [MEMBER, BELOW, UNIT, STRANGER], "once for an account, once for a unit");
    let row = &stage.records()[&format!("account#{MEMBER}")];
    assert_eq!(row["withdrawn"], "true", "readers of endpoints pass over it");
    assert!(row.contains_key("at") && row.contains_key("expiresEpoch"), "{row:?}");
}

#[tokio::test]
async fn what_is_remembered_is_not_asked_for_until_it_is_an_hour_old() {
    // An answer from the future would count for ever.
    for (seconds, asked) in [(3_500, 0), (3_700, 1), (-90_000, 1)] {
        let replay = Replay::new()
            .on("Scan", inventory(&[remembered(MEMBER, &[UNIT], seconds)]))
            .on(DESCRIBE, page(&[("vpce-1", MEMBER, "available")], None))
            .always(PARENTS, parent("ROOT", "r-ab12"));
        let stage = stage(replay);
        stage.sweep().await;
        assert_eq!(stage.replay.calls_of(PARENTS).len(), asked, "{seconds}");
        let delisted = stage.rows()["vpce-1"].contains_key("delistedSince");
        assert_eq!(delisted, asked == 1, "the newer answer counts: it has left the unit");
        let age = stage.replay.metrics()["OrganizationCacheAge"];
        assert!(if asked == 0 { (3_500.0..3_600.0).contains(&age) } else { age == 0.0 }, "{age}");
    }
}

#[tokio::test]
async fn without_an_answer_an_account_is_held_neither_accepted_nor_removed() {
    let before = [
        ("vpce-1", MEMBER, "pendingAcceptance"),
        ("vpce-2", STRANGER, "available"),
        ("vpce-3", LISTED, "pendingAcceptance"),
    ];
    let replay = Replay::new()
        .on("Scan", crate::stage::delisted(&[("vpce-2", 9_000)]))
        .on(DESCRIBE, page(&before, None))
        .on(PARENTS, Answer::json_error(400, "AccessDeniedException"))
        .on(ACCEPT, changed("Accept", &[]))
        .on(DESCRIBE, page(&[("vpce-3", LISTED, "pending")], None));
    let stage = stage(replay);
    let (fault, answer) = failed(stage.handle(schedule()).await);
    assert_eq!(fault, Fault::OrganizationUnavailable);
    let held = json!([{"endpointId": "vpce-1", "account": MEMBER, "reason": "stateUnknown"}]);
    assert_eq!((&answer["held"], &answer["removed"], &answer["rejected"]), (&held, &json!([]), &json!([])));
    assert_eq!(answer["accepted"][0]["endpointId"], "vpce-3", "its own entry admits it, whatever its unit");
    assert!(stage.rows()["vpce-2"].contains_key("delistedSince"), "its clock goes on");
    assert_eq!(stage.replay.calls_of(PARENTS).len(), 1, "what is denied once is denied for all");
    assert_eq!(stage.replay.metrics()["RunErrors organizationUnavailable"], 1.0);
}

#[tokio::test]
async fn while_organizations_fails_an_answer_counts_for_four_hours() {
    for (seconds, accepted) in [(14_300, true), (14_500, false)] {
        let replay = Replay::new()
            .on("Scan", inventory(&[remembered(MEMBER, &[UNIT], seconds)]))
            .on(DESCRIBE, page(&[("vpce-1", MEMBER, "pendingAcceptance")], None))
            .on(PARENTS, Answer::json_error(400, "AccessDeniedException"))
            .on(ACCEPT, changed("Accept", &[]))
            .on(DESCRIBE, page(&[("vpce-1", MEMBER, "pending")], None));
        let stage = stage(replay);
        let outcome = stage.handle(schedule()).await;
        assert_eq!(outcome.is_ok_and(|answer| answer.accepted.len() == 1), accepted, "{seconds}");
    }
}

#[tokio::test]
async fn an_account_of_another_organization_is_in_no_unit() {
    let replay = Replay::new()
        .on(DESCRIBE, page(&[("vpce-1", STRANGER, "pendingAcceptance")], None))
        .on(PARENTS, Answer::json_error(400, "ChildNotFoundException"))
        .on(REJECT, changed("Reject", &[]))
        .on(DESCRIBE, page(&[("vpce-1", STRANGER, "rejected")], None));
    assert_eq!(stage(replay).sweep().await["rejected"][0]["reason"], "unlisted");
}

#[tokio::test]
async fn an_answer_without_a_parent_is_no_answer() {
    let replay = Replay::new()
        .on(DESCRIBE, page(&[("vpce-1", MEMBER, "pendingAcceptance")], None))
        .on(PARENTS, Answer::json(&json!({"Parents": []})));
    let (fault, answer) = stage(replay).failed_sweep().await;
    assert_eq!((fault, &answer["held"][0]["endpointId"]), (Fault::OrganizationUnavailable, &json!("vpce-1")));
}

#[tokio::test]
async fn nobody_is_asked_where_the_policy_names_no_unit_or_nothing_can_change() {
    let stage_without = Stage::new(Replay::new().on(DESCRIBE, page(&[("vpce-1", STRANGER, "rejected")], None)));
    stage_without.sweep().await;
    let gone = stage(Replay::new().on(DESCRIBE, page(&[("vpce-1", STRANGER, "deleted")], None)));
    gone.sweep().await;
    for stage in [stage_without, gone] {
        assert!(!stage.counts().contains_key(PARENTS));
    }
}

#[tokio::test]
async fn a_principal_in_a_listed_unit_is_no_drift() {
    let root = |account: &str| format!("arn:aws:iam::{account}:root");
    let replay = Replay::new()
        .on(DESCRIBE, page(&[], None))
        .on("DescribeVpcEndpointServicePermissions", principals(&[&root(MEMBER), &root(STRANGER)]))
        .on(PARENTS, parent("ORGANIZATIONAL_UNIT", UNIT))
        .on(PARENTS, parent("ROOT", "r-ab12"))
        .on(PARENTS, Answer::json_error(400, "ChildNotFoundException"));
    let stage = stage(replay);
    stage.sweep().await;
    let service = &stage.records()[&format!("service#{}", crate::stage::SERVICE)];
    assert_eq!(service["principalsWithoutConsumer"], json!([{"S": root(STRANGER)}]).to_string());
}
