//! Who a caller is, and for how long: what the configuration says of certificates and CRLs, on the wire.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "test code")]

mod support;

use serde_json::json;
use std::time::Duration;
use support::authority::{CertificateContent, CrlContent, DAY, TestAuthority};
use support::client::Caller;
use support::{ORDERS, SOON, Setup};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

#[tokio::test]
async fn a_common_name_counts_where_it_is_mapped_and_only_without_a_uri() {
    let plain = Setup::new();
    let mapped = plain.clone().identity("commonName: \"svc.{name}.{env}\"").start().await;
    let plain = plain.start().await;
    let named = mapped.setup.authority.issue(&CertificateContent::caller(&[]));
    let foreign =
        mapped.setup.authority.issue(&CertificateContent::caller(&["spiffe://other.example/prod/orders-api"]));
    let answer = mapped.caller(&named).get("/v1/a").await;
    assert_eq!((answer.status, &answer.json()["caller"]), (200, &json!(ORDERS)));
    let line = mapped.access_line().await;
    assert_eq!((&line["callerId"], &line["commonName"]), (&json!(ORDERS), &json!("svc.orders-api.prod")));
    for (runtime, certificate) in [(&mapped, &foreign), (&plain, &named)] {
        let answer = runtime.caller(certificate).get("/v1/a").await;
        assert_eq!((answer.status, &answer.json()["reason"]), (401, &json!("badIdentity")));
    }
}

#[tokio::test]
async fn a_certificate_that_lives_too_long_is_401() {
    let runtime = Setup::new().tls("maxClientCertificateLifetime: 3d").start().await;
    let long = runtime
        .setup
        .authority
        .issue(&CertificateContent { not_after: 3 * DAY, ..CertificateContent::caller(&[ORDERS]) });
    assert_eq!(runtime.orders().get("/v1/a").await.status, 200);
    let answer = runtime.caller(&long).get("/v1/a").await;
    assert_eq!((answer.status, &answer.json()["reason"]), (401, &json!("certificateLifetimeTooLong")));
}

#[tokio::test]
async fn during_a_rollover_the_callers_of_both_authorities_are_served() {
    let setup = Setup::new();
    let next = TestAuthority::root("The next CA");
    setup.write("ca.crt", &format!("{}{}", setup.authority.pem, next.pem));
    setup.write(
        "both.crl",
        &(setup.authority.crl_pem(&CrlContent::new(7, &[])) + &next.crl_pem(&CrlContent::new(1, &[&[9]]))),
    );
    let runtime = setup.tls("crls: [both.crl]").start().await;
    let (new, revoked) = (
        CertificateContent::caller(&[ORDERS]),
        CertificateContent { serial: vec![9], ..CertificateContent::caller(&[ORDERS]) },
    );
    assert_eq!(runtime.orders().get("/v1/a").await.status, 200);
    assert_eq!(runtime.caller(&next.issue(&new)).get("/v1/a").await.status, 200);
    // A serial is revoked under its own issuer only.
    assert_eq!(runtime.caller(&runtime.setup.authority.issue(&revoked)).get("/v1/a").await.status, 200);
    runtime.caller(&next.issue(&revoked)).refusal().await;
    assert_eq!(runtime.log_line(|line| line["event"] == "handshakeFailure").await["cause"], "revoked");
}

#[tokio::test]
async fn a_crl_of_an_intermediate_in_der_revokes_and_the_roots_revokes_the_intermediate() {
    let setup = Setup::new();
    let intermediate = setup.authority.intermediate("Issuing CA", &[0x77]);
    setup.write("ca.crt", &format!("{}{}", setup.authority.pem, intermediate.pem));
    std::fs::write(setup.path("root.crl"), setup.authority.crl(&CrlContent::new(1, &[]))).unwrap();
    std::fs::write(setup.path("issuing.crl"), intermediate.crl(&CrlContent::new(1, &[&[9]]))).unwrap();
    let runtime = setup.tls("crls: [root.crl, issuing.crl]").start().await;
    let good = runtime.caller(&intermediate.issue(&CertificateContent::caller(&[ORDERS])));
    let revoked = intermediate.issue(&CertificateContent { serial: vec![9], ..CertificateContent::caller(&[ORDERS]) });
    let mut open = good.raw().await;
    assert_eq!(open.get("/v1/a").await.status, 200);
    runtime.caller(&revoked).refusal().await;
    let crl = runtime.setup.authority.crl_pem(&CrlContent::new(2, &[&[0x77]]));
    runtime.setup.write("root.crl", &crl);
    open.rest().await;
    good.refusal().await;
}

