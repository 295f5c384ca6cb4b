//! HTTP/2 as a hostile client speaks it: what is malformed goes nowhere, and floods drown nobody.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "test code")]

mod support;

use std::time::{Duration, Instant};
use support::client::get as ask;
use support::frames::{
    CONTINUATION, DATA, END_HEADERS, END_STREAM, Frames, GOAWAY, HEADERS, PING, RST_STREAM, SETTINGS, WINDOW_UPDATE,
    block, frame, get,
};
use support::{Setup, strict, upstream};
use tokio::io::AsyncWriteExt;
use tokio::time::sleep;

const ENHANCE_YOUR_CALM: u32 = 11;

/// A field of the usual request replaced, or one more.
fn with<'a>(name: &'a str, value: &'a str) -> Vec<(&'a str, &'a str)> {
    let mut fields: Vec<_> = get("/v1/a").into_iter().filter(|(found, _)| *found != name).collect();
    let place = if name.starts_with(':') { 0 } else { fields.len() };
    fields.insert(place, (name, value));
    fields
}

/// Requests that no two readers would read alike, or that are none.
fn malformed() -> Vec<Vec<(&'static str, &'static str)>> {
    vec![
        with(":path", "/v1/../v1/secret/a"),
        with(":path", "/v1/%2e%2e/a"),
        with(":path", "/v1/a%2fb"),
        with(":path", "/v1//a"),
        with(":path", "/v1/a\0"),
        with(":path", "/v1/a b"),
        with(":path", "/v1/a\r\nx: y"),
        with(":path", "v1/a"),
        with(":path", "*"),
        with(":path", ""),
        with(":path", "http://b/v1/a"),
        with(":authority", ""),
        with(":authority", "a b"),
        with(":authority", "user@a"),
        with(":authority", "a,b"),
        with(":method", "get"),
        with(":method", "GE T"),
        with(":method", ""),
        with(":unknown", "x"),
        with(":status", "200"),
        with("host", "b"),
        with("connection", "close"),
        with("transfer-encoding", "chunked"),
        with("keep-alive", "5"),
        with("proxy-connection", "close"),
        with("upgrade", "h2c"),
        with("te", "gzip"),
        with("Accept", "*/*"),
        with("x y", "z"),
        with("x", "a\r\nb: c"),
        with("x", "a\nb"),
        with("x", "a\0b"),
        with("content-length", "5"),
        with("content-length", "+0"),
        [get("/v1/a"), get("/v1/b")].concat(),
        [get("/v1/a"), vec![("host", "a"), ("host", "a")]].concat(),
        [vec![("x", "y")], get("/v1/a")].concat(),
        get("/v1/a").into_iter().filter(|(name, _)| *name != ":path").collect(),
        get("/v1/a").into_iter().filter(|(name, _)| *name != ":authority").collect(),
    ]
}

#[tokio::test]
async fn what_is_malformed_never_reaches_the_upstream() {
    let (addr, seen) = strict::strict().await;
    let runtime = Setup::new().upstream(addr).start().await;
    let caller = runtime.orders();
    for fields in malformed() {
        let mut frames = Frames::open(&caller).await;
        frames.ask(1, &fields).await;
        let refused = frames.next_of(&[HEADERS, RST_STREAM, GOAWAY]).await;
        let refused = refused.is_none_or(|frame| frame.kind != HEADERS || frame.status() == Some(400));
        assert!(refused, "{fields:?}");
        assert_eq!(seen.take(), Default::default(), "{fields:?}");
    }
}

#[tokio::test]
async fn what_is_taken_leniently_is_forwarded_without_it() {
    let (addr, seen) = strict::strict().await;
    let runtime = Setup::new().upstream(addr).start().await;
    let caller = runtime.orders();
    for fields in [with("host", "a"), with(":scheme", ""), with(":scheme", "ftp")] {
        let mut frames = Frames::open(&caller).await;
        frames.ask(1, &fields).await;
        assert_eq!(frames.next_of(&[HEADERS, RST_STREAM]).await.unwrap().status(), Some(200), "{fields:?}");
        let (messages, problems) = seen.take();
        assert_eq!((messages[0].target.as_str(), messages.len(), problems), ("/v1/a", 1, Vec::new()), "{fields:?}");
    }
}

#[tokio::test]
async fn a_body_that_is_not_as_long_as_announced_is_never_complete_upstream() {
    let (addr, seen) = strict::strict().await;
    let runtime = Setup::new().upstream(addr).start().await;
    for announced in ["3", "7"] {
        let mut frames = Frames::open(&runtime.orders()).await;
        let fields = [(":method", "POST"), (":scheme", "https"), (":authority", "a"), (":path", "/v1/uploads/a")];
        frames.send(HEADERS, END_HEADERS, 1, &block(&[&fields[..], &[("content-length", announced)]].concat())).await;
        frames.send(DATA, END_STREAM, 1, b"hello").await;
        let refused = frames.next_of(&[HEADERS, RST_STREAM, GOAWAY]).await;
        assert!(refused.is_none_or(|frame| frame.kind != HEADERS || frame.status() == Some(400)), "{announced}");
    }
    assert_eq!(seen.take(), Default::default());
}

