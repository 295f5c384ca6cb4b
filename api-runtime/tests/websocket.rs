//! WebSocket passes through, under the same rules as everything else.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "test code")]

mod support;

use bytes::Bytes;
use http_body_util::Empty;
use hyper::ext::Protocol;
use std::net::SocketAddr;
use std::time::Duration;
use support::authority::CrlContent;
use support::upstream::Recorded;
use support::{POLICY, Runtime, Setup, upstream};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const UPGRADE: &str = "GET /v1/socket HTTP/1.1\r\nhost: a\r\nconnection: keep-alive, Upgrade\r\nupgrade: WebSocket\r\n\
                       sec-websocket-key: x3JJHMbDL1EzLkh9GBhXDw==\r\nsec-websocket-version: 13\r\n\r\n";
const AGREED: &str = "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
                      sec-websocket-accept: HSmrc0sMlYUkAGmm5OPpG2HaGWk=\r\n\r\n";

/// Agrees to WebSocket, says `welcome`, and then sends back what comes, in capitals.
async fn shouting() -> (SocketAddr, Recorded) {
    let recorded = Recorded::default();
    let seen = recorded.clone();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let seen = seen.clone();
            tokio::spawn(async move {
                let mut buffer = [0; 4096];
                let count = stream.read(&mut buffer).await.unwrap();
                seen.add(&buffer[..count]);
                stream.write_all(format!("{AGREED}welcome").as_bytes()).await.unwrap();
                while let Ok(count @ 1..) = stream.read(&mut buffer).await {
                    let answer = buffer[..count].to_ascii_uppercase();
                    if stream.write_all(&answer).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    (addr, recorded)
}

async fn runtime(limits: &str) -> (Runtime, Recorded) {
    let (addr, seen) = shouting().await;
    (Setup::new().deny_list().upstream(addr).top(&format!("limits: {{ {limits} }}")).start().await, seen)
}

#[tokio::test]
async fn bytes_go_both_ways_and_the_line_comes_at_the_end() {
    let (runtime, seen) = runtime("bodyBytes: 4").await;
    let mut raw = runtime.orders().raw().await;
    raw.send(UPGRADE).await;
    let answer = raw.answer().await;
    assert_eq!((answer.status, answer.header("upgrade")), (101, Some("websocket")));
    assert_eq!(answer.header("sec-websocket-accept"), Some("HSmrc0sMlYUkAGmm5OPpG2HaGWk="));
    let mut buffer = [0; 12];
    raw.0.read_exact(&mut buffer[..7]).await.unwrap();
    assert_eq!(&buffer[..7], b"welcome");
    raw.send("hello there!").await;
    raw.0.read_exact(&mut buffer).await.unwrap();
    assert_eq!(&buffer, b"HELLO THERE!");
    assert!(
        seen.text().contains("x-linkward-caller: ") && seen.text().contains("connection: upgrade"),
        "{}",
        seen.text()
    );
    assert!(runtime.log().is_empty());
    drop(raw);
    let line = runtime.access_line().await;
    assert_eq!((&line["status"], &line["bytesIn"], &line["bytesOut"]), (&101.into(), &12.into(), &19.into()));
}

/// Agrees to WebSocket after a while; what is recorded is that the connection ended.
async fn slowly_agreeing() -> (SocketAddr, Recorded) {
    let recorded = Recorded::default();
    let seen = recorded.clone();
    let addr = upstream::each(Recorded::default(), move |mut stream, _| {
        let seen = seen.clone();
        async move {
            let _asked = stream.read(&mut [0; 4096]).await.unwrap();
            seen.add(b"asked");
            tokio::time::sleep(Duration::from_millis(300)).await;
            stream.write_all(AGREED.as_bytes()).await.unwrap();
            while let Ok(1..) = stream.read(&mut [0; 4096]).await {}
            seen.add(b"ended");
        }
    });
    (addr.await, recorded)
}

/// hyper does not see the client leave, as there is something else to read before.
#[tokio::test]
async fn a_client_that_leaves_before_it_is_agreed_with_leaves_nothing_behind() {
    let (addr, seen) = slowly_agreeing().await;
    let runtime = Setup::new().upstream(addr).start().await;
    let mut raw = runtime.orders().raw().await;
    raw.send(format!("{UPGRADE}early words")).await;
    support::eventually(|| seen.text().contains("asked").then_some(())).await;
    raw.0.get_ref().0.set_zero_linger().unwrap();
    drop(raw);
    support::eventually(|| seen.text().contains("ended").then_some(())).await;
    assert_eq!(runtime.access_line().await["status"], 499);
}

#[tokio::test]
async fn a_socket_that_is_agreed_to_when_its_connection_is_old_does_not_outlive_it() {
    let (addr, _) = slowly_agreeing().await;
    let runtime = Setup::new().upstream(addr).top("limits: { connectionAge: 100ms }").start().await;
    let mut raw = runtime.orders().raw().await;
    raw.send(UPGRADE).await;
    assert_eq!(raw.answer().await.status, 101);
    raw.rest().await;
    assert_eq!(runtime.access_line().await["status"], 101);
    assert!((runtime.metric("linkward_connections_ended_total{cause=\"connectionAge\"}").await - 1.0).abs() < 1e-9);
}

#[tokio::test]
async fn a_stream_that_became_a_socket_does_not_outlive_its_connection_either() {
    let (runtime, _) = runtime("connectionAge: 700ms").await;
    let (mut sender, _connection) = runtime.orders().hyper2_with().await;
    let mut answer = sender.send_request(stream("/v1/socket")).await.unwrap();
    assert_eq!(answer.status().as_u16(), 200);
    let mut socket = hyper_util::rt::TokioIo::new(hyper::upgrade::on(&mut answer).await.unwrap());
    let mut said = Vec::new();
    let ended = tokio::time::timeout(Duration::from_secs(5), socket.read_to_end(&mut said)).await;
    assert!(ended.is_ok() && said == b"welcome", "it stays open, or was cut before its time");
}

#[tokio::test]
async fn a_revoked_peer_loses_its_socket() {
    let (runtime, _) = runtime("drain: 1s").await;
    let mut raw = runtime.orders().raw().await;
    raw.send(UPGRADE).await;
    assert_eq!(raw.answer().await.status, 101);
    runtime.setup.write("deny.yaml", "entries:\n  - { serialNumber: \"a1b2c\" }\n");
    assert!(raw.rest().await.1 < Duration::from_secs(2));
    assert_eq!(runtime.access_line().await["status"], 101);
}

#[tokio::test]
async fn a_socket_that_a_newer_policy_denies_ends_and_another_stays() {
    let (runtime, _) = runtime("drain: 1s").await;
    let (mut denied, mut permitted) = (runtime.orders().raw().await, runtime.orders().raw().await);
    denied.send(UPGRADE).await;
    permitted.send(&UPGRADE.replace("/v1/socket", "/v1/other")).await;
    assert_eq!((denied.answer().await.status, permitted.answer().await.status), (101, 101));
    runtime.setup.write("access.yaml", &POLICY.replace("/v1/{*rest}", "/v1/other"));
    let (said, after) = denied.rest().await;
    assert!(said == b"welcome" && after < Duration::from_secs(5), "{after:?}");
    permitted.send("still").await;
    let mut buffer = [0; 12];
    permitted.0.read_exact(&mut buffer).await.unwrap();
    assert_eq!(&buffer, b"welcomeSTILL");
}

/// It has no next request to be denied.
#[tokio::test]
async fn a_socket_ends_when_the_crl_of_its_peer_passes_its_next_update() {
    let (addr, _) = shouting().await;
    let crl = CrlContent { next_update: 3, ..CrlContent::new(1, &[]) };
    let runtime = Setup::new().crl(&crl).upstream(addr).start().await;
    let mut raw = runtime.orders().raw().await;
    raw.send(UPGRADE).await;
    assert_eq!(raw.answer().await.status, 101);
    let (said, after) = raw.rest().await;
    assert!(said == b"welcome" && after < Duration::from_secs(6), "{after:?}");
}

/// A table would have to be gone for as long; a file is as unreadable when it is.
#[tokio::test]
async fn a_socket_ends_when_nothing_vouches_for_the_deny_list_any_more() {
    let (addr, _) = shouting().await;
    let list = "denyList: { source: \"file:deny.yaml\", refresh: 50ms, maxStaleness: 2s }";
    let setup = Setup::new().upstream(addr).top(list);
    setup.write("deny.yaml", "entries: []\n");
    let runtime = setup.start().await;
    let mut raw = runtime.orders().raw().await;
    raw.send(UPGRADE).await;
    assert_eq!(raw.answer().await.status, 101);
    std::fs::remove_file(runtime.setup.path("deny.yaml")).unwrap();
    let (said, after) = raw.rest().await;
    assert!(said == b"welcome" && after > Duration::from_secs(1) && after < Duration::from_secs(8), "{after:?}");
    runtime.setup.write("deny.yaml", "entries: []\n");
    runtime.until_metric("linkward_snapshot_failing{kind=\"denyList\"}", 0.0).await;
}

#[tokio::test]
async fn a_socket_on_which_nothing_moves_is_closed() {
    let (runtime, _) = runtime("idleTimeout: 400ms").await;
    let mut raw = runtime.orders().raw().await;
    raw.send(UPGRADE).await;
    assert_eq!(raw.answer().await.status, 101);
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_millis(250)).await;
        raw.send("a").await;
    }
    let (rest, after) = raw.rest().await;
    assert_eq!(rest, b"welcomeAAA");
    assert!((200..1_500).contains(&after.as_millis()), "{after:?}");
}

#[tokio::test]
async fn it_is_authorized_like_any_request() {
    let (runtime, seen) = runtime("drain: 1s").await;
    let mut raw = runtime.orders().raw().await;
    raw.send(UPGRADE.replace("/v1/socket", "/v2/socket")).await;
    assert_eq!(raw.answer().await.status, 403);
    assert_eq!(seen.all().len(), 0);
}

#[tokio::test]
async fn an_upstream_that_does_not_agree_answers_as_always() {
    let (addr, _) = upstream::canned(upstream::OK).await;
    let runtime = Setup::new().upstream(addr).start().await;
    let mut raw = runtime.orders().raw().await;
    raw.send(UPGRADE).await;
    let answer = raw.answer().await;
    assert_eq!((answer.status, &*answer.body), (200, &b"hello"[..]));
    assert_eq!(raw.get("/v1/a").await.status, 200);
    // A stream would take the status for the agreement.
    let (mut sender, _connection) = runtime.orders().hyper2_with().await;
    assert_eq!(sender.send_request(stream("/v1/socket")).await.unwrap().status().as_u16(), 502);
}

/// A request for a WebSocket over HTTP/2.
fn stream(path: &str) -> http::Request<Empty<Bytes>> {
    let request = http::Request::connect(format!("https://api.internal{path}"));
    let request = request.header("sec-websocket-version", "13").extension(Protocol::from_static("websocket"));
    request.body(Empty::new()).unwrap()
}

#[tokio::test]
async fn another_protocol_is_not_asked_for() {
    let (addr, seen) = upstream::canned(upstream::OK).await;
    let runtime = Setup::new().upstream(addr).start().await;
    let mut raw = runtime.orders().raw().await;
    raw.send(UPGRADE.replace("WebSocket", "h2c")).await;
    assert_eq!(raw.answer().await.status, 200);
    assert!(!seen.text().contains("upgrade"), "{}", seen.text());
}

#[tokio::test]
async fn over_http_2_it_is_a_stream_and_the_upstream_does_not_notice() {
    let (runtime, seen) = runtime("drain: 1s").await;
    let (mut sender, connection) = runtime.orders().hyper2_with().await;
    assert_eq!(sender.send_request(stream("/v2/socket")).await.unwrap().status().as_u16(), 403);
    let mut answer = sender.send_request(stream("/v1/socket")).await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.headers().get("sec-websocket-accept")), (200, None));
    let mut socket = hyper_util::rt::TokioIo::new(hyper::upgrade::on(&mut answer).await.unwrap());
    let mut buffer = [0; 12];
    socket.read_exact(&mut buffer[..7]).await.unwrap();
    socket.write_all(b"hello there!").await.unwrap();
    socket.read_exact(&mut buffer).await.unwrap();
    assert_eq!(&buffer, b"HELLO THERE!");
    assert!(seen.text().starts_with("GET /v1/socket HTTP/1.1\r\n"), "{}", seen.text());
    assert_eq!(seen.header("sec-websocket-key").unwrap().len(), 24);
    runtime.setup.write("deny.yaml", "entries:\n  - { serialNumber: \"a1b2c\" }\n");
    let ended =
        tokio::time::timeout(Duration::from_secs(2), socket.read(&mut buffer)).await.expect("the stream stays open");
    assert!(ended.is_err() || ended.unwrap() == 0);
    let _ = connection.await;
    let line = runtime.log_line(|line| line["status"] == 200).await;
    assert_eq!((&line["method"], &line["bytesIn"], &line["bytesOut"]), (&"GET".into(), &12.into(), &19.into()));
}
