use super::*;
use crate::forward::http1::lease::Lease;
use http_body_util::BodyExt;
use hyper::client::conn::http1::handshake;
use hyper_util::rt::TokioIo;
use proptest::prelude::*;
use proptest::sample::select;
use std::time::{Duration, Instant};
use tokio::runtime::Builder;
use tokio::task::coop::consume_budget;

fn read(text: &str) -> Option<(Response<Body>, Bytes)> {
    whole(&Bytes::copy_from_slice(text.as_bytes()))
}

#[tokio::test]
async fn an_answer_that_is_all_there_is_taken_as_it_is() {
    let (response, rest) =
        read("HTTP/1.1 404 Not Found\r\nConnection: Keep-Alive\r\nkeep-alive: timeout=5\r\nX-A: 1\r\nx-a: 2\r\ncontent-length: 3\r\n\r\nabc")
            .unwrap();
    assert_eq!((response.status().as_u16(), rest.len()), (404, 0));
    assert_eq!(response.headers().get_all("x-a").iter().collect::<Vec<_>>(), ["1", "2"]);
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "abc");
}

#[test]
fn what_comes_behind_an_answer_is_no_part_of_it() {
    let (_, rest) = read("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\nHTTP/1.1 200 OK\r\n").unwrap();
    assert_eq!(rest, "HTTP/1.1 200 OK\r\n");
}

#[test]
fn whatever_needs_a_second_thought_is_left_to_hyper() {
    for text in [
        "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n",
        "HTTP/1.1 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 1\r\n\r\na",
        "HTTP/1.1 200 OK\r\ncontent-length: +1\r\n\r\na",
        "HTTP/1.1 200 OK\r\ncontent-length: 1, 1\r\n\r\na",
        "HTTP/1.1 200 OK\r\ncontent-length:\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 99999999999999999999999\r\n\r\na",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ncontent-length: 1\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 1\r\n\r\na",
        "HTTP/1.1 200 OK\r\nconnection: keep-alive, x-a\r\ncontent-length: 1\r\n\r\na",
        "HTTP/1.1 200 Fine\r\ncontent-length: 1\r\n\r\na",
        "HTTP/1.0 200 OK\r\ncontent-length: 1\r\n\r\na",
        "HTTP/1.1 100 Continue\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 204 No Content\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 304 Not Modified\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nx a: 1\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nx-a: 1\r\n folded\r\ncontent-length: 0\r\n\r\n",
        "nonsense\r\n\r\n",
    ] {
        assert!(read(text).is_none(), "{text}");
    }
}

#[test]
fn a_request_is_written_as_it_stands() {
    let request = Request::builder().uri("/v1/a?b=c").header("host", "a").header("x-b", "1").header("x-b", "2");
    let mut out = BytesMut::new();
    write_head(&mut out, &request.body(Body::empty()).unwrap());
    assert_eq!(out, "GET /v1/a?b=c HTTP/1.1\r\nhost: a\r\nx-b: 1\r\nx-b: 2\r\n\r\n");
}

#[test]
fn only_a_get_without_a_body_is_usual() {
    let request = |method, body| Request::builder().method(method).body(Body::from(body)).unwrap();
    assert!(is_usual(&request("GET", "")));
    for (method, body) in [("GET", "a"), ("POST", ""), ("HEAD", ""), ("DELETE", "")] {
        assert!(!is_usual(&request(method, body)), "{method} {body}");
    }
}

/// What hyper makes of these bytes as the answer to a GET.
async fn by_hyper(bytes: &Bytes) -> Option<(StatusCode, HeaderMap, Bytes)> {
    let (ours, mut theirs) = tokio::io::duplex(1 << 16);
    let (mut sender, connection) = handshake(TokioIo::new(ours)).await.ok()?;
    tokio::spawn(connection);
    let answering = async {
        let _asked = theirs.read(&mut [0; 1024]).await.unwrap();
        let _ = theirs.write_all(bytes).await;
        drop(theirs);
    };
    let (answer, ()) = tokio::join!(sender.send_request(Request::new(Body::empty())), answering);
    let (parts, body) = answer.ok()?.into_parts();
    let mut headers = parts.headers;
    crate::headers::clean_response(&mut headers);
    Some((parts.status, headers, body.collect().await.ok()?.to_bytes()))
}