#[tokio::test]
async fn trailers_of_a_request_cannot_say_who_it_is() {
    let (addr, seen) = strict::strict().await;
    let runtime = Setup::new().upstream(addr).start().await;
    let mut frames = Frames::open(&runtime.orders()).await;
    let fields = [(":method", "POST"), (":scheme", "https"), (":authority", "a"), (":path", "/v1/uploads/a")];
    frames.send(HEADERS, END_HEADERS, 1, &block(&fields)).await;
    frames.send(DATA, 0, 1, b"hello").await;
    let trailers = block(&[("x-linkward-caller", "evil"), ("x_linkward_account", "evil"), ("host", "b")]);
    frames.send(HEADERS, END_HEADERS | END_STREAM, 1, &trailers).await;
    assert_eq!(frames.next_of(&[HEADERS]).await.unwrap().status(), Some(200));
    let (messages, problems) = seen.take();
    assert_eq!((messages[0].body.as_slice(), problems), (&b"hello"[..], Vec::new()));
}

/// CVE-2023-44487: the requests are cancelled as fast as they are made, and each costs the server more than the client.
#[tokio::test]
async fn requests_cancelled_at_once_end_the_connection_and_nobody_else_notices() {
    let (addr, seen) = upstream::canned(upstream::OK).await;
    let runtime = Setup::new().upstream(addr).start().await;
    let mut bystander = runtime.orders().raw().await;
    let mut frames = Frames::open(&runtime.orders()).await;
    let request = block(&get("/v1/a"));
    let cancelled = |stream| {
        let ask = frame(HEADERS, END_HEADERS | END_STREAM, stream, &request);
        [ask, frame(RST_STREAM, 0, stream, &8_u32.to_be_bytes())].concat()
    };
    let flood: Vec<u8> = (0..20_000).flat_map(|number| cancelled(number * 2 + 1)).collect();
    let sent = frames.0.write_all(&flood);
    let _ = tokio::time::timeout(Duration::from_secs(5), sent).await.expect("it is read no further and stays open");
    assert_eq!(frames.end().await.0.unwrap_or(ENHANCE_YOUR_CALM), ENHANCE_YOUR_CALM);
    let started = Instant::now();
    assert_eq!(bystander.get("/v1/b").await.status, 200);
    assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
    let asked = seen.text().matches("GET /v1/a ").count();
    assert!(asked < 2_000, "{asked} of the cancelled requests reached the upstream");
}

#[tokio::test]
async fn a_head_without_end_is_refused_before_it_fills_the_memory() {
    let runtime = Setup::new().start().await;
    let mut frames = Frames::open(&runtime.orders()).await;
    frames.send(HEADERS, END_STREAM, 1, &block(&get("/v1/a"))).await;
    let more = block(&[("x-filler", &"x".repeat(120))]).repeat(100);
    let mut sent = 0;
    while frames.send(CONTINUATION, 0, 1, &more).await {
        sent += more.len();
        assert!(sent < 16 << 20, "it takes {sent} bytes of one head");
    }
    // Nor are small pieces taken without end.
    let mut frames = Frames::open(&runtime.orders()).await;
    frames.send(HEADERS, END_STREAM, 1, &block(&get("/v1/a"))).await;
    let empty = frame(CONTINUATION, 0, 1, &[]).repeat(1_000);
    let mut pieces = 0;
    while frames.0.write_all(&empty).await.is_ok() && frames.0.flush().await.is_ok() {
        pieces += 1_000;
        assert!(pieces < 1_000_000, "it takes {pieces} pieces of one head");
    }
    assert_eq!(runtime.orders().get("/v1/a").await.status, 200);
}

#[tokio::test]
async fn a_head_that_is_too_long_is_431() {
    let runtime = Setup::new().top("limits: { headerBytes: 8192 }").start().await;
    let mut frames = Frames::open(&runtime.orders()).await;
    let long = [block(&get("/v1/a")), block(&[("x-filler", &"x".repeat(120))]).repeat(100)].concat();
    frames.send(HEADERS, END_STREAM | END_HEADERS, 1, &long).await;
    assert_eq!(frames.next_of(&[HEADERS, RST_STREAM, GOAWAY]).await.unwrap().status(), Some(431));
    frames.ask(3, &get("/v1/a")).await;
    assert_eq!(frames.next_of(&[HEADERS]).await.unwrap().status(), Some(200), "the others go on");
}

#[tokio::test]
async fn more_streams_than_agreed_are_refused_one_by_one() {
    let (addr, _) = upstream::silent().await;
    let runtime = Setup::new().upstream(addr).start().await;
    let mut frames = Frames::open(&runtime.orders()).await;
    // It was told how many.
    let settings = frames.next_of(&[SETTINGS]).await.unwrap().payload;
    let streams =
        settings.chunks(6).find(|each| each[..2] == [0, 3]).map(|each| each[5] as u32 + ((each[4] as u32) << 8));
    assert_eq!(streams, Some(256));
    for number in 0..300 {
        frames.ask(number * 2 + 1, &get("/v1/a")).await;
    }
    for _ in 0..44 {
        let refused = frames.next_of(&[RST_STREAM, HEADERS, GOAWAY]).await.unwrap();
        assert_eq!((refused.kind, refused.stream > 512), (RST_STREAM, true), "{refused:?}");
    }
}

