//! Revocation reaches open connections, and nothing outlives its certificate.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "test code")]

mod support;

use serde_json::json;
use std::time::{Duration, Instant};
use support::authority::{CertificateContent, CrlContent, TestAuthority};
use support::client::get;
use support::frames::{self, DATA, Frames, GOAWAY, HEADERS};
use support::{ORDERS, Runtime, SERIAL, Setup, upstream};

const DENIED: &str = "entries:\n  - { serialNumber: \"0A:1B:2C\", reason: KEY_COMPROMISE }\n";
/// The refresh of these tests (50 ms), the cut after 250 ms, and a slow machine.
const CLOSED: Duration = Duration::from_secs(2);
/// From the graceful end of a revoked peer's connection to that of its socket.
const CUT: Duration = Duration::from_millis(250);
/// The same on a slow machine.
const CUT_AT_LAST: Duration = Duration::from_secs(1);

async fn with_deny_list() -> Runtime {
    Setup::new().deny_list().start().await
}

#[tokio::test]
async fn an_open_connection_of_a_denied_serial_is_closed_though_it_asks_for_nothing() {
    let runtime = with_deny_list().await;
    let mut open = runtime.orders().raw().await;
    assert_eq!(open.get("/v1/a").await.status, 200);
    let mut never_used = runtime.orders().raw().await;
    runtime.setup.write("deny.yaml", DENIED);
    let (rest, after) = open.rest().await;
    assert!(rest.is_empty() && after < CLOSED, "{after:?}");
    assert!(never_used.rest().await.1 < CLOSED);
    assert!(runtime.metric("linkward_connections_ended_total{cause=\"revoked\"}").await > 1.0);
}

#[tokio::test]
async fn a_new_connection_of_a_denied_caller_is_told_401() {
    let runtime = with_deny_list().await;
    for entry in [format!("serialNumber: \"{SERIAL}\""), format!("identity: {ORDERS}")] {
        runtime.setup.write("deny.yaml", &format!("entries:\n  - {{ {entry} }}\n"));
        runtime.until_metric("linkward_deny_list_entries", 1.0).await;
        let mut raw = runtime.orders().raw().await;
        let answer = raw.get("/v1/a").await;
        assert_eq!((answer.status, answer.json()["reason"].as_str()), (401, Some("certificateRevoked")), "{entry}");
        raw.rest().await;
        runtime.setup.write("deny.yaml", "entries: []\n");
        runtime.until_metric("linkward_deny_list_entries", 0.0).await;
        assert_eq!(runtime.orders().get("/v1/a").await.status, 200);
    }
}

#[tokio::test]
async fn another_caller_keeps_its_connection() {
    let runtime = with_deny_list().await;
    let other =
        runtime.setup.authority.issue(&CertificateContent { serial: vec![9], ..CertificateContent::caller(&[ORDERS]) });
    let mut kept = runtime.caller(&other).raw().await;
    let mut closed = runtime.orders().raw().await;
    assert_eq!((kept.get("/v1/a").await.status, closed.get("/v1/a").await.status), (200, 200));
    runtime.setup.write("deny.yaml", DENIED);
    closed.rest().await;
    assert_eq!(kept.get("/v1/a").await.status, 200);
}

#[tokio::test]
async fn http_2_of_a_revoked_peer_ends_with_its_streams() {
    let endless = upstream::endless(Duration::from_millis(20)).await;
    let runtime = Setup::new().deny_list().upstream(endless).start().await;
    let (mut sender, connection) = runtime.orders().hyper2().await;
    let answer = sender.send_request(get("/v1/a")).await.unwrap();
    assert_eq!(answer.status().as_u16(), 200);
    runtime.setup.write("deny.yaml", DENIED);
    let started = Instant::now();
    let _ = tokio::time::timeout(CLOSED, connection).await.expect("the connection stays open");
    assert!(started.elapsed() < CLOSED);
    drop(answer);
    assert!(sender.send_request(get("/v1/a")).await.is_err());
}

