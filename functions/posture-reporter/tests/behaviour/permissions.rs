//! What the function may do is what it does.

use posture_reporter::handle;
use serde_json::json;
use wire_replay::events::samples;
use wire_replay::{Permissions, Replay};

use crate::crls::crl;
use crate::stage::{Server, Stage, invocation, schedule, table};

#[tokio::test]
async fn every_call_is_allowed_and_every_permission_used() {
    let stage = Stage::new(Replay::new().always("Scan", table(&[json!({"pk": "serial#0a"})])))
        .with("LINKWARD_ENDPOINT_INVENTORY_TABLE", "endpoint-inventory")
        .with("LINKWARD_CERTIFICATE_INVENTORY_TABLE", "certificate-inventory")
        .with("LINKWARD_DENY_LIST_TABLE", "deny-list")
        .with("LINKWARD_POLICY_SOURCE", "appconfig:ba8toh7/pgil2o7/ga3tqep");
    let deployed = samples("policy-deployed", "samples").remove(0).1;
    for event in [schedule(), deployed] {
        stage.handle(event).await.unwrap();
    }
    Permissions::of(posture_reporter::FUNCTION).are_all_used(&stage.replay.actions(), &["s3:GetObject"]);
}

/// Objects are fetched without S3's SDK, by one signed GET.
#[tokio::test]
async fn a_crl_in_s3_is_got_with_the_rights_of_the_function() {
    let s3 = Server::start(crl(2040));
    let stage = Stage::new(Replay::new()).with("LINKWARD_CRL_LOCATIONS", "s3://crls/crl/ca.crl");
    let elsewhere = Replay::new().always("PutMetricData", wire_replay::Answer::cbor());
    let sdk = elsewhere.sdk_config().to_builder().endpoint_url(format!("http://{}", s3.address)).build();
    let answer = handle(&stage.app_with(&sdk), invocation(schedule())).await.unwrap();
    assert_eq!(answer.measured, ["crls"]);
    let get = s3.requests.lock().unwrap()[0].to_lowercase();
    assert!(get.starts_with("get ") && get.contains("authorization: aws4-hmac-sha256"), "{get}");
}
