//! A policy that comes as an OPA bundle.

use endpoint_approver::Fault;
use serde_json::{Value, json};
use wire_replay::Replay;

use crate::stage::{LISTED, STRANGER, Stage, page};

const DESCRIBE: &str = "DescribeVpcEndpointConnections";

/// A bundle with this data; the stage reads it while the folder is there.
fn bundle(data: &Value) -> (tempfile::TempDir, String) {
    let rules = "package linkward\nauthz := {\"allow\": false}\n";
    let mut tar = tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
    for (name, content) in [("data.json", data.to_string()), ("authz.rego", rules.to_owned())] {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        tar.append_data(&mut header, name, content.as_bytes()).unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bundle.tar.gz");
    std::fs::write(&path, tar.into_inner().unwrap().finish().unwrap()).unwrap();
    let uri = format!("bundle:{}", path.display());
    (folder, uri)
}

fn waiting() -> Replay {
    let connections = [("vpce-1", LISTED, "pendingAcceptance"), ("vpce-2", STRANGER, "pendingAcceptance")];
    Replay::new().always(DESCRIBE, page(&connections, None))
}

#[tokio::test]
async fn the_data_of_a_bundle_decides_connections() {
    let endpoints = json!({ "unlisted": "reject", "consumers": [{ "account": LISTED }] });
    let data = json!({ "linkward": { "version": 1, "trustDomain": "internal.example", "endpoints": endpoints } });
    let (_folder, uri) = bundle(&data);
    let stage = Stage::new(waiting()).with("LINKWARD_POLICY_SOURCE", &uri).with("LINKWARD_MODE", "audit");
    let answer = stage.sweep().await;
    assert_eq!(answer["accepted"], json!([{ "endpointId": "vpce-1", "account": LISTED }]));
    assert_eq!(answer["rejected"], json!([{ "endpointId": "vpce-2", "account": STRANGER, "reason": "unlisted" }]));
}

#[tokio::test]
async fn a_bundle_that_says_nothing_of_endpoints_holds_them_all() {
    let (_folder, uri) = bundle(&json!({ "callers": {} }));
    let stage = Stage::new(waiting()).with("LINKWARD_POLICY_SOURCE", &uri);
    let (fault, answer) = stage.failed_sweep().await;
    assert_eq!(fault, Fault::PolicyUnavailable);
    let held = |endpoint: &str, account: &str| json!({ "endpointId": endpoint, "account": account, "reason": "policyUnavailable" });
    assert_eq!(answer["held"], json!([held("vpce-1", LISTED), held("vpce-2", STRANGER)]));
    assert_eq!((&answer["accepted"], &answer["rejected"]), (&json!([]), &json!([])));
}
