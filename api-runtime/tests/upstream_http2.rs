//! An upstream in HTTP/2 whose connections come and go.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "test code")]

mod support;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use support::Setup;
use support::client::get;
use support::frames::{DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, RST_STREAM, SETTINGS, frame};
use support::upstream::{Recorded, each};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

/// So many requests, and a connection is asked to go.
const AGE: usize = 7;

/// Counts the connections.
async fn ageing() -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (addr, connections) = (listener.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
    let counted = Arc::clone(&connections);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::Relaxed);
            tokio::spawn(async move {
                let (served, old) = (AtomicUsize::new(0), Notify::new());
                let answer = service_fn(|_: Request<Incoming>| {
                    if served.fetch_add(1, Ordering::Relaxed) + 1 == AGE {
                        old.notify_one();
                    }
                    async { Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(b"hello")))) }
                });
                let http = http2::Builder::new(TokioExecutor::new());
                let mut connection = pin!(http.serve_connection(TokioIo::new(stream), answer));
                tokio::select! {
                    _ = &mut connection => return,
                    () = old.notified() => connection.as_mut().graceful_shutdown(),
                }
                let _ = connection.await;
            });
        }
    });
    (addr, connections)
}

#[tokio::test]
async fn an_upstream_that_says_goodbye_costs_no_request() {
    let (addr, connections) = ageing().await;
    let runtime = Setup::new().top(&format!("upstream: http2://{addr}")).start().await;
    let callers = (0..4).map(|_| {
        let caller = runtime.orders();
        tokio::spawn(async move {
            let (mut sender, _connection) = caller.hyper2().await;
            for _ in 0..60 {
                assert_eq!(sender.send_request(get("/v1/a")).await.unwrap().status(), 200);
            }
        })
    });
    for caller in callers.collect::<Vec<_>>() {
        caller.await.unwrap();
    }
    let connections = connections.load(Ordering::Relaxed);
    assert!((10..200).contains(&connections), "{connections}");
}

/// How an upstream treats a request.
#[derive(Clone, Copy, Debug)]
enum Refusal {
    /// GOAWAY with this code; the last stream it speaks of is the one before.
    Goodbye(u8),
    /// RST_STREAM with this code.
    Reset(u8),
    /// GOAWAY that speaks of the stream, too, and the end.
    Close,
}

const NO_ERROR: u8 = 0;
const INTERNAL_ERROR: u8 = 2;
const REFUSED_STREAM: u8 = 7;
const ENHANCE_YOUR_CALM: u8 = 11;

/// Refuses the second stream of so many connections, and answers all others. What is recorded is the number of each
/// stream whose head came, and its body.
async fn refusing(refusal: Refusal, connections: usize) -> (SocketAddr, Recorded) {
    let (recorded, seen) = (Recorded::default(), Arc::new(AtomicUsize::new(0)));
    let addr = each(recorded.clone(), move |stream, record| {
        let refusal = (seen.fetch_add(1, Ordering::Relaxed) < connections).then_some(refusal);
        async move { speak(stream, |bytes| record(bytes), refusal).await.unwrap_or_default() }
    });
    (addr.await, recorded)
}

async fn speak(mut stream: TcpStream, record: impl Fn(&[u8]), refusal: Option<Refusal>) -> Option<()> {
    stream.read_exact(&mut [0; 24]).await.ok()?;
    stream.write_all(&frame(SETTINGS, 0, 0, &[])).await.ok()?;
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head).await.ok()?;
        let [_, b, c, kind, flags, .., id] = head;
        let mut payload = vec![0; usize::from(b) << 8 | usize::from(c)];
        stream.read_exact(&mut payload).await.ok()?;
        match kind {
            HEADERS => record(format!("<{id}>").as_bytes()),
            DATA => record(&payload),
            _ => continue,
        }
        let is_refused = id == 3 && refusal.is_some();
        if is_refused && kind == HEADERS {
            stream.write_all(&refusal?.frames()).await.ok()?;
        }
        if is_refused && matches!(refusal?, Refusal::Close) {
            return None;
        }
        if !is_refused && flags & END_STREAM != 0 {
            stream.write_all(&frame(HEADERS, END_STREAM | END_HEADERS, u32::from(id), &[0x88])).await.ok()?;
        }
    }
}

impl Refusal {
    fn frames(self) -> Vec<u8> {
        match self {
            Self::Goodbye(code) => frame(GOAWAY, 0, 0, &[0, 0, 0, 1, 0, 0, 0, code]),
            Self::Reset(code) => frame(RST_STREAM, 0, 3, &[0, 0, 0, code]),
            Self::Close => frame(GOAWAY, 0, 0, &[0, 0, 0, 3, 0, 0, 0, NO_ERROR]),
        }
    }
}

