//! Bodies on their way to the upstream: streamed, limited, and not waited for without end.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "test code")]

mod support;

use bytes::Bytes;
use http::{HeaderMap, Request};
use http_body::Frame;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use support::frames::{DATA, END_HEADERS, Frames, HEADERS, block};
use support::upstream::Recorded;
use support::{Runtime, SOON, Setup, upstream};
use tokio::io::AsyncWriteExt;
use tokio::sync::mpsc;

async fn runtime(limits: &str) -> (Runtime, Recorded) {
    let (addr, recorded) = upstream::canned(upstream::OK).await;
    (Setup::new().upstream(addr).top(&format!("limits: {{ {limits} }}")).start().await, recorded)
}

fn post(framing: &str) -> String {
    format!("POST /v1/uploads/a HTTP/1.1\r\nhost: a\r\n{framing}\r\n\r\n")
}

#[tokio::test]
async fn a_body_within_the_limit_passes_and_one_beyond_is_413() {
    let (runtime, seen) = runtime("bodyBytes: 10").await;
    let mut raw = runtime.orders().raw().await;
    raw.send(post("content-length: 10") + "0123456789").await;
    assert_eq!(raw.answer().await.status, 200);
    assert!(seen.text().ends_with("content-length: 10\r\n\r\n0123456789"), "{}", seen.text());
    raw.send(post("content-length: 11") + "0123456789a").await;
    let answer = raw.answer().await;
    assert_eq!((answer.status, &answer.json()["error"]), (413, &"bodyTooLong".into()));
    raw.rest().await;
    assert_eq!(runtime.log_line(|line| line["status"] == 413).await["reason"], "permitted");
}

#[tokio::test]
async fn a_chunked_body_that_grows_beyond_the_limit_is_413_and_never_complete_upstream() {
    let (silent, seen) = upstream::silent().await;
    let runtime = Setup::new().upstream(silent).top("limits: { bodyBytes: 10 }").start().await;
    let mut raw = runtime.orders().raw().await;
    raw.send(post("transfer-encoding: chunked") + "8\r\n01234567\r\n8\r\n01234567\r\n0\r\n\r\n").await;
    assert_eq!(raw.answer().await.status, 413);
    assert!(!seen.text().ends_with("0\r\n\r\n"), "{}", seen.text());
}

#[tokio::test]
async fn a_body_that_does_not_come_is_408() {
    let (silent, _) = upstream::silent().await;
    let runtime = Setup::new().upstream(silent).top("limits: { requestTimeout: 200ms }").start().await;
    let mut raw = runtime.orders().raw().await;
    raw.send(post("content-length: 10") + "01234").await;
    let answer = raw.answer().await;
    assert_eq!((answer.status, answer.header("connection")), (408, Some("close")));
    raw.rest().await;
}

#[tokio::test]
async fn a_body_that_came_whole_is_not_to_blame_though_its_stream_ends_later() {
    let (silent, _) = upstream::silent().await;
    let runtime = Setup::new().upstream(silent).top("limits: { requestTimeout: 600ms }").start().await;
    for (length, expected) in [("5", 504), ("6", 408)] {
        let mut frames = Frames::open(&runtime.orders()).await;
        let fields = [(":method", "POST"), (":scheme", "https"), (":authority", "a"), (":path", "/v1/uploads/a")];
        let fields = [&fields[..], &[("content-length", length)]].concat();
        frames.send(HEADERS, END_HEADERS, 1, &block(&fields)).await;
        frames.send(DATA, 0, 1, b"hello").await;
        assert_eq!(frames.next_of(&[HEADERS]).await.unwrap().status(), Some(expected), "{length}");
    }
}

#[tokio::test]
async fn a_body_that_the_upstream_does_not_read_is_504() {
    let addr = upstream::each(Recorded::default(), |stream, _| async move {
        tokio::time::sleep(Duration::from_secs(60)).await;
        drop(stream);
    });
    let limits = "limits: { requestTimeout: 1s, bodyBytes: 1000000000 }";
    let runtime = Setup::new().upstream(addr.await).top(limits).start().await;
    let mut raw = runtime.orders().raw().await;
    raw.send(post("content-length: 1000000000")).await;
    let sent = async { while raw.0.write_all(&[b'x'; 65536]).await.is_ok() {} };
    let _ = tokio::time::timeout(Duration::from_millis(500), sent).await.expect_err("all of it was read");
    assert_eq!(raw.answer().await.status, 504);
}

