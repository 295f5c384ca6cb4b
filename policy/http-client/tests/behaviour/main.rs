//! The client against servers that behave well, and badly.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test that cannot go on fails")]

mod server;
mod tls;

use std::io::{Read, Write};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use http_client::{HttpClient, HttpError, Limits, RootCertStore};
use server::{Manner, Server, Then};

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
const CHUNKED: &str = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n";
const CLOSING: &str = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok";
const UNTIL_THE_END: &str = "HTTP/1.1 200 OK\r\n\r\nall of it";
/// Nobody waits that long, however busy the machine.
const LONG: Duration = Duration::from_secs(20);

fn client() -> HttpClient {
    HttpClient::new(RootCertStore::empty()).unwrap()
}

fn get(address: &str) -> Request<Full<Bytes>> {
    Request::get(format!("{address}/path?query")).body(Full::default()).unwrap()
}

async fn text(client: &HttpClient, address: &str) -> Result<String, HttpError> {
    let response = client.send(get(address), Limits::default()).await?;
    let body = response.into_body().collect().await;
    let body = body.map_err(|cause| HttpError::Exchange { origin: address.to_owned(), cause })?;
    Ok(String::from_utf8(body.to_bytes().to_vec()).unwrap())
}

fn always(answers: Vec<&'static str>, then: Then) -> Vec<Manner> {
    vec![Manner { answers, then }]
}

#[tokio::test]
async fn one_connection_serves_one_request_after_the_other() {
    let server = Server::start(always(vec![OK, CHUNKED, OK], Then::Wait)).await;
    let client = client();
    for expected in ["ok", "abcdefg", "ok"] {
        assert_eq!(text(&client, &server.address).await.unwrap(), expected);
    }
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn a_clone_shares_the_connections() {
    let server = Server::start(always(vec![OK, OK], Then::Wait)).await;
    let client = client();
    text(&client, &server.address).await.unwrap();
    text(&client.clone(), &server.address).await.unwrap();
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn what_the_server_closes_after_the_answer_is_read_and_not_used_again() {
    for (answer, expected) in [(CLOSING, "ok"), (UNTIL_THE_END, "all of it")] {
        let server = Server::start(always(vec![answer], Then::Close)).await;
        let client = client();
        for _ in 0..2 {
            assert_eq!(text(&client, &server.address).await.unwrap(), expected);
        }
        assert_eq!(server.connections(), 2);
    }
}

#[tokio::test]
async fn a_connection_closed_while_idle_is_replaced_unnoticed() {
    // On a thread of its own: it closes while nothing polls the client, as when Lambda has frozen the function.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut bytes = [0; 4096];
            while stream.read(&mut bytes).unwrap() == 0 {}
            stream.write_all(OK.as_bytes()).unwrap();
            std::thread::sleep(Duration::from_millis(100));
        }
    });
    let client = client();
    for _ in 0..3 {
        assert_eq!(text(&client, &address).await.unwrap(), "ok");
        std::thread::sleep(Duration::from_millis(400));
    }
}

#[tokio::test]
async fn a_connection_that_ends_within_an_answer_is_an_error() {
    for half in ["", "HTTP/1.1 200 O", "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nok", "no HTTP at all\r\n\r\n"] {
        let server = Server::start(always(vec![half], Then::Close)).await;
        let error = text(&client(), &server.address).await.unwrap_err();
        assert!(matches!(error, HttpError::Exchange { .. }), "{half}: {error:?}");
        assert_eq!(server.connections(), 1, "sent once: it may have been acted on");
    }
}

#[tokio::test]
async fn an_answer_that_is_still_being_read_keeps_its_connection() {
    let server = Server::start(always(vec!["HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n12"], Then::Wait)).await;
    let client = client();
    let unread = client.send(get(&server.address), Limits::default()).await.unwrap();
    let second = client.send(get(&server.address), Limits { answer: Some(LONG), ..Limits::default() }).await.unwrap();
    assert_eq!(server.connections(), 2);
    drop((unread, second));
}

#[tokio::test]
async fn requests_at_the_same_time_have_a_connection_each() {
    let server = Server::start(always(vec![OK, OK], Then::Wait)).await;
    let client = client();
    let (a, b, c) =
        tokio::join!(text(&client, &server.address), text(&client, &server.address), text(&client, &server.address));
    assert_eq!((a.unwrap(), b.unwrap(), c.unwrap()), ("ok".into(), "ok".into(), "ok".into()));
    assert_eq!(server.connections(), 3);
    text(&client, &server.address).await.unwrap();
    assert_eq!(server.connections(), 3);
}

#[tokio::test]
async fn a_silent_server_is_waited_for_as_long_as_the_limit_says() {
    let server = Server::start(always(vec![], Then::Wait)).await;
    let limits = Limits { connect: Some(LONG), answer: Some(Duration::from_millis(200)) };
    let began = Instant::now();
    let error = client().send(get(&server.address), limits).await.unwrap_err();
    assert!(
        matches!(error, HttpError::AnswerTimeout { within, .. } if within == Duration::from_millis(200)),
        "{error:?}"
    );
    assert!(began.elapsed() >= Duration::from_millis(200) && began.elapsed() < LONG);
}

#[tokio::test]
async fn a_handshake_that_does_not_come_ends_with_the_limit_to_connect() {
    // TCP connects, and nobody speaks TLS.
    let server = Server::start(always(vec![], Then::Wait)).await;
    let limits = Limits { connect: Some(Duration::from_millis(200)), answer: None };
    let address = server.address.replace("http:", "https:");
    let error = client().send(get(&address), limits).await.unwrap_err();
    assert!(matches!(error, HttpError::ConnectTimeout { .. }), "{error:?}");
}

#[tokio::test]
async fn nobody_there_is_said_with_the_address() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = client().send(get(&address), Limits::default()).await.unwrap_err();
    assert!(matches!(&error, HttpError::Connect { .. }) && error.to_string().contains(&address), "{error:?}");
}

#[tokio::test]
async fn a_request_has_its_path_its_host_and_its_body() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = listener.local_addr().unwrap().to_string();
    let heard = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        server::request(&mut stream).await.unwrap()
    });
    let request = Request::post(format!("http://{host}/a?b")).body(Full::new(Bytes::from_static(b"body"))).unwrap();
    let _ = client().send(request, Limits::default()).await;
    let heard = heard.await.unwrap();
    assert!(heard.starts_with("POST /a?b HTTP/1.1\r\n"), "{heard}");
    assert!(heard.contains(&format!("\r\nhost: {host}\r\n")) && heard.contains("\r\ncontent-length: 4\r\n"), "{heard}");
}
