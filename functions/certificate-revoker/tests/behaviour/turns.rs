//! An authority takes one revocation at a time.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use certificate_revoker::handle;
use serde_json::{Value, json};
use tokio::time::Instant;
use wire_replay::{Answer, Replay};

use crate::stage::{AUTHORITY, OLD_AUTHORITY, Stage, invocation, revocation};

const LONG: Duration = Duration::from_secs(1);

fn request(authority: &str, serial: &str) -> Value {
    revocation(json!({"certificateAuthorityArn": authority, "serialNumber": serial}))
}

/// When each revocation of two concurrent requests reached its authority, each of which takes a while.
async fn begun(first: Value, second: Value) -> [Instant; 2] {
    let times = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&times);
    let stage = Stage::new(Replay::new().served_by(move |call| {
        (call.operation == "RevokeCertificate").then(|| {
            noted.lock().unwrap().push(Instant::now());
            Answer::json(&json!({})).after(LONG)
        })
    }));
    let app = stage.app();
    let (one, other) = tokio::join!(handle(&app, invocation(first)), handle(&app, invocation(second)));
    assert_eq!(one.unwrap().revoked.len() + other.unwrap().revoked.len(), 2);
    let times = times.lock().unwrap().clone();
    times.try_into().unwrap()
}

#[tokio::test]
async fn the_second_request_for_an_authority_waits_for_the_first() {
    let [first, second] = begun(request(AUTHORITY, "1"), request(AUTHORITY, "2")).await;
    assert!(second - first >= LONG, "{:?}", second - first);
}

#[tokio::test]
async fn another_authority_is_not_waited_for() {
    let [first, second] = begun(request(AUTHORITY, "1"), request(OLD_AUTHORITY, "2")).await;
    assert!(second - first < LONG, "{:?}", second - first);
}
