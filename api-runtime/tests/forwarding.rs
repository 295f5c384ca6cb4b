//! What reaches the upstream, and what comes back.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "test code")]

mod support;

use http_body_util::BodyExt;
use std::time::Duration;
use support::client::{get, get1};
use support::{ORDERS, Runtime, Setup, upstream};

const ENDPOINT: &str = "vpce-08d2bf15fac5001c9";
const INVENTORY: &str = "endpoints:\n  - { endpointId: vpce-08d2bf15fac5001c9, account: \"123456789012\" }\n";

async fn behind_a_balancer(upstream: std::net::SocketAddr) -> Runtime {
    let setup = Setup::new().upstream(upstream).top("proxyProtocol: required");
    setup.write("endpoints.yaml", INVENTORY);
    setup.top("endpoints: { source: \"file:endpoints.yaml\", refresh: 50ms }").start().await
}

#[tokio::test]
async fn the_upstream_is_told_who_calls_by_us_alone() {
    let (addr, seen) = upstream::canned(upstream::OK).await;
    let runtime = behind_a_balancer(addr).await;
    let mut raw = runtime.orders().through(ENDPOINT).raw().await;
    raw.send(
        "GET /v1/a HTTP/1.1\r\nhost: api.internal\r\nx-linkward-caller: evil\r\nX_Linkward_Caller: evil\r\n\
         x-linkward_account: evil\r\nX-Linkward-New: evil\r\nx-forwarded-client-cert: evil\r\nx_forwarded_client_cert: evil\r\n\
         connection: keep-alive, x-linkward-endpoint, x-secret\r\nx-secret: evil\r\nproxy-authorization: evil\r\n\
         x-mine: mine\r\n\r\n",
    )
    .await;
    assert_eq!(raw.answer().await.status, 200);
    assert!(!seen.text().contains("evil"), "{}", seen.text());
    for (name, value) in [
        ("x-linkward-caller", ORDERS),
        ("x-linkward-endpoint", ENDPOINT),
        ("x-linkward-account", "123456789012"),
        ("host", "api.internal"),
        ("x-mine", "mine"),
    ] {
        assert_eq!(seen.header(name).as_deref(), Some(value), "{name}");
    }
    let certificate = seen.header("x-forwarded-client-cert").unwrap();
    let (hash, rest) = certificate.strip_prefix("Hash=").unwrap().split_once(';').unwrap();
    assert_eq!((hash.len(), hash.bytes().all(|byte| byte.is_ascii_hexdigit())), (64, true));
    assert_eq!(rest, format!("Subject=\"CN=svc.orders-api.prod,O=Example\";URI={ORDERS}"));
}

#[tokio::test]
async fn an_endpoint_that_nobody_knows_has_no_account() {
    let (addr, seen) = upstream::canned(upstream::OK).await;
    let runtime = behind_a_balancer(addr).await;
    assert_eq!(runtime.orders().through("vpce-0123").get("/v1/a").await.status, 200);
    assert_eq!(
        (seen.header("x-linkward-endpoint").as_deref(), seen.header("x-linkward-account")),
        (Some("vpce-0123"), None)
    );
}

#[tokio::test]
async fn request_id_and_trace_are_continued_or_made() {
    let (addr, seen) = upstream::canned(upstream::OK).await;
    let runtime = Setup::new().upstream(addr).start().await;
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let mut raw = runtime.orders().raw().await;
    raw.send(format!(
        "GET /v1/a HTTP/1.1\r\nhost: a\r\nx-request-id: mine-1\r\ntraceparent: {parent}\r\ntracestate: a=b\r\n\r\n"
    ))
    .await;
    raw.answer().await;
    assert_eq!(
        (seen.header("x-request-id").as_deref(), seen.header("traceparent").as_deref()),
        (Some("mine-1"), Some(parent))
    );
    assert_eq!(seen.header("tracestate").as_deref(), Some("a=b"));
    let line = runtime.access_line().await;
    assert_eq!((line["requestId"].as_str(), line["traceId"].as_str()), (Some("mine-1"), Some(&parent[3..35])));

    let (addr, seen) = upstream::canned(upstream::OK).await;
    let runtime = Setup::new().upstream(addr).start().await;
    let mut raw = runtime.orders().raw().await;
    raw.send(
        "GET /v1/a HTTP/1.1\r\nhost: a\r\nx-request-id: a b\"\r\ntraceparent: 00-0-0-0\r\ntracestate: a=b\r\n\r\n",
    )
    .await;
    raw.answer().await;
    let line = runtime.access_line().await;
    assert_eq!(seen.header("x-request-id").as_deref(), line["requestId"].as_str());
    assert_eq!((seen.header("traceparent").unwrap().len(), seen.header("tracestate")), (55, None));
    assert_eq!(&seen.header("traceparent").unwrap()[3..35], line["traceId"].as_str().unwrap());
}