const GET: &str = "GET /v1/a HTTP/1.1\r\nhost: a\r\n\r\n";
const EMPTY_POST: &str = "POST /v1/uploads/a HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n";
const POST: &str = "POST /v1/uploads/a HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\n\r\nbody";

/// A first request that is answered, then this one: its status, and what the upstream saw on each connection.
async fn second(refusal: Refusal, connections: usize, request: &str) -> (u16, Vec<String>) {
    let (addr, seen) = refusing(refusal, connections).await;
    let runtime = Setup::new().top(&format!("upstream: http2://{addr}")).start().await;
    let mut raw = runtime.orders().raw().await;
    raw.send(GET).await;
    assert_eq!(raw.answer().await.status, 200);
    raw.send(request).await;
    (raw.answer().await.status, seen.all())
}

#[tokio::test(flavor = "current_thread")]
async fn what_the_upstream_did_not_process_is_sent_again() {
    use Refusal::{Goodbye, Reset};
    for refusal in [Goodbye(NO_ERROR), Goodbye(ENHANCE_YOUR_CALM), Reset(REFUSED_STREAM)] {
        let (status, seen) = second(refusal, 1, GET).await;
        assert_eq!((status, &*seen.concat()), (200, "<1><3><1>"), "{refusal:?}");
        let (status, seen) = second(refusal, 1, POST).await;
        assert_eq!((status, &*seen[1]), (200, "<1>body"), "{refusal:?}");
    }
}

#[tokio::test(flavor = "current_thread")]
async fn what_the_upstream_may_have_processed_is_not_sent_again() {
    for refusal in [Refusal::Reset(INTERNAL_ERROR), Refusal::Close] {
        let (status, seen) = second(refusal, 1, POST).await;
        assert_eq!((status, seen.len()), (502, 1), "{refusal:?}");
    }
    let (status, seen) = second(Refusal::Reset(INTERNAL_ERROR), 1, GET).await;
    assert_eq!((status, seen.len()), (502, 1));
    let (status, seen) = second(Refusal::Goodbye(NO_ERROR), 1, EMPTY_POST).await;
    assert_eq!((status, seen.len()), (502, 1), "it may have been on its way, and whole");
    let (status, seen) = second(Refusal::Reset(REFUSED_STREAM), 1, EMPTY_POST).await;
    assert_eq!((status, &*seen.concat()), (200, "<1><3><1>"));
    let (status, seen) = second(Refusal::Close, 1, GET).await;
    assert_eq!((status, seen.len()), (200, 2), "twice changes nothing");
}

/// Takes so many requests, then says that it did nothing with any of them.
async fn turn_away(mut stream: TcpStream, requests: usize) -> Option<()> {
    stream.read_exact(&mut [0; 24]).await.ok()?;
    stream.write_all(&frame(SETTINGS, 0, 0, &[])).await.ok()?;
    let mut taken = 0;
    while taken < requests {
        let mut head = [0; 9];
        stream.read_exact(&mut head).await.ok()?;
        let [_, b, c, kind, ..] = head;
        stream.read_exact(&mut vec![0; usize::from(b) << 8 | usize::from(c)]).await.ok()?;
        taken += usize::from(kind == HEADERS);
    }
    stream.write_all(&frame(GOAWAY, 0, 0, &[0; 8])).await.ok()?;
    stream.read_to_end(&mut Vec::new()).await.ok().map(drop)
}

#[tokio::test(flavor = "current_thread")]
async fn those_who_were_refused_together_share_one_new_connection() {
    let (recorded, seen) = (Recorded::default(), Arc::new(AtomicUsize::new(0)));
    let connections = Arc::clone(&seen);
    let addr = each(recorded.clone(), move |stream, record| {
        let is_first = connections.fetch_add(1, Ordering::Relaxed) == 0;
        async move {
            let spoken = if is_first { turn_away(stream, 8).await } else { speak(stream, |b| record(b), None).await };
            spoken.unwrap_or_default()
        }
    });
    let runtime = Setup::new().top(&format!("upstream: http2://{}", addr.await)).start().await;
    let mut callers = Vec::new();
    for _ in 0..8 {
        let mut raw = runtime.orders().raw().await;
        raw.send(GET).await;
        callers.push(raw);
    }
    for mut raw in callers {
        assert_eq!(raw.answer().await.status, 200);
    }
    assert_eq!(seen.load(Ordering::Relaxed), 2);
}
