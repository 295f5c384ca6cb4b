//! The end: nobody who is being served notices.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "test code")]

mod support;

use api_runtime::Drain;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use support::client::{Caller, Raw, get};
use support::{ORDERS, Setup, upstream};
use tokio::net::TcpStream;
use tokio::time::sleep;

#[tokio::test]
async fn while_draining_health_is_503_and_callers_are_served_until_it_is_over() {
    let mut runtime = Setup::new().top("limits: { drain: 800ms }").start().await;
    let mut open = runtime.orders().raw().await;
    assert_eq!(runtime.admin("/health").await.0, 200);
    let started = Instant::now();
    runtime.stop(Drain::Configured);
    sleep(Duration::from_millis(100)).await;
    assert_eq!(runtime.admin("/health").await, (503, "draining\n".to_owned()));
    assert_eq!(runtime.admin("/live").await.0, 200);
    assert_eq!((open.get("/v1/a").await.status, runtime.orders().get("/v1/a").await.status), (200, 200));
    until_closed(runtime.addr).await;
    assert!(started.elapsed() >= Duration::from_millis(700));
    // Told with the answer, not in the middle of a request.
    let answer = open.get("/v1/a").await;
    assert_eq!((answer.status, answer.header("connection")), (200, Some("close")));
    open.rest().await;
    (&mut runtime.task).await.unwrap();
    assert!(started.elapsed() < Duration::from_secs(3));
}

async fn until_closed(addr: SocketAddr) {
    while TcpStream::connect(addr).await.is_ok() {
        sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_connection_that_never_asks_again_is_closed_in_the_end_and_http_2_at_once() {
    let mut runtime = Setup::new().top("limits: { drain: 100ms }").start().await;
    let mut silent = runtime.orders().raw().await;
    assert_eq!(silent.get("/v1/a").await.status, 200);
    let (_sender, stream) = runtime.orders().hyper2().await;
    runtime.stop(Drain::Configured);
    tokio::time::timeout(Duration::from_secs(1), stream).await.unwrap().unwrap().unwrap();
    let (rest, after) = silent.rest().await;
    assert!(rest.is_empty() && (4_000..6_000).contains(&after.as_millis()), "{after:?}");
    runtime.task.await.unwrap();
}

#[tokio::test]
async fn callers_that_never_pause_lose_no_request_to_a_replacement() {
    let mut old = Setup::new().top("limits: { drain: 300ms }").start().await;
    let (old_addr, authority) = (old.addr, old.setup.authority.pem.clone());
    let new = old.setup.clone().start().await;
    let callers: Vec<_> = (0..8)
        .map(|_| {
            let (certificate, authority) = (old.setup.caller(ORDERS), authority.clone());
            let new = new.addr;
            tokio::spawn(async move {
                let (mut served, mut addr) = (0, old_addr);
                while addr == old_addr || served < 200 {
                    // What a balancer does once the old one no longer listens.
                    let mut raw = match Caller::new(addr, &authority, Some(&certificate)).connect().await {
                        Ok(stream) => Raw(stream),
                        Err(_) => {
                            addr = new;
                            continue;
                        }
                    };
                    let mut last = false;
                    while !last {
                        let answer = raw.get("/v1/a").await;
                        assert_eq!(answer.status, 200);
                        served += 1;
                        last = answer.header("connection") == Some("close") || addr == new && served >= 200;
                    }
                }
            })
        })
        .collect();
    sleep(Duration::from_millis(300)).await;
    old.stop(Drain::Configured);
    for caller in callers {
        caller.await.unwrap();
    }
    old.task.await.unwrap();
}

#[tokio::test]
async fn at_once_means_that_what_is_in_flight_still_finishes() {
    let slow = upstream::slow(Duration::from_millis(500)).await;
    let mut runtime = Setup::new().upstream(slow).start().await;
    let mut idle = runtime.orders().raw().await;
    let caller = runtime.orders();
    let in_flight = tokio::spawn(async move { caller.get("/v1/a").await });
    let (mut sender, connection) = runtime.orders().hyper2().await;
    let stream = tokio::spawn(async move { sender.send_request(get("/v1/a")).await.unwrap().status().as_u16() });
    sleep(Duration::from_millis(200)).await;
    runtime.stop(Drain::AtOnce);
    assert!(idle.rest().await.1 < Duration::from_millis(400));
    let answer = in_flight.await.unwrap();
    assert_eq!((answer.status, answer.header("connection"), stream.await.unwrap()), (200, Some("close"), 200));
    connection.await.unwrap().unwrap();
    runtime.task.await.unwrap();
}

#[tokio::test]
async fn what_does_not_finish_in_five_seconds_is_cut() {
    let endless = upstream::endless(Duration::from_millis(20)).await;
    let mut runtime = Setup::new().upstream(endless).start().await;
    let mut raw = runtime.orders().raw().await;
    raw.send("GET /v1/a HTTP/1.1\r\nhost: a\r\n\r\n").await;
    assert_eq!(raw.answer().await.status, 200);
    runtime.stop(Drain::AtOnce);
    let (_, after) = raw.rest().await;
    assert!((4_800..6_000).contains(&after.as_millis()), "{after:?}");
    runtime.task.await.unwrap();
}