#[tokio::test]
async fn connections_to_the_upstream_are_used_again() {
    let (addr, seen) = upstream::canned(upstream::OK).await;
    let runtime = Setup::new().upstream(addr).start().await;
    let mut raw = runtime.orders().raw().await;
    for _ in 0..5 {
        let answer = raw.get("/v1/a").await;
        assert_eq!((answer.status, &*answer.body), (200, &b"hello"[..]));
    }
    assert_eq!((seen.all().len(), seen.text().matches("GET /v1/a").count()), (1, 5));
}

#[tokio::test]
async fn an_upstream_that_closes_after_each_answer_costs_no_request() {
    let (addr, seen) = upstream::canned("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok").await;
    let runtime = Setup::new().upstream(addr).start().await;
    let mut raw = runtime.orders().raw().await;
    for _ in 0..3 {
        let answer = raw.get("/v1/a").await;
        assert_eq!((answer.status, answer.header("connection")), (200, None));
    }
    assert_eq!(seen.all().len(), 3);
}

#[tokio::test]
async fn the_upstreams_hop_by_hop_headers_stop_here() {
    let answer = "HTTP/1.1 200 OK\r\nkeep-alive: timeout=5\r\nconnection: keep-alive, x-private\r\nx-private: 1\r\n\
                  proxy-authenticate: Basic\r\nx-public: 2\r\ncontent-length: 0\r\n\r\n";
    let (addr, _) = upstream::canned(answer).await;
    let runtime = Setup::new().upstream(addr).start().await;
    let answer = runtime.orders().get("/v1/a").await;
    assert_eq!(answer.header("x-public"), Some("2"));
    for name in ["keep-alive", "connection", "x-private", "proxy-authenticate"] {
        assert_eq!(answer.header(name), None, "{name}");
    }
}

#[tokio::test]
async fn an_upstream_that_is_not_there_is_502_and_one_that_talks_nonsense_too() {
    let (nonsense, _) = upstream::canned("SSH-2.0-OpenSSH\r\n\r\n").await;
    let (switching, _) = upstream::canned("HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\n").await;
    // Freed last, so that neither of the others gets it.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for (upstream, error) in [(free, "unreachable"), (nonsense, "broken"), (switching, "broken")] {
        let runtime = Setup::new().upstream(upstream).start().await;
        let answer = runtime.orders().get("/v1/a").await;
        assert_eq!((answer.status, &answer.json()["error"]), (502, &"badGateway".into()));
        assert!(runtime.metric(&format!("linkward_upstream_errors_total{{error=\"{error}\"}}")).await > 0.0, "{error}");
        let line = runtime.access_line().await;
        assert_eq!((line["status"].as_u64(), line["decision"].as_str()), (Some(502), Some("allow")));
    }
}

#[tokio::test]
async fn an_upstream_that_does_not_answer_is_504() {
    let (addr, _) = upstream::silent().await;
    let runtime = Setup::new().upstream(addr).top("limits: { requestTimeout: 200ms }").start().await;
    let answer = runtime.orders().get("/v1/a").await;
    assert_eq!((answer.status, &answer.json()["error"]), (504, &"gatewayTimeout".into()));
}

#[tokio::test]
async fn a_denied_request_does_not_reach_the_upstream() {
    let (addr, seen) = upstream::canned(upstream::OK).await;
    let runtime = Setup::new().upstream(addr).start().await;
    assert_eq!(runtime.orders().get("/v2/a").await.status, 403);
    assert_eq!(seen.all().len(), 0);
}

#[tokio::test]
async fn http_2_is_forwarded_as_http_1_with_its_authority_as_host() {
    let (addr, seen) = upstream::canned(upstream::OK).await;
    let runtime = Setup::new().upstream(addr).start().await;
    let (mut sender, _connection) = runtime.orders().hyper2().await;
    let mut request = get("/v1/a?b");
    for piece in ["a=1", "b=2"] {
        request.headers_mut().append("cookie", piece.parse().unwrap());
    }
    let answer = sender.send_request(request).await.unwrap();
    assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), "hello");
    assert!(seen.text().starts_with("GET /v1/a?b HTTP/1.1\r\n"), "{}", seen.text());
    assert_eq!(
        (seen.header("host").as_deref(), seen.header("cookie").as_deref()),
        (Some("api.internal"), Some("a=1; b=2"))
    );
}

#[tokio::test]
async fn an_answer_without_an_end_comes_piece_by_piece_and_ends_when_the_upstream_falls_silent() {
    let runtime = Setup::new().upstream(upstream::endless(Duration::from_millis(10)).await).start().await;
    let mut sender = runtime.orders().hyper1().await;
    let mut answer = sender.send_request(get1("/v1/a")).await.unwrap().into_body();
    for _ in 0..3 {
        assert_eq!(answer.frame().await.unwrap().unwrap().into_data().unwrap(), "tick");
    }

    let silent = upstream::endless(Duration::from_secs(3600)).await;
    let runtime = Setup::new().upstream(silent).top("limits: { idleTimeout: 300ms }").start().await;
    let mut sender = runtime.orders().hyper1().await;
    let mut answer = sender.send_request(get1("/v1/a")).await.unwrap().into_body();
    assert_eq!(answer.frame().await.unwrap().unwrap().into_data().unwrap(), "tick");
    assert!(answer.frame().await.unwrap().is_err());
}
