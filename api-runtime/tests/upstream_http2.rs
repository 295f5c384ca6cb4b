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
use tokio::net::TcpListener;
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
