//! What operators see: the access log, the metrics, health and status.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "test code")]

mod support;

use serde_json::{Value, json};
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use support::client::{Raw, plain_get, proxy_header};
use support::{ORDERS, SERIAL, Setup, upstream};
use tokio::net::TcpStream;

#[tokio::test]
async fn a_request_is_one_line_with_all_fields() {
    let (addr, _) = upstream::canned(upstream::OK).await;
    let setup = Setup::new().upstream(addr).top("proxyProtocol: required");
    setup.write("endpoints.yaml", "endpoints:\n  - { endpointId: vpce-0a, account: \"123456789012\" }\n");
    let runtime = setup.top("endpoints: { source: \"file:endpoints.yaml\" }").start().await;
    let mut raw = runtime.orders().through("vpce-0a").raw().await;
    raw.send("POST /v1/uploads/a?secret=1 HTTP/1.1\r\nhost: api.internal\r\ncontent-length: 3\r\n\r\nabc").await;
    assert_eq!(raw.answer().await.status, 200);
    let line = runtime.access_line().await;
    let expected = json!({
        "event": "access", "callerId": ORDERS, "serialNumber": SERIAL, "endpointId": "vpce-0a",
        "account": "123456789012", "method": "POST", "path": "/v1/uploads/a", "httpVersion": "1.1",
        "tlsVersion": "TLSv1.3", "status": 200, "decision": "allow", "reason": "permitted", "ruleId": "write",
        "bytesIn": 3, "bytesOut": 5, "host": "api.internal", "commonName": "svc.orders-api.prod",
        "sourceAddress": "192.0.2.7:51442",
    });
    for (field, value) in expected.as_object().unwrap() {
        assert_eq!(&line[field], value, "{field}");
    }
    for (field, shape) in [("timestamp", 27), ("requestId", 36), ("traceId", 32), ("certificateExpires", 20)] {
        assert_eq!(line[field].as_str().unwrap().len(), shape, "{field}");
    }
    assert!(line["policyRevision"].as_str().unwrap().starts_with("sha256:"));
    assert!(line["latencyMicros"].as_u64().unwrap() >= line["upstreamMicros"].as_u64().unwrap());
    assert_eq!(line.as_object().unwrap().len(), expected.as_object().unwrap().len() + 7);
    assert!(!runtime.log_text().contains("secret"));
}

#[tokio::test]
async fn a_hostile_request_cannot_forge_a_line() {
    let runtime = Setup::new().start().await;
    let mut raw = runtime.orders().raw().await;
    raw.send("GET /v1/\"},{\"event\":\"forged\"}%0A HTTP/1.1\r\nhost: a\r\nx-request-id: \"\\\r\n\r\n").await;
    assert_eq!(raw.answer().await.status, 200);
    let line = runtime.access_line().await;
    assert_eq!(
        (line["event"].as_str(), line["path"].as_str()),
        (Some("access"), Some("/v1/\"},{\"event\":\"forged\"}%0A"))
    );
    assert_eq!(runtime.log().len(), 1);
}

#[tokio::test]
async fn a_client_that_leaves_is_logged_too() {
    let (addr, seen) = upstream::silent().await;
    let runtime = Setup::new().upstream(addr).start().await;
    let mut raw = runtime.orders().raw().await;
    raw.send("GET /v1/a HTTP/1.1\r\nhost: a\r\n\r\n").await;
    support::eventually(|| (!seen.text().is_empty()).then_some(())).await;
    drop(raw);
    assert_eq!(runtime.access_line().await["status"], 499);
}

