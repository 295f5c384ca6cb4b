//! The API behind the inner gate: plain HTTP on loopback, which knows nothing of certificates and says what it was told about its caller.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::{Either, Full};
use hyper::body::{Body, Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// A report that never ends: one line a tick, until the reader goes away.
pub(crate) const ENDLESS_REPORT: &str = "/v1/reports/live";
const TICK: Duration = Duration::from_millis(50);

/// An API of invoices. Dropping it ends it.
#[derive(Debug)]
pub(crate) struct Upstream {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    _task: JoinSet<()>,
}

impl Upstream {
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let listener =
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("no free port for the upstream API")?;
        let address = listener.local_addr()?;
        let mut task = JoinSet::new();
        task.spawn(accept(listener));
        Ok(Self { address, _task: task })
    }
}

async fn accept(listener: TcpListener) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { continue };
                let service = service_fn(|request| async move { Ok::<_, Infallible>(answer(&request)) });
                connections.spawn(async move {
                    let served = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
                    drop(served);
                });
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

fn answer(request: &Request<Incoming>) -> Response<Either<Full<Bytes>, Endless>> {
    let body = match request.uri().path() {
        ENDLESS_REPORT => Either::Right(Endless(tokio::time::interval(TICK))),
        path => Either::Left(
            json!({ "service": "invoices", "path": path, "toldByTheGate": told(request.headers()) }).to_string().into(),
        ),
    };
    let mut response = Response::new(body);
    response.headers_mut().insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
    response
}

/// What the gate says about the caller; a client's own word under these names never arrives here.
fn told(headers: &HeaderMap) -> serde_json::Map<String, serde_json::Value> {
    let ours = headers.iter().filter(|(name, _)| name.as_str().starts_with("x-linkward-"));
    ours.map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into())).collect()
}

/// The body of the report that never ends.
#[derive(Debug)]
struct Endless(tokio::time::Interval);

impl Body for Endless {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0
            .poll_tick(context)
            .map(|_| Some(Ok(Frame::data(Bytes::from_static(b"{\"report\":\"still counting\"}\n")))))
    }
}
