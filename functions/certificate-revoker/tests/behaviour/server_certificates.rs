//! The runtime's own certificate: without it nobody is served.

use certificate_revoker::Fault;
use serde_json::{Value, json};
use wire_replay::{Answer, Replay};

use crate::stage::{IDENTITY, Stage, revocation};

fn row(serial: &str, kind: Option<&str>) -> Value {
    let mut row = json!({"serialNumber": {"S": serial}, "identity": {"S": IDENTITY}});
    if let Some(kind) = kind {
        row["kind"] = json!({"S": kind});
    }
    row
}

fn found(row: &Value) -> Replay {
    Replay::new()
        .on("GetItem", Answer::json(&json!({"Item": row})))
        .always("RevokeCertificate", Answer::json(&json!({})))
}

fn rows(rows: &[Value]) -> Replay {
    Replay::new()
        .on("Query", Answer::json(&json!({"Items": rows})))
        .always("RevokeCertificate", Answer::json(&json!({})))
}

fn serial(allowed: Option<bool>) -> Value {
    let mut subject = json!({"serialNumber": "0A:1B:2C"});
    if let Some(allowed) = allowed {
        subject["allowServerCertificate"] = json!(allowed);
    }
    revocation(subject)
}

#[tokio::test]
async fn it_is_not_revoked_and_nothing_is_changed() {
    for allowed in [None, Some(false)] {
        let stage = Stage::new(found(&row("a1b2c", Some("server"))));
        let (fault, answer) = stage.failure(serial(allowed)).await;
        assert_eq!((fault, &answer["remaining"]), (Fault::ServerCertificate, &json!(["a1b2c"])));
        assert_eq!((&answer["denied"], &answer["revoked"]), (&json!([]), &json!([])));
        assert_eq!(stage.calls(), ["GetItem"]);
        assert_eq!(stage.events(), Vec::<Value>::new());
        assert_eq!(stage.replay.calls_of("GetItem")[0].json()["Key"]["serialNumber"]["S"], "a1b2c");
    }
}

#[tokio::test]
async fn it_is_revoked_when_that_is_meant() {
    let stage = Stage::new(found(&row("a1b2c", Some("server"))));
    assert_eq!(stage.answer(serial(Some(true))).await["revoked"], json!(["a1b2c"]));
    assert_eq!(stage.calls(), ["PutItem", "RevokeCertificate"]);
}

#[tokio::test]
async fn a_callers_certificate_is_revoked_also_when_nobody_wrote_down_whose_it_is() {
    for kind in [Some("client"), None] {
        let stage = Stage::new(found(&row("a1b2c", kind)));
        assert_eq!(stage.answer(serial(None)).await["revoked"], json!(["a1b2c"]), "{kind:?}");
    }
}

#[tokio::test]
async fn when_it_cannot_be_known_the_serial_number_is_denied_and_its_revocation_remains() {
    let stage = Stage::new(Replay::new().on("GetItem", Answer::json_error(400, "AccessDeniedException")));
    let (fault, answer) = stage.failure(serial(None)).await;
    assert_eq!((fault, &answer["denied"]), (Fault::Remaining, &json!(["serial#a1b2c"])));
    assert_eq!(answer["remaining"], json!(["a1b2c"]));
    assert_eq!(stage.calls(), ["GetItem", "PutItem"]);
}

#[tokio::test]
async fn of_an_identity_the_callers_certificates_are_revoked_and_the_runtimes_left() {
    let all = [row("1", Some("client")), row("2", Some("server")), row("3", None)];
    let stage = Stage::new(rows(&all));
    let (fault, answer) = stage.failure(revocation(json!({"identity": IDENTITY}))).await;
    assert_eq!((fault, &answer["remaining"]), (Fault::ServerCertificate, &json!(["2"])));
    assert_eq!(answer["revoked"], json!(["1", "3"]));
    let stage = Stage::new(rows(&all));
    let meant = revocation(json!({"identity": IDENTITY, "allowServerCertificate": true}));
    assert_eq!(stage.answer(meant).await["revoked"], json!(["1", "2", "3"]));
}