#[tokio::test]
async fn a_head_that_the_upstream_does_not_read_is_504() {
    let addr = upstream::each(Recorded::default(), |stream, _| async move {
        tokio::time::sleep(Duration::from_secs(60)).await;
        drop(stream);
    });
    let limits = "limits: { requestTimeout: 1s, headerBytes: 1048576 }";
    let runtime = Setup::new().upstream(addr.await).top(limits).start().await;
    let mut raw = runtime.orders().raw().await;
    raw.send(format!("GET /v1/a HTTP/1.1\r\nhost: a\r\nx: {}\r\n\r\n", "y".repeat(1_000_000))).await;
    assert_eq!(raw.answer().await.status, 504);
}

#[tokio::test]
async fn a_caller_that_is_answered_while_it_sends_can_send_on_and_read_it() {
    let runtime = runtime("bodyBytes: 1000").await.0;
    let (all, piece) = (8 << 20, vec![b'x'; 1 << 16]);
    for (head, expected) in [
        (format!("POST /v2/denied HTTP/1.1\r\nhost: a\r\ncontent-length: {all}\r\n\r\n"), 403),
        (format!("POST /v1/../a HTTP/1.1\r\nhost: a\r\ncontent-length: {all}\r\n\r\n"), 400),
        (post(&format!("content-length: {all}")), 413),
        (format!("GET /v1/a HTTP/1.1\r\nhost: a\r\nx : y\r\ncontent-length: {all}\r\n\r\n"), 400),
    ] {
        let mut raw = runtime.orders().raw().await;
        raw.send(&head).await;
        for _ in 0..all / piece.len() {
            raw.0.write_all(&piece).await.unwrap_or_else(|error| panic!("{error} before all was sent of {head}"));
        }
        assert_eq!(raw.answer().await.status, expected, "{head}");
    }
}

#[tokio::test]
async fn a_caller_that_sends_without_end_is_cut_though_it_was_answered() {
    let runtime = runtime("bodyBytes: 1000").await.0;
    let mut raw = runtime.orders().raw().await;
    raw.send("POST /v2/denied HTTP/1.1\r\nhost: a\r\ncontent-length: 1000000000000\r\n\r\n").await;
    let sent = async { while raw.0.write_all(&[b'x'; 65536]).await.is_ok() {} };
    tokio::time::timeout(SOON, sent).await.expect("it is listened to for ever");
    runtime.until_metric("linkward_open_connections", 0.0).await;
}

#[tokio::test]
async fn a_body_with_broken_chunks_is_400_and_never_complete_upstream() {
    let (silent, seen) = upstream::silent().await;
    let runtime = Setup::new().upstream(silent).start().await;
    let mut raw = runtime.orders().raw().await;
    raw.send(post("transfer-encoding: chunked") + "5\r\nhello\r\nxyz\r\n").await;
    assert_eq!(raw.answer().await.status, 400);
    assert!(!seen.text().ends_with("0\r\n\r\n"), "{}", seen.text());
}

#[tokio::test]
async fn a_client_that_waits_to_be_told_to_continue_is_told() {
    let (runtime, seen) = runtime("bodyBytes: 100").await;
    let mut raw = runtime.orders().raw().await;
    raw.send(post("expect: 100-continue\r\ncontent-length: 5")).await;
    assert_eq!(raw.answer().await.status, 100);
    raw.send("hello").await;
    assert_eq!(raw.answer().await.status, 200);
    assert!(!seen.text().contains("expect"), "{}", seen.text());
}

#[tokio::test]
async fn a_client_that_waits_and_is_denied_is_told_that_and_not_to_continue() {
    let (runtime, seen) = runtime("bodyBytes: 100").await;
    for (path, length, expected) in [("/v2/denied", 5, 403), ("/v1/uploads/a", 101, 413), ("/v1/../a", 5, 400)] {
        let mut raw = runtime.orders().raw().await;
        let head =
            format!("POST {path} HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: {length}\r\n\r\n");
        raw.send(head).await;
        assert_eq!(raw.answer().await.status, expected, "{path}");
        raw.rest().await;
    }
    assert_eq!(seen.all().len(), 0);
}

/// Once the answer has begun, `requestTimeout` is over and each direction has `idleTimeout`.
#[tokio::test]
async fn a_body_that_stops_coming_ends_an_answer_that_has_begun() {
    let endless = upstream::endless(Duration::from_millis(50)).await;
    let runtime = Setup::new().upstream(endless).top("limits: { idleTimeout: 500ms }").start().await;
    let mut raw = runtime.orders().raw().await;
    raw.send(post("content-length: 10") + "01234").await;
    assert_eq!(raw.answer().await.status, 200);
    let (rest, after) = raw.rest().await;
    assert!(!rest.ends_with(b"0\r\n\r\n") && after < Duration::from_secs(4), "{after:?}");
}