#[tokio::test]
async fn floods_of_settings_and_pings_cost_the_runtime_no_memory_and_nobody_time() {
    let runtime = Setup::new().top("limits: { idleTimeout: 2s }").start().await;
    for frame in [frame(PING, 0, 0, &[7; 8]), frame(SETTINGS, 0, 0, &[0, 4, 0, 1, 0, 0])] {
        let mut frames = Frames::open(&runtime.orders()).await;
        // The answers are never read: once they fill the socket, nothing more is taken.
        let flood = frame.repeat(10_000);
        let sent = async { while frames.0.write_all(&flood).await.is_ok() {} };
        let _ = tokio::time::timeout(Duration::from_secs(1), sent).await;
        let started = Instant::now();
        assert_eq!(runtime.orders().get("/v1/a").await.status, 200);
        assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
    }
}

/// They carry next to nothing, and each takes room until somebody reads it.
#[tokio::test]
async fn crumbs_that_nobody_reads_end_the_connection() {
    let (addr, _) = upstream::silent().await;
    let runtime = Setup::new().upstream(addr).start().await;
    let fields = [(":method", "POST"), (":scheme", "https"), (":authority", "a"), (":path", "/v1/uploads/a")];
    for crumb in [frame(DATA, 0, 1, &[]), frame(DATA, 8, 1, &[3, 0, 0, 0])] {
        let mut frames = Frames::open(&runtime.orders()).await;
        frames.send(HEADERS, END_HEADERS, 1, &block(&fields)).await;
        let (crumbs, started) = (crumb.repeat(1_000), Instant::now());
        while frames.0.write_all(&crumbs).await.is_ok() {
            assert!(started.elapsed() < Duration::from_secs(5), "it takes them without end");
        }
    }
    assert_eq!(runtime.orders().get("/v2/a").await.status, 403);
}

/// CVE-2025-8671: the server is brought to cancel the requests itself.
#[tokio::test]
async fn requests_made_to_be_cancelled_end_the_connection() {
    let (addr, seen) = upstream::canned(upstream::OK).await;
    let runtime = Setup::new().upstream(addr).start().await;
    let mut frames = Frames::open(&runtime.orders()).await;
    let request = block(&get("/v1/a"));
    let cancelled = |stream| {
        let ask = frame(HEADERS, END_HEADERS | END_STREAM, stream, &request);
        [ask, frame(WINDOW_UPDATE, 0, stream, &[0; 4])].concat()
    };
    let flood: Vec<u8> = (0..20_000).flat_map(|number| cancelled(number * 2 + 1)).collect();
    assert!(frames.0.write_all(&flood).await.is_err() || frames.end().await.0.is_some());
    let asked = seen.text().matches("GET /v1/a ").count();
    assert!(asked < 2_000, "{asked} of the cancelled requests reached the upstream");
}

#[tokio::test]
async fn a_head_that_comes_slowly_is_cut_though_the_connection_may_idle() {
    let runtime = Setup::new().top("limits: { headerTimeout: 400ms, idleTimeout: 6s }").start().await;
    let (mut idle, _open) = runtime.orders().hyper2().await;
    assert_eq!(idle.send_request(ask("/v1/a")).await.unwrap().status(), 200);
    let request = block(&get("/v1/a"));
    let whole = frame(HEADERS, END_STREAM | END_HEADERS, 1, &request);
    let unfinished = frame(HEADERS, END_STREAM, 1, &request);
    for part in [&whole[..whole.len() - 1], &whole[..5], &unfinished] {
        let mut frames = Frames::open(&runtime.orders()).await;
        frames.0.write_all(part).await.unwrap();
        let (_, after) = frames.end().await;
        assert!((200..3_000).contains(&after.as_millis()), "{after:?} after {} bytes", part.len());
    }
    // Each byte in time does not help.
    let mut frames = Frames::open(&runtime.orders()).await;
    let started = Instant::now();
    for byte in &unfinished {
        if frames.0.write_all(&[*byte]).await.is_err() || frames.0.flush().await.is_err() {
            break;
        }
        sleep(Duration::from_millis(50)).await;
    }
    frames.end().await;
    assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
    assert_eq!(idle.send_request(ask("/v1/a")).await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_client_that_never_speaks_http_2_after_all_is_cut() {
    let runtime = Setup::new().top("limits: { headerTimeout: 300ms, idleTimeout: 6s }").start().await;
    let mut stream = runtime.orders().http2().connect().await.unwrap();
    stream.write_all(b"PRI * HT").await.unwrap();
    let (_, after) = Frames(stream).end().await;
    assert!(after < Duration::from_secs(3), "{after:?}");
}
