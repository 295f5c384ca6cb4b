//! How connections to the upstream are used again, whatever comes back on them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "test code")]

mod support;

use http_body_util::BodyExt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use support::Setup;
use support::client::get1;
use support::upstream::{self, Recorded, each};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const PLAIN: &[&str] = &["HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nplain"];
const CHUNKED: &[&str] = &["HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n7\r\nchunked\r\n0\r\n\r\n"];
const PIECES: &[&str] = &["HTTP/1.1 200 OK\r\ncontent-le", "ngth: 6\r\n\r\npie", "ces"];
const CONTINUED: &[&str] =
    &["HTTP/1.1 103 Early Hints\r\nlink: a\r\n\r\n", "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nlate"];
const NOTHING: &[&str] = &["HTTP/1.1 204 No Content\r\n\r\n"];
const OTHER_WORDS: &[&str] = &["HTTP/1.1 200 Fine\r\ncontent-length: 4\r\n\r\nfine"];

/// Answers request after request with these, each in its pieces.
async fn answering(answers: &'static [&'static [&'static str]]) -> (SocketAddr, Recorded) {
    let recorded = Recorded::default();
    let addr = each(recorded.clone(), move |mut stream, record| async move {
        let mut buffer = vec![0; 65536];
        for answer in answers.iter().cycle() {
            let Ok(count @ 1..) = stream.read(&mut buffer).await else { return };
            record(&buffer[..count]);
            for piece in *answer {
                stream.write_all(piece.as_bytes()).await.unwrap();
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    });
    (addr.await, recorded)
}

#[tokio::test]
async fn answers_of_every_kind_follow_each_other_on_one_connection() {
    let (addr, seen) =
        answering(&[PLAIN, CHUNKED, PLAIN, PIECES, CONTINUED, PLAIN, NOTHING, OTHER_WORDS, CHUNKED, CHUNKED]).await;
    let runtime = Setup::new().upstream(addr).start().await;
    let mut sender = runtime.orders().hyper1().await;
    for _ in 0..2 {
        for expected in ["plain", "chunked", "plain", "pieces", "late", "plain", "", "fine", "chunked", "chunked"] {
            let answer = sender.send_request(get1("/v1/a")).await.unwrap();
            assert_eq!(answer.status().as_u16(), if expected.is_empty() { 204 } else { 200 });
            assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), expected);
        }
    }
    assert_eq!((seen.all().len(), seen.text().matches("GET /v1/a ").count()), (1, 20));
}

#[tokio::test]
async fn requests_with_and_without_a_body_share_a_connection() {
    let (addr, seen) = answering(&[PLAIN]).await;
    let runtime = Setup::new().upstream(addr).start().await;
    let mut raw = runtime.orders().raw().await;
    for request in [
        "GET /v1/a HTTP/1.1\r\nhost: a\r\n\r\n",
        "POST /v1/uploads/a HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\nabc",
        "GET /v1/a HTTP/1.1\r\nhost: a\r\n\r\n",
        "GET /v1/a HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\ndef",
        "POST /v1/uploads/a HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n",
    ] {
        raw.send(request).await;
        let answer = raw.answer().await;
        assert_eq!((answer.status, &*answer.body), (200, &b"plain"[..]), "{request}");
    }
    assert_eq!(seen.all().len(), 1);
    let text = seen.text();
    assert!(text.contains("abc") && text.contains("def") && text.matches("content-length: 3").count() == 2, "{text}");
}

#[tokio::test]
async fn what_comes_behind_an_answer_is_nobodys_answer() {
    for behind in [
        "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nplainHTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nforged",
        "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nplainX",
    ] {
        let (addr, seen) = upstream::canned(behind).await;
        let runtime = Setup::new().upstream(addr).start().await;
        let mut raw = runtime.orders().raw().await;
        for _ in 0..3 {
            let answer = raw.get("/v1/a").await;
            assert_eq!((answer.status, &*answer.body), (200, &b"plain"[..]));
        }
        assert_eq!(seen.all().len(), 3, "a connection that says too much is not used again");
    }
}

#[tokio::test]
async fn what_comes_while_nobody_asks_is_nobodys_answer() {
    let late: &[&str] =
        &["HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nplain", "HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nforged"];
    let (addr, seen) = answering(Box::leak(Box::new([late]))).await;
    let runtime = Setup::new().upstream(addr).start().await;
    let mut raw = runtime.orders().raw().await;
    for _ in 0..2 {
        let answer = raw.get("/v1/a").await;
        assert_eq!((answer.status, &*answer.body), (200, &b"plain"[..]));
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert_eq!(seen.all().len(), 2);
}

#[tokio::test]
async fn a_connection_that_was_closed_meanwhile_costs_no_request() {
    let recorded = Recorded::default();
    let addr = each(recorded.clone(), |mut stream, record| async move {
        let mut buffer = vec![0; 65536];
        let count = stream.read(&mut buffer).await.unwrap();
        record(&buffer[..count]);
        stream.write_all(upstream::OK.as_bytes()).await.unwrap();
    })
    .await;
    let runtime = Setup::new().upstream(addr).start().await;
    let mut raw = runtime.orders().raw().await;
    for _ in 0..3 {
        assert_eq!(raw.get("/v1/a").await.status, 200);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(recorded.all().len(), 3);
}

/// Answers each request with these bytes, cut in two at another place each time.
async fn cut(answer: &'static str) -> (SocketAddr, Recorded) {
    let (recorded, places) = (Recorded::default(), Arc::new(AtomicUsize::new(1)));
    let addr = each(recorded.clone(), move |mut stream, record| {
        let places = Arc::clone(&places);
        async move {
            stream.set_nodelay(true).unwrap();
            let mut buffer = vec![0; 65536];
            while let Ok(count @ 1..) = stream.read(&mut buffer).await {
                record(&buffer[..count]);
                let (first, rest) = answer.split_at(places.fetch_add(1, Ordering::Relaxed));
                stream.write_all(first.as_bytes()).await.unwrap();
                tokio::time::sleep(Duration::from_millis(4)).await;
                stream.write_all(rest.as_bytes()).await.unwrap();
                if answer.contains("connection: close") {
                    return;
                }
            }
        }
    });
    (addr.await, recorded)
}

#[tokio::test]
async fn an_answer_may_come_cut_in_two_anywhere() {
    for (answer, body, keeps) in [
        ("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nplain", "plain", true),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nchu\r\n4\r\nnked\r\n0\r\n\r\n", "chunked", true),
        ("HTTP/1.1 103 Early Hints\r\nlink: a\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nlate", "late", true),
        ("HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 3\r\n\r\nold", "old", true),
        ("HTTP/1.1 204 No Content\r\n\r\n", "", true),
        ("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 3\r\n\r\nend", "end", false),
        ("HTTP/1.0 200 OK\r\nx: connection: close\r\n\r\nto the end", "to the end", false),
    ] {
        let (addr, seen) = cut(answer).await;
        let runtime = Setup::new().upstream(addr).start().await;
        let mut sender = runtime.orders().hyper1().await;
        for place in 1..answer.len() {
            let response = sender.send_request(get1("/v1/a")).await.unwrap();
            assert!(response.status().is_success(), "{answer} cut at {place}: {response:?}");
            let came = response.into_body().collect().await.unwrap().to_bytes();
            assert_eq!(came, body, "{answer} cut at {place}");
        }
        let (asked, connections) = (answer.len() - 1, seen.all().len());
        assert_eq!(seen.text().matches("GET /v1/a HTTP/1.").count(), asked, "{answer}");
        assert_eq!(connections, if keeps { 1 } else { asked }, "{answer}");
    }
}

/// Answers the first request of each connection, and closes it at the second.
async fn closing(first: &'static str) -> (SocketAddr, Recorded) {
    let recorded = Recorded::default();
    let addr = each(recorded.clone(), move |mut stream, record| async move {
        let mut buffer = vec![0; 65536];
        for answer in [first, ""] {
            let Ok(count @ 1..) = stream.read(&mut buffer).await else { return };
            record(&buffer[..count]);
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    (addr.await, recorded)
}

#[tokio::test]
async fn what_changes_nothing_is_sent_again_if_its_connection_is_closed_at_it() {
    let get = "GET /v1/a HTTP/1.1\r\nhost: a\r\n\r\n";
    let head = "HEAD /v1/a HTTP/1.1\r\nhost: a\r\n\r\n";
    let post = "POST /v1/uploads/a HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\nabc";
    let get_with_body = "GET /v1/a HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\nabc";
    for first in [PLAIN[0], CHUNKED[0]] {
        for (request, expected, sent) in [(get, 200, 2), (head, 200, 2), (post, 502, 1), (get_with_body, 502, 1)] {
            let (addr, seen) = closing(first).await;
            let runtime = Setup::new().upstream(addr).start().await;
            assert_eq!(runtime.orders().hyper1().await.send_request(get1("/v1/first")).await.unwrap().status(), 200);
            let mut raw = runtime.orders().raw().await;
            raw.send(request).await;
            let line = String::from_utf8(raw.head().await).unwrap();
            assert!(line.starts_with(&format!("HTTP/1.1 {expected} ")), "{request} after {first}: {line}");
            let target = request.split(' ').next().unwrap();
            assert_eq!(seen.text().matches(&format!("{target} /v1/")).count() - usize::from(target == "GET"), sent);
        }
    }
}

#[tokio::test]
async fn a_request_that_closes_every_connection_is_sent_twice_and_no_more() {
    let recorded = Recorded::default();
    let addr = each(recorded.clone(), |mut stream, record| async move {
        let mut buffer = vec![0; 65536];
        while let Ok(count @ 1..) = stream.read(&mut buffer).await {
            record(&buffer[..count]);
            if buffer.starts_with(b"GET /v1/deadly ") {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
            stream.write_all(PLAIN[0].as_bytes()).await.unwrap();
        }
    });
    let runtime = Setup::new().upstream(addr.await).start().await;
    let callers = (0..4).map(|_| runtime.orders()).collect::<Vec<_>>();
    futures_util::future::join_all(callers.iter().map(|caller| caller.get("/v1/a"))).await;
    assert_eq!(runtime.orders().get("/v1/deadly").await.status, 502);
    assert_eq!(recorded.text().matches("/v1/deadly").count(), 2);
}

#[tokio::test]
async fn an_answer_whose_caller_has_left_is_nobodys_answer() {
    let recorded = Recorded::default();
    let addr = each(recorded.clone(), |mut stream, record| async move {
        let mut buffer = vec![0; 65536];
        while let Ok(count @ 1..) = stream.read(&mut buffer).await {
            record(&buffer[..count]);
            let slow = buffer.starts_with(b"GET /v1/slow ");
            tokio::time::sleep(Duration::from_millis(if slow { 400 } else { 0 })).await;
            let answer = if slow { "HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nforged" } else { PLAIN[0] };
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    let runtime = Setup::new().upstream(addr.await).start().await;
    assert_eq!(runtime.orders().get("/v1/a").await.body, b"plain");
    let mut leaving = runtime.orders().raw().await;
    leaving.send("GET /v1/slow HTTP/1.1\r\nhost: a\r\n\r\n").await;
    support::eventually(|| recorded.text().contains("/v1/slow").then_some(())).await;
    drop(leaving);
    runtime.log_line(|line| line["status"] == 499).await;
    let mut raw = runtime.orders().raw().await;
    for _ in 0..3 {
        assert_eq!(raw.get("/v1/a").await.body, b"plain");
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    assert_eq!(recorded.all().len(), 2);
}
