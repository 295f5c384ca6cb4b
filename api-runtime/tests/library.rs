//! A service of one's own behind the gate.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "test code")]

mod support;

use api_runtime::{Body, Drain, Listener, Peer, Permit};
use http::{Request, Response};
use std::net::SocketAddr;
use std::sync::Arc;
use support::client::Caller;
use support::{ORDERS, SERIAL, STRANGER, Setup};

/// Serves with `answer` until the test ends.
async fn serving(setup: &Setup, answer: fn(Request<Body>) -> Result<Response<String>, &'static str>) -> SocketAddr {
    let listener = Listener::bind(setup.config()).await.unwrap();
    let addr = listener.local_addr();
    let app = tower::service_fn(move |request| std::future::ready(answer(request)));
    tokio::spawn(api_runtime::serve(listener, app, std::future::pending::<Drain>()));
    addr
}

fn caller(setup: &Setup, addr: SocketAddr, identity: &str) -> Caller {
    Caller::new(addr, &setup.authority.pem, Some(&setup.caller(identity)))
}

#[tokio::test]
async fn the_application_finds_permit_and_peer_in_the_extensions() {
    let setup = Setup::new();
    let addr = serving(&setup, |request| {
        let permit = request.extensions().get::<Permit>().unwrap();
        let peer = request.extensions().get::<Arc<Peer>>().unwrap();
        let rule = permit.rule().unwrap();
        Ok(Response::new(format!("{} {rule} {} {}", permit.identity(), peer.serial(), request.uri())))
    })
    .await;
    let answer = caller(&setup, addr, ORDERS).get("/v1/%61?b=c").await;
    assert_eq!(
        (answer.status, String::from_utf8(answer.body).unwrap()),
        (200, format!("{ORDERS} read {SERIAL} /v1/a?b=c"))
    );
}

#[tokio::test]
async fn the_application_sees_only_what_the_policy_permits() {
    let setup = Setup::new();
    let addr = serving(&setup, |_| Ok(Response::new("reached".to_owned()))).await;
    assert_eq!(caller(&setup, addr, ORDERS).get("/v1/a").await.body, b"reached");
    assert_eq!(caller(&setup, addr, ORDERS).get("/v1/secret/a").await.status, 403);
    assert_eq!(caller(&setup, addr, STRANGER).get("/v1/a").await.status, 403);
}

#[tokio::test]
async fn an_application_that_fails_is_500_without_its_words() {
    let setup = Setup::new();
    let addr = serving(&setup, |_| Err("a private matter")).await;
    let answer = caller(&setup, addr, ORDERS).get("/v1/a").await;
    assert_eq!((answer.status, &answer.json()["error"]), (500, &"internal".into()));
    assert!(!String::from_utf8(answer.body).unwrap().contains("private"));
}

/// Bodies of both ends are streams, and the router sees the path that was authorized.
#[tokio::test]
async fn an_axum_router_can_be_mounted_as_it_is() {
    async fn upload(
        axum::extract::Path(name): axum::extract::Path<String>,
        axum::Extension(permit): axum::Extension<Permit>,
        body: String,
    ) -> String {
        format!("{name} {body} {} {}", permit.identity(), permit.rule().unwrap())
    }
    let setup = Setup::new();
    let listener = Listener::bind(setup.config()).await.unwrap();
    let addr = listener.local_addr();
    let app = axum::Router::new().route("/v1/uploads/{name}", axum::routing::post(upload));
    tokio::spawn(api_runtime::serve(listener, app, std::future::pending::<Drain>()));
    let mut raw = caller(&setup, addr, ORDERS).raw().await;
    raw.send("POST /v1/uploads/%61 HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nhello").await;
    let answer = raw.answer().await;
    assert_eq!((answer.status, answer.body), (200, format!("a hello {ORDERS} write").into_bytes()));
    assert_eq!(raw.get("/v1/elsewhere").await.status, 404, "permitted, and the router has no such route");
    assert_eq!(raw.get("/v1/secret/a").await.status, 403);
}
