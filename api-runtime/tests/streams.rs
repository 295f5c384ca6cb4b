//! Answers as they come: whole, in pieces, broken off, and not faster than they are taken.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "test code")]

mod support;

use http_body_util::BodyExt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use support::frames::{Frames, HEADERS, RST_STREAM, SETTINGS};
use support::upstream::{self, each};
use support::{Runtime, Setup};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::sleep;

/// Says these bytes to each request, closes, and is not used again.
async fn saying(answer: &'static str) -> SocketAddr {
    each(Default::default(), move |mut stream, _| async move {
        let _ = stream.read(&mut [0; 4096]).await;
        let _ = stream.write_all(answer.as_bytes()).await;
        let _ = stream.shutdown().await;
    })
    .await
}

async fn before(answer: &'static str) -> Runtime {
    Setup::new().upstream(saying(answer).await).start().await
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_not_made_whole() {
    for broken in [
        "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\nxyz\r\n",
    ] {
        let runtime = before(broken).await;
        let mut raw = runtime.orders().raw().await;
        raw.send("GET /v1/a HTTP/1.1\r\nhost: a\r\n\r\n").await;
        let text = String::from_utf8(raw.rest().await.0).unwrap();
        // Either nothing of it was passed on, or less than was announced.
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_default();
        let whole = body.ends_with("0\r\n\r\n") || head.contains("content-length: 5\r");
        assert!(head.starts_with("HTTP/1.1 502") || !whole, "{text}");
        let (mut sender, _connection) = runtime.orders().hyper2().await;
        if let Ok(answer) = sender.send_request(support::client::get("/v1/a")).await {
            let status = answer.status();
            assert!(status == 502 || answer.into_body().collect().await.is_err(), "{broken}: {status}");
        }
    }
}

#[tokio::test]
async fn an_answer_with_two_meanings_is_502() {
    for answer in [
        "HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nx: a\rb: c\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n",
        "HTTP/1.1 2x0 OK\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 5, 5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked, identity\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: xchunked\r\n\r\nhello",
    ] {
        assert_eq!(before(answer).await.orders().get("/v1/a").await.status, 502, "{answer}");
    }
    let answer = "HTTP/1.1 200 OK\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
    let runtime = before(answer).await;
    let mut raw = runtime.orders().raw().await;
    raw.send("GET /v1/a HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await;
    let text = String::from_utf8(raw.rest().await.0).unwrap();
    let one = text.contains("transfer-encoding: chunked") != text.contains("content-length: 5");
    assert!(text.starts_with("HTTP/1.1 502") || one && !text.contains("content-length: 3"), "{text}");
}

#[tokio::test]
async fn answers_without_a_body_keep_what_they_say_of_it() {
    for (method, answer, status) in [
        ("HEAD", "HTTP/1.1 200 OK\r\ncontent-length: 1234\r\n\r\n", 200),
        ("GET", "HTTP/1.1 304 Not Modified\r\netag: \"a\"\r\n\r\n", 304),
        ("GET", "HTTP/1.1 204 No Content\r\n\r\n", 204),
        ("GET", "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", 200),
    ] {
        let runtime = before(answer).await;
        let mut raw = runtime.orders().raw().await;
        raw.send(format!("{method} /v1/a HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")).await;
        let text = String::from_utf8(raw.rest().await.0).unwrap();
        let last = text.rfind("HTTP/1.1 ").unwrap();
        assert!(text[last..].starts_with(&format!("HTTP/1.1 {status} ")) && text.ends_with("\r\n\r\n"), "{text}");
        assert_eq!(text.contains("content-length: 1234"), method == "HEAD", "{text}");
        assert!(!text.contains("transfer-encoding"), "{text}");
    }
}

/// Sends as fast as it may, and says how much that was.
async fn counted_flood() -> (SocketAddr, Arc<AtomicUsize>) {
    let sent = Arc::new(AtomicUsize::new(0));
    let ours = Arc::clone(&sent);
    let addr = each(Default::default(), move |mut stream, _| {
        let sent = Arc::clone(&ours);
        async move {
            let _ = stream.read(&mut [0; 4096]).await;
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000000000\r\n\r\n").await;
            while stream.write_all(&[b'x'; 65536]).await.is_ok() {
                sent.fetch_add(65536, Ordering::Relaxed);
            }
        }
    });
    (addr.await, sent)
}

/// What sockets hold on the way, both of them.
const SOCKETS: usize = 24 << 20;

#[tokio::test]
async fn an_upstream_is_read_no_faster_than_its_client_reads() {
    let (addr, sent) = counted_flood().await;
    let runtime = Setup::new().upstream(addr).start().await;
    let mut raw = runtime.orders().raw().await;
    raw.send("GET /v1/a HTTP/1.1\r\nhost: a\r\n\r\n").await;
    let (mut sender, _connection) = runtime.orders().hyper2().await;
    let answer = sender.send_request(support::client::get("/v1/a")).await.unwrap();
    sleep(Duration::from_secs(1)).await;
    let before = sent.load(Ordering::Relaxed);
    sleep(Duration::from_millis(500)).await;
    let after = sent.load(Ordering::Relaxed);
    assert!(after < 2 * SOCKETS && after - before < 1 << 20, "{before} {after}");
    // It goes on as soon as the client does.
    let mut body = answer.into_body();
    let mut read = 0;
    while read < 4 << 20 {
        read += body.frame().await.unwrap().unwrap().into_data().unwrap().len();
    }
}

#[tokio::test]
async fn a_client_is_read_no_faster_than_its_upstream_reads() {
    let addr = each(Default::default(), |stream, _| async move {
        sleep(Duration::from_secs(60)).await;
        drop(stream);
    })
    .await;
    let runtime = Setup::new().upstream(addr).top("limits: { bodyBytes: 1000000000000 }").start().await;
    let mut raw = runtime.orders().raw().await;
    raw.send("POST /v1/uploads/a HTTP/1.1\r\nhost: a\r\ncontent-length: 1000000000000\r\n\r\n").await;
    let (mut taken, piece) = (0, vec![b'x'; 65536]);
    while tokio::time::timeout(Duration::from_secs(1), raw.0.write_all(&piece)).await.is_ok() {
        taken += piece.len();
        assert!(taken < 2 * SOCKETS, "{taken} bytes were taken of what nobody reads");
    }
}

#[tokio::test]
async fn a_stream_that_its_client_does_not_read_ends() {
    let (addr, _) = counted_flood().await;
    let runtime = Setup::new().upstream(addr).top("limits: { idleTimeout: 600ms }").start().await;
    let mut frames = Frames::open(&runtime.orders()).await;
    // It may be sent nothing.
    frames.send(SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 0]).await;
    frames.ask(1, &support::frames::get("/v1/a")).await;
    assert_eq!(frames.next_of(&[HEADERS, RST_STREAM]).await.unwrap().status(), Some(200));
    let (_, after) = tokio::time::timeout(Duration::from_secs(5), frames.end()).await.expect("it stays open");
    assert!(after >= Duration::from_millis(400), "{after:?}");
    runtime.until_metric("linkward_open_connections", 0.0).await;
}

#[tokio::test]
async fn a_stream_that_its_client_reads_slowly_goes_on() {
    let endless = upstream::endless(Duration::from_millis(100)).await;
    let runtime = Setup::new().upstream(endless).top("limits: { idleTimeout: 500ms }").start().await;
    let (mut sender, _connection) = runtime.orders().hyper2().await;
    let mut body = sender.send_request(support::client::get("/v1/a")).await.unwrap().into_body();
    for _ in 0..20 {
        assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "tick");
    }
}

#[tokio::test]
async fn pipelined_requests_with_bodies_are_forwarded_and_answered_in_their_order() {
    let (addr, seen) = support::strict::strict().await;
    let runtime = Setup::new().upstream(addr).start().await;
    let mut raw = runtime.orders().raw().await;
    let post = |name, body: &str| {
        format!("POST /v1/uploads/{name} HTTP/1.1\r\nhost: a\r\ncontent-length: {}\r\n\r\n{body}", body.len())
    };
    let chunked = "PUT /v1/uploads/c HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    let denied = "POST /v2/b HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\n\r\nGET ";
    raw.send([&post("a", "first"), denied, chunked, &post("d", "last")].concat()).await;
    for expected in [200, 403, 200, 200] {
        assert_eq!(raw.answer().await.status, expected);
    }
    let (messages, problems) = seen.take();
    let came: Vec<_> = messages.iter().map(|each| (each.target.as_str(), each.body.as_slice())).collect();
    assert_eq!(problems, Vec::<String>::new());
    assert_eq!(came, [("/v1/uploads/a", &b"first"[..]), ("/v1/uploads/c", b"abc"), ("/v1/uploads/d", b"last")]);
}
