//! A connection that nothing happens on gives its buffers back, and nobody notices.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "test code")]

mod support;

use api_runtime::Drain;
use serde_json::Value;
use std::time::{Duration, Instant};
use support::client::Raw;
use support::{Runtime, SOON, Setup, upstream};
use tokio::net::TcpStream;
use tokio::time::sleep;
use tokio_rustls::client::TlsStream;

/// Longer than a connection must be quiet to be parked.
const QUIET: Duration = Duration::from_millis(250);

async fn parked(runtime: &Runtime) -> u64 {
    let status: Value = serde_json::from_str(&runtime.admin("/status").await.1).unwrap();
    status["connections"]["parked"].as_u64().unwrap()
}

async fn until_parked(runtime: &Runtime, count: u64) {
    let started = Instant::now();
    while parked(runtime).await != count {
        assert!(started.elapsed() < SOON, "never {count} were parked");
        sleep(Duration::from_millis(10)).await;
    }
}

/// A connection that was answered once and is parked.
async fn quiet(runtime: &Runtime) -> Raw<TlsStream<TcpStream>> {
    let before = parked(runtime).await;
    let mut raw = runtime.orders().raw().await;
    assert_eq!(raw.get("/v1/a").await.status, 200);
    until_parked(runtime, before + 1).await;
    raw
}

#[tokio::test]
async fn a_parked_connection_is_answered_as_often_as_it_asks() {
    let runtime = Setup::new().start().await;
    let mut raw = quiet(&runtime).await;
    for _ in 0..3 {
        let asked = Instant::now();
        assert_eq!(raw.get("/v1/a").await.status, 200);
        // After a tenth of a second, on a slow machine, it may be parked again.
        let parked = parked(&runtime).await;
        assert!(parked == 0 || asked.elapsed() >= Duration::from_millis(100));
        until_parked(&runtime, 1).await;
    }
    // Denied or not, with a body or without.
    assert_eq!(raw.get("/v1/secret/a").await.status, 403);
    until_parked(&runtime, 1).await;
    raw.send("POST /v1/uploads/a HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\nabc").await;
    assert_eq!(raw.answer().await.status, 200);
}

#[tokio::test]
async fn a_connection_that_never_asked_is_parked_too() {
    let runtime = Setup::new().start().await;
    let mut raw = runtime.orders().raw().await;
    until_parked(&runtime, 1).await;
    assert_eq!(raw.get("/v1/a").await.status, 200);
}

#[tokio::test]
async fn a_parked_connection_of_a_revoked_peer_is_closed() {
    let runtime = Setup::new().deny_list().start().await;
    let mut raw = quiet(&runtime).await;
    runtime.setup.write("deny.yaml", "entries:\n  - { serialNumber: \"0A:1B:2C\" }\n");
    let (rest, after) = raw.rest().await;
    assert!(rest.is_empty() && after < Duration::from_secs(2), "{after:?}");
    runtime.until_metric("linkward_connections_ended_total{cause=\"revoked\"}", 1.0).await;
    until_parked(&runtime, 0).await;
}

#[tokio::test]
async fn a_parked_connection_idles_out_no_sooner_and_no_later_than_another() {
    let runtime = Setup::new().top("limits: { idleTimeout: 1s, headerTimeout: 200ms }").start().await;
    let mut raw = quiet(&runtime).await;
    let (rest, after) = raw.rest().await;
    assert!(rest.is_empty() && (500..2_000).contains(&after.as_millis()), "{after:?}");
    runtime.until_metric("linkward_connections_ended_total{cause=\"idleTimeout\"}", 1.0).await;
    assert_eq!(parked(&runtime).await, 0);
}

#[tokio::test]
async fn a_drain_ends_parked_connections() {
    let mut runtime = Setup::new().start().await;
    let mut raw = quiet(&runtime).await;
    runtime.stop(Drain::AtOnce);
    let (rest, after) = raw.rest().await;
    assert!(rest.is_empty() && after < Duration::from_secs(1), "{after:?}");
    runtime.task.await.unwrap();
}