#[tokio::test]
async fn trailers_reach_the_upstream_without_anything_reserved() {
    let (addr, seen) = echo().await;
    let runtime = Setup::new().top(&format!("upstream: http2://{addr}")).start().await;
    let mut trailers = HeaderMap::new();
    for (name, value) in [("x-checksum", "abc"), ("x-linkward-caller", "evil"), ("x_linkward_caller", "evil")] {
        trailers.insert(name, value.parse().unwrap());
    }
    let (send, receive) = mpsc::channel(2);
    send.send(Ok(Frame::data(Bytes::from_static(b"hello")))).await.unwrap();
    send.send(Ok(Frame::trailers(trailers))).await.unwrap();
    drop(send);
    let (mut sender, _connection) = runtime.orders().hyper2_with().await;
    let answer = sender.send_request(grpc(Channel(receive))).await.unwrap();
    let answer = answer.into_body().collect().await.unwrap();
    let trailers = answer.trailers().unwrap();
    assert_eq!((trailers["x-checksum"].to_str().unwrap(), trailers.len()), ("abc", 1));
    assert_eq!(answer.to_bytes(), "hello");
    assert_eq!(seen.text(), "POST http://api.internal/grpc.Service/Method te=trailers");
}

#[tokio::test]
async fn both_directions_of_a_grpc_stream_move_at_once_and_without_limit() {
    let (addr, _) = echo().await;
    let setup = Setup::new().top(&format!("upstream: http2://{addr}"));
    let runtime = setup.top("limits: { bodyBytes: 10, idleTimeout: 300ms }").start().await;
    let (send, receive) = mpsc::channel(1);
    let (mut sender, _connection) = runtime.orders().hyper2_with().await;
    send.send(Ok::<_, Infallible>(Frame::data(Bytes::from_static(b"first")))).await.unwrap();
    let mut answer = sender.send_request(grpc(Channel(receive))).await.unwrap().into_body();
    assert_eq!(answer.frame().await.unwrap().unwrap().into_data().unwrap(), "first");
    for _ in 0..6 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        send.send(Ok(Frame::data(Bytes::from_static(b"and more")))).await.unwrap();
        assert_eq!(answer.frame().await.unwrap().unwrap().into_data().unwrap(), "and more");
    }
    drop(send);
    assert!(answer.collect().await.unwrap().to_bytes().is_empty());
}

fn grpc<B>(body: B) -> Request<B> {
    let request = Request::post("https://api.internal/grpc.Service/Method").header("te", "trailers");
    request.header("content-type", "application/grpc").body(body).unwrap()
}

/// An upstream in HTTP/2 that sends back what it is sent, trailers too.
async fn echo() -> (SocketAddr, Recorded) {
    let recorded = Recorded::default();
    let seen = recorded.clone();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let seen = seen.clone();
            let service = hyper::service::service_fn(move |request: Request<Incoming>| {
                let te = request.headers().get("te").map_or("", |te| te.to_str().unwrap());
                seen.add(format!("{} {} te={te}", request.method(), request.uri()).as_bytes());
                std::future::ready(Ok::<_, Infallible>(http::Response::new(request.into_body())))
            });
            let http = hyper::server::conn::http2::Builder::new(hyper_util::rt::TokioExecutor::new());
            tokio::spawn(http.serve_connection(hyper_util::rt::TokioIo::new(stream), service));
        }
    });
    (addr, recorded)
}

/// A body that comes through a channel.
struct Channel(mpsc::Receiver<Result<Frame<Bytes>, Infallible>>);

impl http_body::Body for Channel {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(context)
    }
}

#[tokio::test]
async fn a_large_upload_passes_through_little_memory_and_counts() {
    let (addr, _) = echo().await;
    let runtime = Setup::new().top(&format!("upstream: http2://{addr}")).start().await;
    let (mut sender, _connection) = runtime.orders().hyper2_with().await;
    let large = Bytes::from(vec![7; 5 << 20]);
    let request = Request::post("https://api.internal/v1/uploads/a").body(Full::new(large.clone())).unwrap();
    let answer = sender.send_request(request).await.unwrap().into_body().collect().await.unwrap().to_bytes();
    assert_eq!(answer, large);
    let line = runtime.access_line().await;
    assert_eq!((&line["bytesIn"], &line["bytesOut"]), (&(5 << 20).into(), &(5 << 20).into()));
}
