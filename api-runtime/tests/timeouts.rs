//! Whoever is slow is waited for as long as the limits say, and no longer.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "test code")]

mod support;

use std::net::SocketAddr;
use std::time::{Duration, Instant};
use support::client::get;
use support::{Runtime, Setup, upstream};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;

async fn with_limits(limits: &str) -> Runtime {
    Setup::new().top(&format!("limits: {{ {limits} }}")).start().await
}

fn between(after: Duration, least: u64, most: u64) {
    assert!((least..most).contains(&u64::try_from(after.as_millis()).unwrap()), "{after:?}");
}

#[tokio::test]
async fn a_head_that_comes_slowly_is_408_though_each_byte_is_in_time() {
    let runtime = with_limits("headerTimeout: 400ms, idleTimeout: 5s").await;
    let mut raw = runtime.orders().raw().await;
    for piece in ["GET /v1/a HTTP/1.1\r\n", "host: ", "a\r\n"] {
        raw.send(piece).await;
        sleep(Duration::from_millis(100)).await;
    }
    let (rest, after) = raw.rest().await;
    assert!(rest.starts_with(b"HTTP/1.1 408 "), "{}", String::from_utf8_lossy(&rest));
    between(after, 0, 400);
    let line = runtime.log_line(|line| line["event"] == "protocolError").await;
    assert_eq!((line["status"].as_u64(), line["callerId"].as_str()), (Some(408), Some(support::ORDERS)));
}

#[tokio::test]
async fn a_connection_may_idle_longer_than_a_head_may_take_but_not_for_ever() {
    let runtime = with_limits("headerTimeout: 100ms, idleTimeout: 700ms").await;
    let mut raw = runtime.orders().raw().await;
    for _ in 0..3 {
        sleep(Duration::from_millis(300)).await;
        assert_eq!(raw.get("/v1/a").await.status, 200);
    }
    let (rest, after) = raw.rest().await;
    assert!(rest.is_empty());
    between(after, 600, 1_500);
    assert!(runtime.metric("linkward_connections_ended_total{cause=\"idleTimeout\"}").await > 0.0);
}

#[tokio::test]
async fn http_2_idles_as_long_and_ends_with_goaway() {
    let runtime = with_limits("headerTimeout: 100ms, idleTimeout: 700ms").await;
    let (mut sender, connection) = runtime.orders().hyper2().await;
    for _ in 0..3 {
        sleep(Duration::from_millis(300)).await;
        assert_eq!(sender.send_request(get("/v1/a")).await.unwrap().status().as_u16(), 200);
    }
    tokio::time::timeout(Duration::from_millis(1_500), connection).await.unwrap().unwrap().unwrap();
}

#[tokio::test]
async fn an_old_connection_ends_gracefully() {
    let (addr, _) = upstream::canned(upstream::OK).await;
    let runtime = Setup::new().upstream(addr).top("limits: { connectionAge: 500ms }").start().await;
    let mut raw = runtime.orders().raw().await;
    assert_eq!(raw.get("/v1/a").await.status, 200);
    let (rest, after) = raw.rest().await;
    assert!(rest.is_empty());
    between(after, 300, 1_500);
}

#[tokio::test]
async fn a_socket_that_never_speaks_tls_is_closed() {
    let runtime = with_limits("handshakeTimeout: 300ms").await;
    let mut silent = support::client::Raw(TcpStream::connect(runtime.addr).await.unwrap());
    between(silent.rest().await.1, 250, 1_500);
    assert_eq!(runtime.log_line(|line| line["event"] == "handshakeFailure").await["cause"], "timeout");
    let mut garbage = support::client::Raw(TcpStream::connect(runtime.addr).await.unwrap());
    garbage.0.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    garbage.rest().await;
    assert_eq!(runtime.log_line(|line| line["cause"] == "protocol").await["event"], "handshakeFailure");
}

#[tokio::test]
async fn what_passes_before_the_first_byte_is_not_given_again() {
    let runtime = with_limits("handshakeTimeout: 2s").await;
    let mut late = support::client::Raw(TcpStream::connect(runtime.addr).await.unwrap());
    sleep(Duration::from_millis(1_500)).await;
    late.0.write_all(b"\x16\x03\x01").await.unwrap();
    between(late.rest().await.1, 100, 1_600);
}

#[tokio::test]
async fn sockets_that_say_nothing_take_nobodys_turn_and_those_that_stop_only_for_a_time() {
    let runtime = with_limits("handshakes: 1, handshakeTimeout: 3s").await;
    let _silent = TcpStream::connect(runtime.addr).await.unwrap();
    let caller = runtime.orders();
    sleep(Duration::from_millis(50)).await;
    let started = Instant::now();
    assert_eq!(caller.get("/v1/a").await.status, 200);
    assert!(started.elapsed() < Duration::from_millis(1_500));
    let mut half = TcpStream::connect(runtime.addr).await.unwrap();
    half.write_all(b"\x16\x03\x01").await.unwrap();
    sleep(Duration::from_millis(50)).await;
    assert_eq!(runtime.orders().get("/v1/a").await.status, 200);
}

