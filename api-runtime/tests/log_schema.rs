//! The published schemas of the access log, held against what servers really write: every outcome that a caller can bring
//! about. What other tests write is held against them too, when their runtime ends.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "test code")]

mod support;

use serde_json::{Value, json};
use std::collections::BTreeSet;
use support::authority::{CertificateContent, CrlContent, DAY, TestAuthority};
use support::client::Caller;
use support::{ORDERS, Runtime, STRANGER, Setup, eventually, lines};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// What a line is about, in a few words.
fn outcome(line: &Value) -> String {
    let word = |name: &str| line[name].as_str().unwrap_or("null").to_owned();
    match &*word("event") {
        "access" => format!("{} {}", word("decision"), word("reason")),
        "handshakeFailure" => word("cause"),
        other => other.to_owned(),
    }
}

async fn outcomes(runtime: &Runtime, expected: &[&str]) {
    let expected: BTreeSet<String> = expected.iter().map(|&outcome| outcome.to_owned()).collect();
    let seen = || runtime.log().iter().map(outcome).collect::<BTreeSet<_>>();
    eventually(|| (seen().len() >= expected.len()).then_some(())).await;
    assert_eq!(seen(), expected);
    lines::check(&runtime.log_text());
}

#[tokio::test]
async fn what_the_policy_says_is_as_published() {
    let runtime = Setup::new().start().await;
    let mut orders = runtime.orders().raw().await;
    for path in ["/v1/a", "/v1/secret/a", "/v2", "/v1/../a"] {
        orders.get(path).await;
    }
    runtime.caller(&runtime.setup.caller(STRANGER)).get("/v1/a").await;
    runtime.orders().http2().hyper2().await;
    let mut raw = runtime.orders().raw().await;
    raw.send("\x16\x03\x01 nonsense\r\n\r\n").await;
    assert_eq!(raw.answer().await.status, 400);
    let denied = ["deny forbidden", "deny noMatchingRule", "deny noMatchingCaller", "deny null"];
    outcomes(&runtime, &[&["allow permitted", "protocolError"], &denied[..]].concat()).await;
    let audit = Setup::new().policy("mode: audit").start().await;
    audit.orders().get("/v2").await;
    outcomes(&audit, &["auditDeny noMatchingRule"]).await;
}

#[tokio::test]
async fn what_certificates_come_to_is_as_published() {
    let setup = Setup::new().tls("clientAuth: optional").deny_list();
    let runtime = setup.start().await;
    let foreign = runtime.setup.caller("spiffe://other.example/a");
    runtime.caller(&foreign).get("/v1/a").await;
    Caller::new(runtime.addr, &runtime.setup.authority.pem, None).get("/v1/a").await;
    runtime.setup.write("deny.yaml", &format!("entries:\n  - {{ identity: {ORDERS} }}\n"));
    runtime.until_metric("linkward_deny_list_entries", 1.0).await;
    runtime.orders().get("/v1/a").await;
    outcomes(&runtime, &["deny badIdentity", "deny noCertificate", "deny certificateRevoked"]).await;
}

#[tokio::test]
async fn failed_handshakes_are_as_published() {
    let runtime = Setup::new().crl(&CrlContent::new(1, &[&[0x66]])).start().await;
    let authority = &runtime.setup.authority;
    let content = || CertificateContent::caller(&[ORDERS]);
    let mut callers = vec![
        TestAuthority::root("Foreign CA").issue(&content()),
        authority.issue(&CertificateContent { not_before: -2 * DAY, not_after: -DAY, ..content() }),
        authority.issue(&CertificateContent { not_before: DAY, not_after: 2 * DAY, ..content() }),
        authority.issue(&CertificateContent { serial: vec![0x66], ..content() }),
        authority.issue(&CertificateContent { purposes: CertificateContent::server().purposes, ..content() }),
    ];
    for caller in callers.drain(..) {
        runtime.caller(&caller).refusal().await;
    }
    Caller::new(runtime.addr, &authority.pem, None).refusal().await;
    let mut plain = TcpStream::connect(runtime.addr).await.unwrap();
    plain.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    let _ = plain.read_to_end(&mut Vec::new()).await;
    let causes = ["unknownIssuer", "expired", "notYetValid", "revoked", "badPurpose", "noCertificate", "protocol"];
    outcomes(&runtime, &causes).await;
    let proxied = Setup::new().top("proxyProtocol: required").start().await;
    proxied.orders().refusal().await;
    outcomes(&proxied, &["badProxyHeader"]).await;
}

/// Each schema can fail: a field more, a field less, a word of no list.
fn fails(line: &Value, wrong_words: &[(&str, Value)]) {
    assert_eq!(lines::problems(line), Vec::<String>::new());
    let more = ("body", json!("x"));
    for (field, value) in wrong_words.iter().chain([&more]) {
        let mut wrong = line.clone();
        wrong[*field] = value.clone();
        assert!(!lines::problems(&wrong).is_empty(), "{field}");
    }
    for field in line.as_object().unwrap().keys() {
        let mut wrong = line.clone();
        wrong.as_object_mut().unwrap().remove(field);
        assert!(!lines::problems(&wrong).is_empty(), "{field} may be missing");
    }
}

#[tokio::test]
async fn a_line_that_is_not_documented_is_found() {
    let runtime = Setup::new().start().await;
    let mut raw = runtime.orders().raw().await;
    raw.get("/v1/a").await;
    raw.send("\x16\x03\x01 nonsense\r\n\r\n").await;
    raw.answer().await;
    let foreign = TestAuthority::root("Foreign CA").issue(&CertificateContent::caller(&[ORDERS]));
    runtime.caller(&foreign).refusal().await;
    for (event, words) in [
        ("access", &[("decision", json!("maybe")), ("reason", json!("forbidden")), ("serialNumber", json!("0A"))][..]),
        ("handshakeFailure", &[("cause", json!("bad luck")), ("endpointId", json!(7)), ("certificate", json!("x"))]),
        ("protocolError", &[("timestamp", json!("yesterday")), ("path", json!("/"))]),
    ] {
        fails(&eventually(|| runtime.log().into_iter().find(|line| line["event"] == event)).await, words);
    }
    assert!(!lines::problems(&json!({"event": "new"})).is_empty());
}