fn answer() -> impl Strategy<Value = String> {
    let first = select(vec![
        "HTTP/1.1 200 OK",
        "HTTP/1.1 404 Not Found",
        "HTTP/1.1 200",
        "HTTP/1.0 200 OK",
        "HTTP/1.1 204 No Content",
    ]);
    let line = select(vec![
        "content-length: 3",
        "Content-Length: 5",
        "content-length: 03",
        "content-length:3 ",
        "content-length: 3,3",
        "x: y",
        "x:  y z\t",
        "transfer-encoding: chunked",
        "connection: keep-alive",
        "connection: close",
        "x : y",
        "x: \u{e9}",
        " folded",
        "x:",
        "x: a\rb",
        "",
    ]);
    let end = select(vec!["\r\n", "\r\n", "\r\n", "\n"]);
    let lines = proptest::collection::vec((line, end), 0..4);
    let body = select(vec!["abc", "abcde", "3\r\nabc\r\n0\r\n\r\n", "ab", "abcHTTP/1.1 200 OK\r\n\r\n"]);
    (first, lines, body).prop_map(|(first, lines, body)| {
        let lines: String = lines.into_iter().flat_map(|(line, end)| [line, end]).collect();
        format!("{first}\r\n{lines}\r\n{body}")
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn what_is_taken_is_what_hyper_would_have_taken(text in answer()) {
        let bytes = Bytes::from(text);
        if let Some((response, _)) = whole(&bytes) {
            let (parts, body) = response.into_parts();
            let runtime = Builder::new_current_thread().build().unwrap();
            let (ours, theirs) = runtime.block_on(async { (body.collect().await.unwrap().to_bytes(), by_hyper(&bytes).await) });
            prop_assert_eq!(Some((parts.status, parts.headers, ours)), theirs, "{:?}", bytes);
        }
    }

    #[test]
    fn no_bytes_make_it_panic(head in proptest::bool::ANY, bytes: Vec<u8>) {
        let first: &[u8] = if head { b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n" } else { b"" };
        whole(&Bytes::from([first, &bytes].concat()));
    }
}

#[tokio::test]
async fn a_connection_on_which_the_upstream_speaks_first_is_not_used() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    for first in [&b""[..], b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nforged"] {
        let ours = tokio::net::TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let mut upstream = listener.accept().await.unwrap().0;
        upstream.write_all(first).await.unwrap();
        if !first.is_empty() {
            ours.readable().await.unwrap();
        }
        // A task that has done much is told that nothing is ready, whatever is.
        spend(usize::MAX).await;
        assert_eq!(Plain::fresh(ours.into()).is_some(), first.is_empty());
    }
}

/// Uses up what tokio lets a task do before others have their turn, or so much of it.
async fn spend(most: usize) {
    poll_fn(|_| {
        let mut nobody = Context::from_waker(Waker::noop());
        let _ = (0..most).find(|_| pin!(consume_budget()).poll(&mut nobody).is_pending());
        Poll::Ready(())
    })
    .await;
}

/// However much of it is left when the answer is there: nobody else would wake the one who waits.
#[tokio::test]
async fn an_answer_is_seen_by_a_task_that_has_done_much() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _asked = stream.read(&mut [0; 1024]).await.unwrap();
            stream.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n").await.unwrap();
            tokio::spawn(async move { stream.read(&mut [0]).await });
        }
    });
    for spent in 100..128 {
        let stream = tokio::net::TcpStream::connect(addr).await.unwrap();
        let mut lease = Lease::over(Replayed::nothing(stream.into())).await.unwrap();
        let mut exchange =
            pin!(lease.exchange(Request::builder().uri("/").header("host", "a").body(Body::empty()).unwrap()));
        let busy = poll_fn(|context| {
            let _ = pin!(spend(spent)).poll(context);
            exchange.as_mut().poll(context)
        });
        let started = Instant::now();
        // At its end the timer wakes the task, and then it sees the answer.
        let answered = tokio::time::timeout(Duration::from_secs(20), busy).await;
        assert!(answered.is_ok_and(|answer| answer.is_ok()) && started.elapsed() < Duration::from_secs(10), "{spent}");
    }
}
