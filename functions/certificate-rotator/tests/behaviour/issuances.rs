//! What the authority tells of its certificates: by it an answer that was lost is found again, and an orphan is known.

use certificate_rotator::Outcome;
use serde_json::{Value, json};

use crate::crashes::ten_minutes_pass;
use crate::stage::{FIRST, IDENTITY, STEPS, Stage, event};
use crate::world::authority::AUTHORITY;

/// The event about the certificate that was issued as number so and so.
pub(crate) fn issuance(stage: &Stage, number: usize) -> Value {
    let arn = stage.world.state().authority.issued[number - 1].0.clone();
    json!({
        "id": "event-1", "source": "aws.acm-pca", "detail-type": "ACM Private CA Certificate Issuance",
        "time": "2026-11-23T10:00:00Z", "resources": [AUTHORITY, arn], "detail": {"result": "success"}
    })
}

fn outcome(stage: &Stage, event: &Value) -> Outcome {
    stage.invoke(event).unwrap().unwrap().outcome
}

/// A rotation whose answer to IssueCertificate was lost, ten minutes ago.
fn lost() -> Stage {
    lost_of(Stage::new())
}

fn lost_of(stage: Stage) -> Stage {
    stage.world.state().secrets.begin(FIRST);
    lose(&stage);
    stage
}

fn lose(stage: &Stage) {
    stage.world.state().crash_at = Some("IssueCertificate");
    assert!(stage.invoke(&event(STEPS[0], FIRST)).is_none());
    ten_minutes_pass(stage);
}

#[test]
fn an_answer_that_was_lost_is_found_again_and_no_other_certificate_is_asked_for() {
    let stage = lost();
    assert_eq!(outcome(&stage, &issuance(&stage, 1)), Outcome::Recorded);
    assert!(stage.world.state().rows["ab001"].get("secret").is_none(), "nobody knows yet whose it is");
    assert_eq!(outcome(&stage, &issuance(&stage, 1)), Outcome::Known);
    stage.rotate(FIRST);
    let state = stage.world.state();
    assert_eq!((state.authority.issued.len(), state.authority.revoked.len()), (1, 0));
    assert_eq!(state.rows["ab001"]["secret"]["S"], crate::world::secrets::SECRET);
}

#[test]
fn a_server_without_identity_is_found_by_its_names_and_a_stranger_is_not_watched_over() {
    let stage = lost_of(Stage::server());
    assert_eq!(outcome(&stage, &issuance(&stage, 1)), Outcome::Recorded);
    {
        let state = stage.world.state();
        let row = &state.rows["ab001"];
        assert_eq!((&row["identity"]["S"], &row["kind"]["S"]), (&json!("dns:a.example b.example"), &json!("server")));
        assert_eq!(row["withdrawn"]["BOOL"], true, "until somebody knows whose it is");
    }
    stage.rotate(FIRST);
    let state = stage.world.state();
    assert_eq!((state.authority.issued.len(), state.authority.revoked.len()), (1, 0));
    assert!(state.rows["ab001"].get("withdrawn").is_none() && state.rows["ab001"]["secret"]["S"].is_string());
}

#[test]
fn an_orphan_is_revoked_when_it_is_seen_after_the_rotation() {
    let stage = lost();
    stage.rotate(FIRST);
    assert_eq!(outcome(&stage, &issuance(&stage, 2)), Outcome::Known);
    assert_eq!(outcome(&stage, &issuance(&stage, 1)), Outcome::Orphan);
    let state = stage.world.state();
    assert_eq!(state.authority.revoked.iter().collect::<Vec<_>>(), ["0ab001"]);
    assert_eq!(state.rows["ab001"]["orphan"]["BOOL"], true);
    assert_eq!(state.secrets.value("AWSCURRENT")["serialNumber"], "ab002");
    drop(state);
    let events = stage.events();
    let (_, revoked) = events.iter().find(|(detail_type, _)| detail_type == "Certificate Revoked").unwrap();
    assert_eq!((&revoked["serialNumber"], &revoked["requestId"]), (&json!("ab001"), &json!("event-1")));
}

