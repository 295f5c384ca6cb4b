//! What was authorized is what is forwarded, and what cannot be read in one way only is refused.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "test code")]

mod support;

use support::{Setup, upstream};

/// The status of one request as raw bytes, `head` without its end, and what reached the upstream.
async fn sent(head: &str) -> (u16, String) {
    let (addr, recorded) = upstream::canned(upstream::OK).await;
    let runtime = Setup::new().upstream(addr).start().await;
    let mut raw = runtime.orders().raw().await;
    raw.send(format!("{head}\r\n\r\n")).await;
    (raw.answer().await.status, recorded.text())
}

#[tokio::test]
async fn paths_with_two_meanings_never_reach_the_upstream() {
    let (addr, recorded) = upstream::canned(upstream::OK).await;
    let runtime = Setup::new().upstream(addr).start().await;
    for path in [
        "/v1/../v1/secret/a",
        "/v1/./a",
        "/v1//a",
        "/v1/;x/a",
        "/v1/..;/a",
        "/v1/%2e%2e/secret/a",
        "/v1/%2E/a",
        "/v1/a%2fb",
        "/v1/a%2Fb",
        "/v1/a%5cb",
        "/v1/a\\b",
        "/v1/a%00",
        "/v1/%zz",
        "/v1/%f",
        "/v1/%ff",
        "*",
        "v1/a",
    ] {
        let answer = runtime.orders().get(path).await;
        assert_eq!((answer.status, answer.header("connection")), (400, Some("close")), "{path}");
    }
    assert_eq!(recorded.text(), "");
    let line = runtime.log_line(|line| line["status"] == 400 && line["event"] == "access").await;
    assert_eq!((line["decision"].as_str(), line["reason"].is_null()), (Some("deny"), true));
}

#[tokio::test]
async fn the_normal_path_is_authorized_and_forwarded_and_the_query_is_untouched() {
    let (status, seen) = sent("GET /v1/%69nvoices/%7Ea?q=%2e%2e/%2F&x=a%20b HTTP/1.1\r\nhost: a").await;
    assert_eq!(status, 200);
    assert!(seen.starts_with("GET /v1/invoices/~a?q=%2e%2e/%2F&x=a%20b HTTP/1.1\r\n"), "{seen}");
    let (status, seen) = sent("GET /v1/%73ecret/a HTTP/1.1\r\nhost: a").await;
    assert_eq!((status, &*seen), (403, ""));
}

#[tokio::test]
async fn hosts_that_are_missing_doubled_or_disagree_are_400() {
    for head in [
        "GET /v1/a HTTP/1.1\r\naccept: */*",
        "GET /v1/a HTTP/1.1\r\nhost: a\r\nhost: a",
        "GET /v1/a HTTP/1.1\r\nhost: a\r\nHost: b",
        "GET /v1/a HTTP/1.1\r\nhost: a, b",
        "GET http://b/v1/a HTTP/1.1\r\nhost: a",
        "GET /v1/a HTTP/1.1\r\nhost: a:b:c",
        "GET /v1/a HTTP/1.1\r\nhost: [a",
        "GET /v1/a HTTP/1.1\r\nhost: :80",
        "GET /v1/a HTTP/1.1\r\nhost: a%41",
    ] {
        assert_eq!(sent(head).await, (400, String::new()), "{head}");
    }
}

#[tokio::test]
async fn an_absolute_form_that_agrees_is_forwarded_as_a_path() {
    let (status, seen) = sent("GET http://API.internal/v1/a?b HTTP/1.1\r\nhost: api.internal").await;
    assert_eq!(status, 200);
    assert!(seen.starts_with("GET /v1/a?b HTTP/1.1\r\n") && seen.contains("\r\nhost: api.internal\r\n"), "{seen}");
}

#[tokio::test]
async fn connect_and_trace_are_refused() {
    let (addr, seen) = upstream::canned(upstream::OK).await;
    let runtime = Setup::new().upstream(addr).start().await;
    let into_the_tunnel = "GET /v1/somebody-elses HTTP/1.1\r\nhost: a\r\n\r\n";
    for head in ["CONNECT a:443 HTTP/1.1\r\nhost: a:443", "TRACE /v1/a HTTP/1.1\r\nhost: a"] {
        let mut raw = runtime.orders().raw().await;
        raw.send(format!("{head}\r\n\r\n{into_the_tunnel}")).await;
        let answer = raw.answer().await;
        let allow = answer.header("allow").unwrap_or_default();
        assert!(answer.status == 405 && allow.contains("GET") && !allow.contains("TRACE"), "{}", answer.head);
        assert_eq!(raw.rest().await.0, b"", "{head}");
    }
    assert_eq!(seen.text(), "");
}

