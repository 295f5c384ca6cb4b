//! What changes is counted; a deployment of our policy is told.

use std::collections::BTreeMap;

use posture_reporter::handle;
use serde_json::{Value, json};
use wire_replay::Replay;
use wire_replay::events::{conforms, samples};

use crate::stage::{Stage, invocation};

const SOURCE: &str = "appconfig:ba8toh7/pgil2o7/ga3tqep";

fn sample(event: &str, name: &str) -> Value {
    samples(event, "samples").into_iter().find(|(sample, _)| sample == name).unwrap().1
}

async fn counted(event: Value) -> BTreeMap<String, f64> {
    let stage = Stage::new(Replay::new());
    stage.handle(event).await.unwrap();
    let mut metrics = stage.replay.metrics();
    metrics.retain(|name, _| name.starts_with("Changes"));
    metrics
}

#[tokio::test]
async fn what_a_certificate_authority_did_is_counted_and_what_it_failed_to_do_apart() {
    for (name, metric) in [
        ("certificate-issued.json", "Changes authorityIssuedCertificate"),
        ("certificate-revoked.json", "Changes authorityRevokedCertificate"),
        ("crl-without-result.json", "Changes authorityGeneratedCrl"),
        ("crl-failed.json", "ChangesFailed authorityGeneratedCrl"),
        ("created.json", "Changes authorityCreated"),
        ("audit-report.json", "Changes authorityGeneratedAuditReport"),
    ] {
        let counted = counted(sample("certificate-authority-changed", name)).await;
        assert_eq!(counted, BTreeMap::from([(metric.to_owned(), 1.0)]), "{name}");
    }
}

#[tokio::test]
async fn our_own_events_are_counted_if_they_happened() {
    for (event, name, metric) in [
        ("endpoint-accepted", "accepted.json", Some("Changes endpointAccepted")),
        ("endpoint-accepted", "would-be-accepted.json", None),
        ("endpoint-rejected", "removed.json", Some("Changes endpointRejected")),
        ("certificate-revoked", "denied.json", Some("Changes certificateRevoked")),
        ("policy-changed", "pushed.json", Some("Changes policyChanged")),
    ] {
        let counted = counted(sample(event, name)).await;
        assert_eq!(counted.keys().map(String::as_str).next(), metric, "{name}");
    }
}

#[tokio::test]
async fn a_deployment_of_our_policy_is_told_on_the_bus_by_id_or_by_name() {
    for source in [SOURCE, "appconfig:linkward/prod/access-policy"] {
        let stage = Stage::new(Replay::new()).with("LINKWARD_POLICY_SOURCE", source);
        let answer = stage.handle(sample("policy-deployed", "complete.json")).await.unwrap();
        assert_eq!(answer.changes, ["policyDeployed"]);
        let [(kind, detail)] = &stage.replay.audit_events()[..] else { panic!("{source}") };
        conforms(kind, detail);
        let expected = json!({"runId": "run-1", "origin": "deployment", "policySource": source, "policyRevision": "7",
            "deploymentNumber": 7, "requestId": "c53dbd72-c1a0-2302-9ed6-c076e9128277"});
        assert_eq!((kind.as_str(), detail), ("Policy Changed", &expected));
    }
}

#[tokio::test]
async fn a_deployment_that_is_told_twice_counts_twice_and_both_events_say_that_they_are_one() {
    let stage = Stage::new(Replay::new()).with("LINKWARD_POLICY_SOURCE", SOURCE);
    let app = stage.app();
    for _ in 0..2 {
        let event = invocation(sample("policy-deployed", "complete.json"));
        assert_eq!(handle(&app, event).await.unwrap().changes, ["policyDeployed"]);
    }
    let [(_, first), (_, second)] = &stage.replay.audit_events()[..] else { panic!("not two") };
    assert_eq!(first["requestId"], second["requestId"]);
}

#[tokio::test]
async fn a_deployment_of_something_else_is_nothing_of_ours() {
    for source in ["appconfig:ba8toh7/pgil2o7/another", "dynamodb:access-policy"] {
        let stage = Stage::new(Replay::new()).with("LINKWARD_POLICY_SOURCE", source);
        let answer = stage.handle(sample("policy-deployed", "complete.json")).await.unwrap();
        assert_eq!((answer.changes.len(), stage.replay.audit_events().len()), (0, 0), "{source}");
    }
}
