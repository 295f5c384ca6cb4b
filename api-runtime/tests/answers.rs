//! What callers are told: 200, 401, 403, 400, and nothing at all.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "test code")]

mod support;

use serde_json::json;
use support::authority::{CertificateContent, DAY, TestAuthority};
use support::client::{Caller, get, json};
use support::{ORDERS, STRANGER, Setup};

#[tokio::test]
async fn a_permitted_caller_is_told_who_it_is() {
    let runtime = Setup::new().start().await;
    let answer = runtime.orders().get("/v1/invoices").await;
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
    assert_eq!(answer.json(), json!({"ok": true, "caller": ORDERS, "endpoint": null}));
}

#[tokio::test]
async fn a_path_without_a_rule_is_403_and_the_connection_goes_on() {
    let runtime = Setup::new().start().await;
    let mut raw = runtime.orders().raw().await;
    for (path, reason) in [("/v2/invoices", "noMatchingRule"), ("/v1/secret/a", "forbidden")] {
        let answer = raw.get(path).await;
        assert_eq!((answer.status, answer.header("connection")), (403, None));
        let body = answer.json();
        assert_eq!(body["requestId"].as_str().unwrap().len(), 36);
        assert_eq!(
            body,
            json!({"error": "forbidden", "caller": ORDERS, "reason": reason, "requestId": body["requestId"]})
        );
    }
    assert_eq!(raw.get("/v1/invoices").await.status, 200);
}

#[tokio::test]
async fn a_caller_the_policy_does_not_name_is_403() {
    let runtime = Setup::new().start().await;
    let answer = runtime.caller(&runtime.setup.caller(STRANGER)).get("/v1/invoices").await;
    assert_eq!((answer.status, &answer.json()["reason"]), (403, &json!("noMatchingCaller")));
    assert_eq!(answer.json()["caller"], STRANGER);
}

#[tokio::test]
async fn a_certificate_that_names_nobody_is_401_and_the_connection_closes() {
    let runtime = Setup::new().start().await;
    for uris in [&["spiffe://other.example/prod/orders-api"][..], &[], &[ORDERS, STRANGER], &["https://a"]] {
        let certificate = runtime.setup.authority.issue(&CertificateContent::caller(uris));
        let mut raw = runtime.caller(&certificate).raw().await;
        let answer = raw.get("/v1/invoices").await;
        assert_eq!((answer.status, answer.header("connection")), (401, Some("close")), "{uris:?}");
        let body = answer.json();
        let expected = json!({"error": "unauthorized", "reason": "badIdentity", "requestId": body["requestId"]});
        assert_eq!(body, expected, "{uris:?}");
        assert!(raw.rest().await.0.is_empty());
    }
}

#[tokio::test]
async fn without_a_certificate_the_handshake_fails_or_where_it_is_optional_the_answer_is_401() {
    let runtime = Setup::new().start().await;
    let nobody = Caller::new(runtime.addr, &runtime.setup.authority.pem, None);
    assert!(nobody.refusal().await.to_string().contains("CertificateRequired"));

    let runtime = Setup::new().tls("clientAuth: optional").start().await;
    let nobody = Caller::new(runtime.addr, &runtime.setup.authority.pem, None);
    let answer = nobody.get("/v1/invoices").await;
    assert_eq!((answer.status, &answer.json()["reason"]), (401, &json!("noCertificate")));
}

#[tokio::test]
async fn http_2_gives_the_same_answers_and_401_ends_the_connection() {
    let runtime = Setup::new().start().await;
    let (mut sender, connection) = runtime.orders().hyper2().await;
    let answer = sender.send_request(get("/v1/invoices")).await.unwrap();
    assert_eq!(json(answer).await["caller"], ORDERS);
    let answer = sender.send_request(get("/v2/invoices")).await.unwrap();
    assert_eq!((answer.status().as_u16(), &json(answer).await["reason"]), (403, &json!("noMatchingRule")));
    assert!(!connection.is_finished());

    let nameless = runtime.setup.authority.issue(&CertificateContent::caller(&[]));
    let (mut sender, connection) = runtime.caller(&nameless).hyper2().await;
    let answer = sender.send_request(get("/v1/invoices")).await.unwrap();
    assert_eq!((answer.status().as_u16(), &json(answer).await["reason"]), (401, &json!("badIdentity")));
    connection.await.unwrap().unwrap();
}

#[tokio::test]
async fn certificates_that_are_not_good_now_or_not_ours_are_refused_in_the_handshake() {
    let runtime = Setup::new().start().await;
    let authority = &runtime.setup.authority;
    let content = CertificateContent::caller(&[ORDERS]);
    let foreign = TestAuthority::root("Another CA").issue(&content);
    let expired = authority.issue(&CertificateContent { not_before: -2 * DAY, not_after: -60, ..content.clone() });
    let early = authority.issue(&CertificateContent { not_before: DAY, not_after: 2 * DAY, ..content.clone() });
    let purpose = authority.issue(&CertificateContent { names: content.names.clone(), ..CertificateContent::server() });
    for (certificate, cause) in
        [(foreign, "unknownIssuer"), (expired, "expired"), (early, "notYetValid"), (purpose, "badPurpose")]
    {
        runtime.caller(&certificate).refusal().await;
        let line = runtime.log_line(|line| line["cause"] == cause).await;
        assert_eq!((&line["event"], &line["serialNumber"]), (&json!("handshakeFailure"), &json!("a1b2c")));
        let sample = format!("linkward_handshake_failures_total{{cause=\"{cause}\"}}");
        assert!((runtime.metric(&sample).await - 1.0).abs() < 0.1, "{cause}");
    }
    assert_eq!(runtime.orders().get("/v1/a").await.status, 200);
}

const BOUND: &str = r#"
version: 1
trustDomain: internal.example
endpoints: { unlisted: reject, consumers: [] }
callers:
  - identity: spiffe://internal.example/prod/orders-api
    accounts: ["123456789012"]
    permit: [{ id: all, paths: ["/v1/{*rest}"] }]
"#;
const INVENTORY: &str = "endpoints:\n  - { endpointId: vpce-0a, account: \"123456789012\" }\n  - { endpointId: vpce-0b, account: \"210987654321\" }\n";

#[tokio::test]
async fn a_caller_bound_to_an_account_must_come_through_its_endpoint() {
    let setup = Setup::new().top("proxyProtocol: required");
    setup.write("access.yaml", BOUND);
    setup.write("endpoints.yaml", INVENTORY);
    let runtime = setup.top("endpoints: { source: \"file:endpoints.yaml\" }").start().await;
    let answer = runtime.orders().through("vpce-0a").get("/v1/a").await;
    assert_eq!((answer.status, answer.json()), (200, json!({"ok": true, "caller": ORDERS, "endpoint": "vpce-0a"})));
    for (endpoint, reason) in [("vpce-0b", "accountMismatch"), ("vpce-0c", "endpointUnknown")] {
        let answer = runtime.orders().through(endpoint).get("/v1/a").await;
        assert_eq!((answer.status, &answer.json()["reason"]), (403, &json!(reason)), "{endpoint}");
    }
    let line = runtime.log_line(|line| line["reason"] == "accountMismatch").await;
    assert_eq!((&line["account"], &line["endpointId"]), (&json!("210987654321"), &json!("vpce-0b")));
    assert!(runtime.orders().connect().await.is_err(), "no header");
}