#[tokio::test]
async fn framing_with_two_meanings_is_400() {
    for head in [
        "POST /v1/uploads/a HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\ncontent-length: 6",
        "POST /v1/uploads/a HTTP/1.1\r\nhost: a\r\ncontent-length: +5",
        "POST /v1/uploads/a HTTP/1.1\r\nhost: a\r\ncontent-length: x\r\ntransfer-encoding: chunked\r\n\r\n0",
        "POST /v1/uploads/a HTTP/1.1\r\nhost: a\r\ntransfer-encoding: xchunked",
        "POST /v1/uploads/a HTTP/1.1\r\nhost: a\r\ntransfer-encoding: identity",
        "POST /v1/uploads/a HTTP/1.1\r\nhost: a\r\ntransfer-encoding: gzip, chunked",
        "POST /v1/uploads/a HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked, identity",
        "POST /v1/uploads/a HTTP/1.0\r\nhost: a\r\ntransfer-encoding: chunked",
        "GET /v1/a HTTP/1.1\r\nhost: a\r\n x: folded",
        "GET /v1/a HTTP/1.1\r\nhost : a",
        "GET /v1/a HTTP/1.1\r\nhost: a\r\nx: a\rb: c",
        "GET /v1/a HTTP/1.1\r\nhost: a\r\nx: a\0b",
        "GET  /v1/a HTTP/1.1\r\nhost: a",
        "GET /v1/a HTTP/1.1 \r\nhost: a",
        "GET /v1/a HTTP/9.9\r\nhost: a",
    ] {
        assert_eq!(sent(head).await, (400, String::new()), "{head}");
    }
}

#[tokio::test]
async fn length_beside_chunked_is_forwarded_as_chunked_alone() {
    let head = "POST /v1/uploads/a HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0";
    let (status, seen) = sent(head).await;
    assert_eq!(status, 200);
    assert!(seen.contains("transfer-encoding: chunked") && !seen.contains("content-length"), "{seen}");
}

/// hyper forgets the lengths beside chunks before anybody sees them (RFC 9112 §6.3 allows it), so that they cannot be
/// compared: whatever they say, what goes on is chunks alone, and the connection ends.
#[tokio::test]
async fn lengths_that_disagree_beside_chunked_are_400_or_forgotten_and_the_connection_ends() {
    let (five, six, chunked) = ("content-length: 5\r\n", "content-length: 6\r\n", "transfer-encoding: chunked\r\n");
    for (fields, expected) in [
        ([five, six, chunked], 400),
        ([five, chunked, six], 200),
        ([chunked, five, six], 200),
        ([chunked, five, "content-length: five\r\n"], 200),
    ] {
        let (addr, seen) = upstream::canned(upstream::OK).await;
        let runtime = Setup::new().upstream(addr).start().await;
        let mut raw = runtime.orders().raw().await;
        let head = format!("POST /v1/uploads/a HTTP/1.1\r\nhost: a\r\n{}\r\n", fields.concat());
        raw.send(format!("{head}5\r\nhello\r\n0\r\n\r\nGET /v1/b HTTP/1.1\r\nhost: a\r\n\r\n")).await;
        assert_eq!(raw.answer().await.status, expected, "{fields:?}");
        assert_eq!(raw.rest().await.0, b"", "{fields:?}");
        let seen = seen.text();
        assert!(!seen.contains("/v1/b") && !seen.contains("content-length"), "{seen}");
        assert_eq!(seen.contains("transfer-encoding: chunked"), expected == 200, "{seen}");
    }
}

#[tokio::test]
async fn a_bare_line_feed_is_forwarded_as_a_line_of_its_own() {
    let (status, seen) = sent("GET /v1/a HTTP/1.1\nhost: a\nx-a: b").await;
    assert_eq!(status, 200);
    assert!(seen.contains("\r\nx-a: b\r\n") && !seen.replace("\r\n", "").contains('\n'), "{seen}");
}