#[tokio::test]
async fn those_who_stop_in_the_middle_of_a_handshake_keep_nobody_out() {
    let runtime = with_limits("handshakes: 1, handshakeTimeout: 4s").await;
    let mut halves = futures_of((0..6).map(|_| TcpStream::connect(runtime.addr))).await;
    for half in halves.iter_mut().flatten() {
        half.write_all(b"\x16\x03\x01").await.unwrap();
    }
    sleep(Duration::from_millis(50)).await;
    let started = Instant::now();
    assert_eq!(runtime.orders().get("/v1/a").await.status, 200);
    assert!(started.elapsed() < Duration::from_millis(3_500), "{:?}", started.elapsed());
    // Who only was slow is served.
    let mut slow = runtime.orders();
    slow.addr = pausing(runtime.addr).await;
    assert_eq!(slow.get("/v1/a").await.status, 200);
}

/// The way to an address, on which one connection is held up after its first bytes.
async fn pausing(to: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut from, mut to) = (listener.accept().await.unwrap().0, TcpStream::connect(to).await.unwrap());
        let mut first = [0; 5];
        from.read_exact(&mut first).await.unwrap();
        to.write_all(&first).await.unwrap();
        sleep(Duration::from_millis(700)).await;
        tokio::io::copy_bidirectional(&mut from, &mut to).await
    });
    addr
}

#[tokio::test]
async fn beyond_the_limit_connections_are_told_503_until_one_closes() {
    let runtime = with_limits("connections: 2").await;
    let mut first = runtime.orders().raw().await;
    let mut second = runtime.orders().raw().await;
    assert_eq!((first.get("/v1/a").await.status, second.get("/v1/a").await.status), (200, 200));
    let mut third = runtime.orders().raw().await;
    let answer = third.get("/v1/a").await;
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("1")));
    third.rest().await;
    let (mut sender, over_http_2) = runtime.orders().hyper2().await;
    assert_eq!(sender.send_request(get("/v1/a")).await.unwrap().status().as_u16(), 503);
    over_http_2.await.unwrap().unwrap();
    assert_eq!(second.get("/v1/a").await.status, 200, "who is served is served on");
    drop(first);
    support::eventually_async(async || (runtime.orders().get("/v1/a").await.status == 200).then_some(())).await;
}

#[tokio::test]
async fn a_place_that_becomes_free_is_given_though_those_turned_away_stay() {
    let runtime = with_limits("connections: 1, headerTimeout: 60s, idleTimeout: 60s").await;
    let first = runtime.orders().raw().await;
    let _turned_away = futures_of((0..64).map(|_| async { runtime.orders().raw().await })).await;
    drop(first);
    assert_eq!(runtime.orders().get("/v1/a").await.status, 200);
}

/// Nobody has to wait behind callers that are turned away and do not ask.
#[tokio::test]
async fn a_flood_of_connections_keeps_nobody_from_being_told() {
    let runtime = with_limits("connections: 2, headerTimeout: 300ms, idleTimeout: 5s, handshakeTimeout: 1s").await;
    let mut served = runtime.orders().raw().await;
    assert_eq!(served.get("/v1/a").await.status, 200);
    let _silent: Vec<_> = futures_of((0..200).map(|_| TcpStream::connect(runtime.addr))).await;
    let started = Instant::now();
    assert_eq!((served.get("/v1/a").await.status, runtime.admin("/health").await.0), (200, 200));
    let status = runtime.orders().get("/v1/a").await.status;
    assert!(
        [200, 503].contains(&status) && started.elapsed() < Duration::from_secs(8),
        "{status} {:?}",
        started.elapsed()
    );
}

async fn futures_of<T>(each: impl Iterator<Item = impl Future<Output = T>>) -> Vec<T> {
    let mut all = Vec::new();
    for one in each {
        all.push(one.await);
    }
    all
}

#[tokio::test]
async fn an_endpoint_with_too_many_connections_is_told_503_and_others_are_not() {
    let runtime = Setup::new().top("proxyProtocol: required\nlimits: { connectionsPerEndpoint: 1 }").start().await;
    let greedy = runtime.orders().through("vpce-0a");
    let mut first = greedy.raw().await;
    assert_eq!(first.get("/v1/a").await.status, 200);
    let mut raw = greedy.raw().await;
    let answer = raw.get("/v1/a").await;
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("1")));
    raw.rest().await;
    assert_eq!(runtime.orders().through("vpce-0b").get("/v1/a").await.status, 200);
    drop(first);
    runtime.until_metric("linkward_open_connections", 0.0).await;
    assert_eq!(greedy.get("/v1/a").await.status, 200);
}

#[tokio::test]
async fn a_client_that_takes_nothing_is_dropped() {
    let flood = upstream::flood().await;
    let runtime = Setup::new().upstream(flood).top("limits: { idleTimeout: 500ms }").start().await;
    let mut raw = runtime.orders().raw().await;
    raw.send("GET /v1/a HTTP/1.1\r\nhost: a\r\n\r\n").await;
    runtime.until_metric("linkward_connections_ended_total{cause=\"stalled\"}", 1.0).await;
    runtime.until_metric("linkward_open_connections", 0.0).await;
}