#[tokio::test]
async fn a_response_that_never_ends_is_cut_within_its_quarter_of_a_second() {
    let endless = upstream::endless(Duration::from_millis(20)).await;
    let runtime = Setup::new().deny_list().upstream(endless).start().await;
    let mut raw = runtime.orders().raw().await;
    raw.send("GET /v1/a HTTP/1.1\r\nhost: a\r\n\r\n").await;
    assert_eq!(raw.answer().await.status, 200);
    let denied = Instant::now();
    runtime.setup.write("deny.yaml", DENIED);
    let (rest, _) = raw.rest().await;
    let after = denied.elapsed();
    assert!(!rest.ends_with(b"0\r\n\r\n") && after >= CUT && after < CLOSED, "{after:?}");
}

#[tokio::test]
async fn a_revoked_peer_is_told_to_go_and_cut_a_quarter_of_a_second_later() {
    let endless = upstream::endless(Duration::from_millis(20)).await;
    let runtime = Setup::new().deny_list().upstream(endless).start().await;
    let mut frames = Frames::open(&runtime.orders()).await;
    frames.ask(1, &frames::get("/v1/a")).await;
    assert_eq!(frames.next_of(&[HEADERS]).await.unwrap().status(), Some(200));
    let denied = Instant::now();
    runtime.setup.write("deny.yaml", DENIED);
    let goodbye = frames.next_of(&[GOAWAY]).await.expect("cut without a word");
    assert_eq!(goodbye.payload[4..8], [0; 4], "it is no error of the client's");
    let (told, mut pieces) = (Instant::now(), 0);
    while let Some(frame) = frames.next().await {
        pieces += u32::from(frame.kind == DATA);
    }
    assert!(pieces > 0, "what was under way went on");
    assert!(denied.elapsed() >= CUT && told.elapsed() < CUT_AT_LAST, "{:?} {:?}", denied.elapsed(), told.elapsed());
}

#[tokio::test]
async fn a_serial_on_a_new_crl_ends_open_connections_and_refuses_new_ones() {
    let runtime = Setup::new().crl(&CrlContent::new(1, &[])).start().await;
    let mut open = runtime.orders().raw().await;
    assert_eq!(open.get("/v1/a").await.status, 200);
    let revoked = CrlContent::new(2, &[&[0x0a, 0x1b, 0x2c]]);
    runtime.setup.write("ca.crl", &runtime.setup.authority.crl_pem(&revoked));
    assert!(open.rest().await.1 < CLOSED);
    runtime.orders().refusal().await;
    let line = runtime.log_line(|line| line["event"] == "handshakeFailure").await;
    assert_eq!((&line["cause"], &line["serialNumber"]), (&json!("revoked"), &json!(SERIAL)));
}

#[tokio::test]
async fn a_connection_ends_when_its_certificate_expires() {
    let runtime = Setup::new().start().await;
    let short =
        runtime.setup.authority.issue(&CertificateContent { not_after: 3, ..CertificateContent::caller(&[ORDERS]) });
    let mut open = runtime.caller(&short).raw().await;
    assert_eq!(open.get("/v1/a").await.status, 200);
    let (rest, after) = open.rest().await;
    assert!(rest.is_empty() && after < Duration::from_secs(5), "{after:?}");
    runtime.caller(&short).refusal().await;
    assert!(runtime.metric("linkward_connections_ended_total{cause=\"expired\"}").await > 0.0);
}

#[tokio::test]
async fn a_trust_anchor_that_is_gone_ends_the_connections_it_vouched_for() {
    let runtime = Setup::new().start().await;
    let mut open = runtime.orders().raw().await;
    assert_eq!(open.get("/v1/a").await.status, 200);
    let new = TestAuthority::root("The next CA");
    runtime.setup.write("ca.crt", &format!("{}{}", runtime.setup.authority.pem, new.pem));
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(open.get("/v1/a").await.status, 200, "old and new together");
    runtime.setup.write("ca.crt", &new.pem);
    assert!(open.rest().await.1 < CLOSED);
}

#[tokio::test]
async fn no_session_is_resumed() {
    let runtime = Setup::new().start().await;
    // One configuration for both connections: it would offer any ticket it was given.
    let caller = runtime.orders();
    for _ in 0..2 {
        let mut raw = caller.raw().await;
        assert_eq!(raw.get("/v1/a").await.status, 200);
        let (_, session) = raw.0.get_ref();
        assert_eq!(
            (session.handshake_kind(), session.tls13_tickets_received()),
            (Some(rustls::HandshakeKind::Full), 0)
        );
    }
}