/// The handshake is over before the CRL is: only an open connection can ask then.
#[tokio::test]
async fn when_a_crl_passes_its_next_update_requests_are_401_and_handshakes_fail() {
    let crl = CrlContent { next_update: 3, ..CrlContent::new(1, &[]) };
    let runtime = Setup::new().crl(&crl).start().await;
    let mut open = runtime.orders().raw().await;
    assert_eq!(open.get("/v1/a").await.status, 200);
    tokio::time::sleep(Duration::from_secs(4)).await;
    let answer = open.get("/v1/a").await;
    assert_eq!((answer.status, &answer.json()["reason"]), (401, &json!("crlStale")));
    open.rest().await;
    runtime.orders().refusal().await;
    assert_eq!(runtime.log_line(|line| line["event"] == "handshakeFailure").await["cause"], "crlStale");
    assert_eq!(runtime.admin("/health").await.0, 200, "one answer for the balancer would be everybody's");
    runtime.setup.write("ca.crl", &runtime.setup.authority.crl_pem(&CrlContent::new(2, &[])));
    let caller = runtime.orders();
    support::eventually_async(async || {
        let mut stream = caller.connect().await.ok()?;
        stream.write_all(b"GET /v1/a HTTP/1.1\r\nhost: a\r\n\r\n").await.ok()?;
        stream.read_u8().await.ok()
    })
    .await;
}

#[tokio::test]
async fn tls_1_2_is_spoken_where_it_is_allowed_and_resumes_nothing_either() {
    let strict = Setup::new();
    let lenient = strict.clone().tls("minVersion: \"1.2\"").start().await;
    let strict = strict.start().await;
    let certificate = strict.setup.caller(ORDERS);
    // One configuration for all connections: it offers any session id or ticket it was given.
    let caller = |addr| Caller::of_version(addr, &strict.setup.authority.pem, &certificate, &rustls::version::TLS12);
    assert!(caller(strict.addr).connect().await.is_err());
    let caller = caller(lenient.addr);
    for _ in 0..3 {
        let mut raw = caller.raw().await;
        assert_eq!(raw.get("/v1/a").await.status, 200);
        let (_, session) = raw.0.get_ref();
        assert_eq!(session.handshake_kind(), Some(rustls::HandshakeKind::Full));
        assert_eq!(session.protocol_version(), Some(rustls::ProtocolVersion::TLSv1_2));
    }
    assert_eq!(lenient.access_line().await["tlsVersion"], "TLSv1.2");
}

/// What a client without rustls might offer: a session id and a ticket of its own making.
#[tokio::test]
async fn a_session_that_was_never_given_is_not_resumed() {
    let runtime = Setup::new().tls("minVersion: \"1.2\"").start().await;
    let mut tcp = tokio::net::TcpStream::connect(runtime.addr).await.unwrap();
    let (random, id) = ([3; 32], [7; 32]);
    let ticket = [&0x23_u16.to_be_bytes()[..], &64_u16.to_be_bytes(), &[9; 64]].concat();
    let groups = [0, 10, 0, 4, 0, 2, 0, 0x17, 0, 13, 0, 4, 0, 2, 4, 3];
    let extensions = [&groups[..], &[0, 11, 0, 2, 1, 0], &ticket].concat();
    let length = |bytes: &[u8]| u16::try_from(bytes.len()).unwrap().to_be_bytes();
    let hello =
        [&[3, 3][..], &random, &[32], &id, &[0, 2, 0xc0, 0x2b, 1, 0], &length(&extensions), &extensions].concat();
    let message = [&[1, 0][..], &length(&hello), &hello].concat();
    let record = [&[0x16, 3, 1][..], &length(&message), &message].concat();
    tcp.write_all(&record).await.unwrap();
    let mut answer = vec![0; 128];
    timeout(SOON, tcp.read_exact(&mut answer)).await.unwrap().unwrap();
    assert_eq!((answer[0], answer[5]), (0x16, 2), "not a ServerHello: {answer:?}");
    let given = usize::from(answer[43]);
    assert!(given == 0 || answer[44..76] != id, "the session was resumed");
    // A full handshake goes on with our certificate, in the same record or in the next.
    let length = |at: usize| usize::from(u16::from_be_bytes([answer[at], answer[at + 1]]));
    let (record, message) = (length(3), length(7));
    let next = if record > message + 4 { 9 + message } else { 5 + record + 5 };
    assert_eq!(answer[next], 11, "{answer:?}");
}