#[test]
fn an_orphan_that_is_seen_before_the_second_certificate_is_revoked_with_it() {
    let stage = lost();
    // The second answer is lost too, but not for long.
    stage.world.state().crash_at = Some("IssueCertificate");
    assert!(stage.invoke(&event(STEPS[0], FIRST)).is_none());
    assert_eq!(outcome(&stage, &issuance(&stage, 1)), Outcome::Recorded);
    stage.rotate(FIRST);
    let state = stage.world.state();
    assert_eq!(state.authority.issued.len(), 2);
    assert_eq!(state.authority.revoked.iter().collect::<Vec<_>>(), ["0ab001"]);
    assert_eq!(state.secrets.value("AWSCURRENT")["serialNumber"], "ab002");
}

#[test]
fn an_orphan_is_revoked_also_when_the_function_crashes_in_between_and_the_event_comes_again() {
    let stage = lost();
    stage.rotate(FIRST);
    // GetCertificate, PutItem, Query, PutItem, RevokeCertificate.
    for crash_after in 1..=5 {
        let mut state = stage.world.state();
        state.crash_after = Some(state.calls + crash_after);
        drop(state);
        assert!(stage.invoke(&issuance(&stage, 1)).is_none(), "{crash_after}");
    }
    assert_eq!(outcome(&stage, &issuance(&stage, 1)), Outcome::Orphan, "revoked before, which is as good");
    assert_eq!(outcome(&stage, &issuance(&stage, 2)), Outcome::Known, "the one in use is not taken for one");
    let state = stage.world.state();
    assert_eq!(state.authority.revoked.iter().collect::<Vec<_>>(), ["0ab001"]);
}

#[test]
fn what_is_about_nothing_of_ours_is_ignored() {
    let stage = lost();
    let (mut foreign, mut failed, mut other) = (issuance(&stage, 1), issuance(&stage, 1), issuance(&stage, 1));
    foreign["resources"] = json!([format!("{AUTHORITY}9/certificate/1")]);
    failed["detail"]["result"] = json!("failure");
    other["detail-type"] = json!("ACM Private CA CRL Generation");
    for event in [foreign, failed, other] {
        assert_eq!(outcome(&stage, &event), Outcome::Ignored, "{event}");
        assert_eq!(stage.calls(), Vec::<String>::new());
    }
    let event = issuance(&stage, 1);
    let elsewhere = stage.with("LINKWARD_TRUST_DOMAIN", "other.example");
    assert_eq!(outcome(&elsewhere, &event), Outcome::Ignored, "{IDENTITY}");
    let audited = elsewhere.with("LINKWARD_TRUST_DOMAIN", "internal.example").with("LINKWARD_MODE", "audit");
    assert_eq!(outcome(&audited, &event), Outcome::Ignored);
    assert_eq!(audited.world.state().rows.len(), 0);
}

#[test]
fn a_malformed_one_fails_naming_the_field() {
    let stage = lost();
    for (field, value) in [
        ("source", json!("linkward.operator")),
        ("resources", json!([AUTHORITY])),
        ("resources", json!("x")),
        ("detail", json!([])),
        ("id", json!(7)),
    ] {
        let mut event = issuance(&stage, 1);
        event[field] = value;
        let failure = stage.invoke(&event).unwrap().unwrap_err();
        assert!(failure.to_string().starts_with(&format!("field `{field}` ")), "{failure}");
        assert_eq!(stage.last().calls(), []);
    }
}

#[test]
fn every_sample_of_an_authoritys_events_is_understood() {
    for (name, sample) in wire_replay::events::samples("certificate-authority-changed", "samples") {
        let stage = Stage::new();
        assert_eq!(outcome(&stage, &sample), Outcome::Ignored, "{name}: another authority than ours");
        assert_eq!(stage.calls(), Vec::<String>::new(), "{name}");
    }
}
