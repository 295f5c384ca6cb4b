//! What the function may do is what it does.

use serde_json::json;
use wire_replay::{Answer, Permissions, Replay};

use crate::stage::{IDENTITY, Stage, revocation, withdrawal};

#[tokio::test]
async fn every_call_is_allowed_and_every_permission_used() {
    let replay = Replay::new()
        .on("Query", Answer::json(&json!({"Items": [{"serialNumber": {"S": "1"}}]})))
        .always("RevokeCertificate", Answer::json(&json!({})))
        .always("UpdateItem", Answer::json(&json!({})));
    let stage = Stage::new(replay);
    let (serial, identity) = (json!({"serialNumber": "0a1b"}), json!({"identity": IDENTITY}));
    for event in [revocation(serial), revocation(identity.clone()), withdrawal(identity)] {
        stage.answer(event).await;
    }
    // The authority writes its CRL with the rights of whoever revokes.
    let for_us = ["s3:PutObject", "s3:PutObjectAcl"];
    Permissions::of(certificate_revoker::FUNCTION).are_all_used(&stage.replay.actions(), &for_us);
}