#[tokio::test]
async fn a_drain_that_takes_its_time_tells_a_parked_connection_with_its_next_answer() {
    let mut runtime = Setup::new().top("limits: { drain: 100ms }").start().await;
    let mut raw = quiet(&runtime).await;
    runtime.stop(Drain::Configured);
    sleep(Duration::from_millis(600)).await;
    let answer = raw.get("/v1/a").await;
    assert_eq!((answer.status, answer.header("connection")), (200, Some("close")));
    assert!(raw.rest().await.0.is_empty());
    runtime.task.await.unwrap();
}

#[tokio::test]
async fn a_client_that_leaves_a_parked_connection_is_forgotten() {
    let runtime = Setup::new().start().await;
    drop(quiet(&runtime).await);
    runtime.until_metric("linkward_open_connections", 0.0).await;
    assert_eq!(parked(&runtime).await, 0);
}

#[tokio::test]
async fn what_came_before_a_pause_is_not_lost_by_it() {
    let runtime = Setup::new().start().await;
    let mut raw = runtime.orders().raw().await;
    // A whole request, and in the same record the beginning of the next.
    raw.send("GET /v1/a HTTP/1.1\r\nhost: a\r\n\r\nGET /v1/sec").await;
    assert_eq!(raw.answer().await.status, 200);
    sleep(QUIET).await;
    raw.send("ret/b HTTP/1.1\r\nhost: a\r\n\r\n").await;
    assert_eq!(raw.answer().await.status, 403);
    // Nor what comes while it is parked, piece by piece.
    until_parked(&runtime, 1).await;
    for piece in ["G", "ET /v1/secret/c HT", "TP/1.1\r\nhost: a\r\n\r\nGET /v1/d HTTP/1.1\r\nhost: a\r\n\r\n"] {
        raw.send(piece).await;
        sleep(QUIET).await;
    }
    assert_eq!((raw.answer().await.status, raw.answer().await.status), (403, 200));
}

#[tokio::test]
async fn the_rest_of_a_head_is_not_waited_for_longer_because_of_a_pause() {
    let runtime = Setup::new().top("limits: { headerTimeout: 500ms }").start().await;
    for first in ["GET /v1/a HTTP/1.1\r\nhost: a\r\n\r\nGET /v1", "GET /v1"] {
        let mut raw = quiet(&runtime).await;
        raw.send(first).await;
        let (rest, after) = raw.rest().await;
        let text = String::from_utf8_lossy(&rest);
        assert!(
            text.contains("HTTP/1.1 408 ") && text.matches("HTTP/1.1 200 ").count() == usize::from(first.len() > 10)
        );
        assert!((400..1_500).contains(&after.as_millis()), "{after:?}");
    }
}

#[tokio::test]
async fn a_connection_that_waits_for_an_answer_is_not_quiet() {
    let runtime = Setup::new().upstream(upstream::slow(QUIET * 2).await).start().await;
    let mut raw = runtime.orders().raw().await;
    raw.send("GET /v1/a HTTP/1.1\r\nhost: a\r\n\r\n").await;
    sleep(QUIET).await;
    assert_eq!(parked(&runtime).await, 0);
    assert_eq!(raw.answer().await.status, 200);
    until_parked(&runtime, 1).await;
}

#[tokio::test]
async fn neither_is_one_whose_answer_has_not_ended_or_is_not_taken() {
    let endless = Setup::new().upstream(upstream::endless(QUIET * 2).await).start().await;
    let flood = Setup::new().upstream(upstream::flood().await).start().await;
    for runtime in [endless, flood] {
        let mut raw = runtime.orders().raw().await;
        raw.send("GET /v1/a HTTP/1.1\r\nhost: a\r\n\r\n").await;
        sleep(QUIET).await;
        assert_eq!(parked(&runtime).await, 0);
    }
}
