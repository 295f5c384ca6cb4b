//! gRPC: streams in either direction or both, and the status in the trailers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "test code")]

mod support;

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body::Frame;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use support::{Runtime, Setup};
use tokio::sync::mpsc;

type Frames = mpsc::Receiver<Result<Frame<Bytes>, Infallible>>;

/// A body that comes through a channel.
struct Channel(Frames);

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

fn once(frame: Result<Frame<Bytes>, Infallible>) -> Channel {
    let (send, receive) = mpsc::channel(1);
    send.try_send(frame).unwrap();
    Channel(receive)
}

fn message(text: &str) -> Result<Frame<Bytes>, Infallible> {
    let mut bytes = vec![0];
    bytes.extend(u32::try_from(text.len()).unwrap().to_be_bytes());
    bytes.extend(text.as_bytes());
    Ok(Frame::data(bytes.into()))
}

fn status(code: &'static str) -> Result<Frame<Bytes>, Infallible> {
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", code.parse().unwrap());
    trailers.insert("grpc-message", "done".parse().unwrap());
    Ok(Frame::trailers(trailers))
}

/// `/grpc.Service/Sum` counts the bytes it is sent and answers once; `/grpc.Service/Count` answers one message with ten;
/// `/grpc.Service/Refuse` has nothing but a status.
async fn service(request: Request<Incoming>) -> Result<Response<Channel>, Infallible> {
    let response = Response::builder().header("content-type", "application/grpc");
    let (send, receive) = mpsc::channel(1);
    let (path, te) = (request.uri().path().to_owned(), request.headers()["te"].clone());
    assert_eq!(te, "trailers");
    let body = request.into_body();
    if path == "/grpc.Service/Sum" {
        let length = body.collect().await.unwrap().to_bytes().len();
        tokio::spawn(async move {
            send.send(message(&length.to_string())).await.unwrap();
            send.send(status("0")).await.unwrap();
        });
        return Ok(response.body(Channel(receive)).unwrap());
    }
    tokio::spawn(async move {
        match path.as_str() {
            "/grpc.Service/Count" => {
                for number in 0..10 {
                    tokio::time::sleep(Duration::from_millis(60)).await;
                    send.send(message(&number.to_string())).await.unwrap();
                }
                send.send(status("0")).await.unwrap();
            }
            _ => send.send(status("7")).await.unwrap(),
        }
    });
    Ok(response.body(Channel(receive)).unwrap())
}

async fn runtime() -> Runtime {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr: SocketAddr = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let http = hyper::server::conn::http2::Builder::new(hyper_util::rt::TokioExecutor::new());
            let service = hyper::service::service_fn(service);
            tokio::spawn(http.serve_connection(hyper_util::rt::TokioIo::new(stream), service));
        }
    });
    let setup = Setup::new().top(&format!("upstream: http2://{addr}"));
    setup.top("limits: { bodyBytes: 10, idleTimeout: 400ms }").start().await
}

fn ask<B>(method: &str, content_type: &str, body: B) -> Request<B> {
    let request = Request::post(format!("https://api.internal/grpc.Service/{method}")).header("te", "trailers");
    request.header("content-type", content_type).body(body).unwrap()
}

#[tokio::test]
async fn a_client_may_stream_more_than_a_body_may_have_and_is_told_the_status() {
    let runtime = runtime().await;
    let (mut sender, _connection) = runtime.orders().hyper2_with().await;
    let (send, receive) = mpsc::channel(1);
    let answer = tokio::spawn(sender.send_request(ask("Sum", "application/grpc", Channel(receive))));
    for _ in 0..10 {
        send.send(message("0123456789")).await.unwrap();
        tokio::time::sleep(Duration::from_millis(60)).await;
    }
    drop(send);
    let answer = answer.await.unwrap().unwrap().into_body().collect().await.unwrap();
    assert_eq!(answer.trailers().unwrap()["grpc-status"], "0");
    assert_eq!(answer.to_bytes(), message("150").unwrap().into_data().unwrap());
}

#[tokio::test]
async fn a_server_may_stream_for_as_long_as_something_moves_and_ends_with_its_status() {
    let runtime = runtime().await;
    let (mut sender, _connection) = runtime.orders().hyper2_with().await;
    let body = once(message("ask"));
    let answer = sender.send_request(ask("Count", "application/grpc+proto", body)).await.unwrap();
    let answer = answer.into_body().collect().await.unwrap();
    let trailers = answer.trailers().unwrap();
    assert_eq!((trailers["grpc-status"].as_bytes(), trailers["grpc-message"].as_bytes()), (&b"0"[..], &b"done"[..]));
    assert_eq!(answer.to_bytes().len(), 60);
}

#[tokio::test]
async fn a_status_alone_comes_through() {
    let runtime = runtime().await;
    let (mut sender, _connection) = runtime.orders().hyper2_with().await;
    let body = once(message("ask"));
    let answer = sender.send_request(ask("Refuse", "application/grpc", body)).await.unwrap();
    assert_eq!(answer.into_body().collect().await.unwrap().trailers().unwrap()["grpc-status"], "7");
}

#[tokio::test]
async fn what_only_calls_itself_grpc_has_the_limit_of_every_body() {
    let runtime = runtime().await;
    for content_type in ["application/grpc-web", "application/json"] {
        let (mut sender, _connection) = runtime.orders().hyper2_with().await;
        let body = once(message("0123456789"));
        let answer = sender.send_request(ask("Sum", content_type, body)).await.unwrap();
        assert_eq!(answer.status().as_u16(), 413, "{content_type}");
    }
    let mut raw = runtime.orders().raw().await;
    raw.send("POST /v1/uploads/a HTTP/1.1\r\nhost: a\r\ncontent-type: application/grpc\r\ncontent-length: 11\r\n\r\n")
        .await;
    assert_eq!(raw.answer().await.status, 413);
}