#[tokio::test]
async fn audit_mode_lets_pass_what_the_policy_denies_and_nothing_else() {
    let setup = Setup::new().policy("mode: audit").deny_list();
    let runtime = setup.start().await;
    let answer = runtime.orders().get("/v1/secret/a").await;
    assert_eq!(answer.status, 200);
    let line = runtime.access_line().await;
    assert_eq!(
        (&line["decision"], &line["reason"], &line["ruleId"]),
        (&json!("auditDeny"), &json!("forbidden"), &json!("no-secrets"))
    );
    let status: Value = serde_json::from_str(&runtime.admin("/status").await.1).unwrap();
    assert_eq!(status["auditDenials"], json!([{"callerId": ORDERS, "requests": 1, "reasons": {"forbidden": 1}}]));
    assert!(runtime.admin("/").await.1.contains("Would be denied"), "people see it too");
    runtime.setup.write("deny.yaml", &format!("entries:\n  - {{ identity: {ORDERS} }}\n"));
    runtime.until_metric("linkward_deny_list_entries", 1.0).await;
    assert_eq!(runtime.orders().get("/v1/a").await.status, 401);
}

#[tokio::test]
async fn what_is_not_http_is_a_protocol_error() {
    let runtime = Setup::new().start().await;
    let mut raw = runtime.orders().raw().await;
    raw.send("\x16\x03\x01 nonsense\r\n\r\n").await;
    assert_eq!(raw.answer().await.status, 400);
    let line = runtime.log_line(|line| line["event"] == "protocolError").await;
    assert_eq!((&line["status"], &line["serialNumber"]), (&json!(400), &json!(SERIAL)));
    runtime.until_metric("linkward_protocol_errors_total", 1.0).await;
    // It is answered nothing, and so says the line.
    let mut raw = runtime.orders().raw().await;
    raw.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
    assert_eq!(raw.rest().await.0, b"");
    runtime.log_line(|line| line["event"] == "protocolError" && line["status"].is_null()).await;
}

#[tokio::test]
async fn metrics_count_what_happened() {
    let runtime = Setup::new().deny_list().start().await;
    let mut raw = runtime.orders().raw().await;
    for path in ["/v1/a", "/v1/b", "/v2/c", "/v1/../d"] {
        raw.get(path).await;
    }
    let text = runtime.metrics().await;
    for line in [
        "linkward_requests_total{decision=\"allow\",reason=\"permitted\",status=\"2xx\"} 2",
        "linkward_requests_total{decision=\"deny\",reason=\"noMatchingRule\",status=\"4xx\"} 1",
        "linkward_requests_total{decision=\"deny\",reason=\"none\",status=\"4xx\"} 1",
        "linkward_request_duration_seconds_count 4",
        "linkward_handshakes_total 1",
        "linkward_deny_list_entries 0",
        "linkward_policy_revision_changes_total 0",
        "linkward_access_log_dropped_total 0",
        "linkward_snapshot_failing{kind=\"policy\"} 0",
        "# TYPE linkward_requests_total counter",
        "# TYPE linkward_snapshot_age_seconds gauge",
    ] {
        assert!(text.contains(&format!("\n{line}\n")) || text.starts_with(line), "{line} is not in {text}");
    }
    let caller = format!("{{caller=\"{ORDERS}\"}}");
    assert!(text.contains(&format!("linkward_caller_requests_total{caller} 4")), "{text}");
    assert!(text.contains(&format!("linkward_caller_denials_total{caller} 2")), "{text}");
}

#[tokio::test]
async fn a_new_policy_is_in_force_without_a_new_connection_and_a_bad_one_is_not() {
    let runtime = Setup::new().start().await;
    let mut raw = runtime.orders().raw().await;
    assert_eq!(raw.get("/v2/a").await.status, 403);
    let policy = std::fs::read_to_string(runtime.setup.path("access.yaml")).unwrap();
    runtime.setup.write("access.yaml", "version: 1\ntrustDomain: [");
    runtime.until_metric("linkward_snapshot_failing{kind=\"policy\"}", 1.0).await;
    assert_eq!((raw.get("/v1/a").await.status, raw.get("/v2/a").await.status), (200, 403));
    let status: Value = serde_json::from_str(&runtime.admin("/status").await.1).unwrap();
    assert!(status["snapshots"]["policy"]["error"].is_string(), "{status}");
    runtime.setup.write("access.yaml", &policy.replace("/v1/{*rest}", "/v2/{*rest}"));
    runtime.until_metric("linkward_policy_revision_changes_total", 1.0).await;
    assert_eq!((raw.get("/v1/a").await.status, raw.get("/v2/a").await.status), (403, 200));
}