#[tokio::test]
async fn what_is_too_long_is_refused() {
    let (long, longer) = ("a".repeat(70_000), "a".repeat(8_000));
    let many = (0..9).map(|n| format!("\r\nx-{n}: {longer}")).collect::<String>();
    for (head, expected) in [
        (format!("GET /v1/{long} HTTP/1.1\r\nhost: a"), 414),
        (format!("GET /v1/{} HTTP/1.1\r\nhost: a", "a".repeat(8_000_000)), 414),
        (format!("GET /v1/{} HTTP/1.1\r\nhost: a\r\nx: {longer}", &long[..60_000]), 431),
        (format!("GET /v1/a HTTP/1.1\r\nhost: a\r\nx: {long}"), 431),
        (format!("GET /v1/a HTTP/1.1\r\nhost: a{many}"), 431),
        (format!("GET /v1/{} HTTP/1.1\r\nhost: a{}", "a".repeat(100), "\r\nx: y".repeat(200)), 431),
    ] {
        assert_eq!(sent(&head).await, (expected, String::new()));
    }
    let runtime = Setup::new().top("limits: { headerBytes: 8192 }").start().await;
    let mut raw = runtime.orders().raw().await;
    assert_eq!(raw.get(&format!("/v1/{}", &longer[..7_000])).await.status, 200, "whatever is said next");
    assert_eq!(raw.get(&format!("/v1/{longer}{longer}")).await.status, 414);
    assert_eq!(runtime.log_line(|line| line["event"] == "protocolError").await["status"], 414);
    let runtime = Setup::new().top("limits: { headerBytes: 131072 }").start().await;
    assert_eq!(runtime.orders().get(&format!("/v1/{long}")).await.status, 414, "though the head has room for it");
    assert_eq!(runtime.log_line(|line| line["event"] == "protocolError").await["status"], 414);
}

#[tokio::test]
async fn http_1_0_is_answered_and_closed_or_kept_as_it_asks() {
    let (addr, seen) = upstream::canned(upstream::OK).await;
    let runtime = Setup::new().upstream(addr).start().await;
    let mut raw = runtime.orders().raw().await;
    raw.send("GET /v1/a HTTP/1.0\r\nconnection: keep-alive\r\n\r\n").await;
    let answer = raw.answer().await;
    assert_eq!((answer.status, answer.header("connection")), (200, Some("keep-alive")));
    raw.send("GET /v1/b HTTP/1.0\r\n\r\n").await;
    assert_eq!(raw.answer().await.status, 200);
    raw.rest().await;
    assert_eq!(seen.header("host"), Some(addr.to_string()));
    assert!(seen.text().starts_with("GET /v1/a HTTP/1.1\r\n"), "{}", seen.text());
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_their_order() {
    let runtime = Setup::new().start().await;
    let mut raw = runtime.orders().raw().await;
    let requests = ["/v1/a", "/v2/b", "/v1/c"].map(|path| format!("GET {path} HTTP/1.1\r\nhost: a\r\n\r\n"));
    raw.send(requests.concat()).await;
    for expected in [200, 403, 200] {
        assert_eq!(raw.answer().await.status, expected);
    }
}

#[tokio::test]
async fn nothing_that_follows_a_refusal_is_a_request() {
    let (addr, seen) = upstream::canned(upstream::OK).await;
    let runtime = Setup::new().upstream(addr).start().await;
    for refused in ["GET /v1/../a HTTP/1.1\r\nhost: a\r\n\r\n", "GET /v1/a HTTP/1.1\r\nhost: a\r\n x: folded\r\n\r\n"] {
        let mut raw = runtime.orders().raw().await;
        raw.send(format!("GET /v1/first HTTP/1.1\r\nhost: a\r\n\r\n{refused}GET /v1/last HTTP/1.1\r\nhost: a\r\n\r\n"))
            .await;
        assert_eq!((raw.answer().await.status, raw.answer().await.status), (200, 400));
        assert_eq!(raw.rest().await.0, b"");
    }
    assert!(seen.text().matches("/v1/first").count() == 2 && !seen.text().contains("/v1/last"), "{}", seen.text());
}

#[tokio::test]
async fn a_request_hidden_in_the_body_of_another_is_not_one() {
    let (addr, seen) = upstream::canned(upstream::OK).await;
    let runtime = Setup::new().upstream(addr).start().await;
    let mut raw = runtime.orders().raw().await;
    let hidden = "GET /v2/hidden HTTP/1.1\r\nhost: a\r\nx-a: ";
    raw.send(format!("POST /v2/denied HTTP/1.1\r\nhost: a\r\ncontent-length: {}\r\n\r\n{hidden}", hidden.len())).await;
    assert_eq!(raw.answer().await.status, 403);
    raw.send("GET /v1/a HTTP/1.1\r\nhost: a\r\n\r\n").await;
    assert_eq!(raw.answer().await.status, 200);
    assert_eq!((seen.text().matches("HTTP/1.1").count(), seen.text().contains("hidden")), (1, false));
}