#[tokio::test]
async fn status_and_page_show_the_recent_denials() {
    let runtime = Setup::new().start().await;
    runtime.orders().get("/v2/\"a").await;
    let (code, status) = runtime.admin("/status").await;
    let status: Value = serde_json::from_str(&status).unwrap();
    let denial = &status["recentDenials"][0];
    assert_eq!((code, &denial["path"], &denial["reason"]), (200, &json!("/v2/\"a"), &json!("noMatchingRule")));
    assert!(status["snapshots"]["policy"]["revision"].as_str().unwrap().starts_with("sha256:"));
    assert_eq!(status["connections"]["limit"], 10_000);
    let (code, page) = runtime.admin("/").await;
    assert!(code == 200 && page.contains("/v2/&quot;a") && !page.contains("<script"), "{page}");
}

#[tokio::test]
async fn the_health_port_tells_health_and_nothing_else_and_tolerates_the_balancers_header() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let runtime = Setup::new().top(&format!("healthListen: {port}")).start().await;
    for (path, expected) in [("/health", 200), ("/live", 200), ("/metrics", 404), ("/status", 404), ("/", 404)] {
        assert_eq!(plain_get(port, path).await.0, expected, "{path}");
    }
    assert_eq!(runtime.admin("/health").await, (200, "healthy\n".to_owned()));
    let local = b"\r\n\r\n\0\r\nQUIT\n\x20\x00\x00\x00".to_vec();
    for header in [proxy_header(Some("vpce-0a")), local] {
        let mut raw = Raw(TcpStream::connect(port).await.unwrap());
        raw.send(header).await;
        assert_eq!(raw.get("/health").await.status, 200);
    }
}

/// Connections that never ask for anything: without a word, in the middle of the balancer's header, of a request.
async fn hold(port: SocketAddr) -> Vec<Raw<TcpStream>> {
    let mut held = Vec::new();
    for beginning in [&b""[..], b"\r\n\r\n\0", b"GET /health HTTP/1.1\r\nhost"].into_iter().cycle().take(300) {
        let mut raw = Raw(TcpStream::connect(port).await.unwrap());
        raw.send(beginning).await;
        held.push(raw);
    }
    held
}

#[tokio::test]
async fn those_who_hold_connections_do_not_keep_the_balancer_out() {
    let health = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let runtime = Setup::new().top(&format!("healthListen: {health}")).start().await;
    for port in [health, runtime.admin] {
        let mut held = hold(port).await;
        let started = Instant::now();
        for _ in 0..3 {
            assert_eq!(plain_get(port, "/health").await.0, 200);
        }
        assert!(started.elapsed() < Duration::from_secs(4), "{:?}", started.elapsed());
        held.last_mut().unwrap().send(": a\r\n\r\n").await;
        assert_eq!(held.last_mut().unwrap().answer().await.status, 200, "only the oldest had to go");
        assert!(held[0].rest().await.1 < Duration::from_secs(4));
    }
}

#[tokio::test]
async fn a_stale_policy_denies_and_is_still_healthy() {
    let runtime = Setup::new().policy("maxStaleness: 300ms").start().await;
    assert_eq!(runtime.orders().get("/v1/a").await.status, 200);
    std::fs::remove_file(runtime.setup.path("access.yaml")).unwrap();
    tokio::time::sleep(Duration::from_millis(600)).await;
    let answer = runtime.orders().get("/v1/a").await;
    assert_eq!((answer.status, &answer.json()["reason"]), (403, &json!("policyStale")));
    assert_eq!(runtime.admin("/health").await.0, 200);
}

#[tokio::test]
async fn a_full_disk_costs_lines_and_no_request() {
    let runtime = Setup::new().top("telemetry: { accessLog: /dev/full }").start().await;
    let mut raw = runtime.orders().raw().await;
    for _ in 0..3 {
        assert_eq!(raw.get("/v1/a").await.status, 200);
    }
    runtime.until_metric("linkward_access_log_dropped_total", 3.0).await;
}
