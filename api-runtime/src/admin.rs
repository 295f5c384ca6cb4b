//! The ports for operators and for the load balancer: plain HTTP, nothing that changes anything.

mod components;
mod dates;
mod html;
mod numbers;
mod page;
mod plot;
mod status;
mod words;

use crate::body::Body;
use crate::connection::Gate;
use crate::metrics::{self, Interval, SnapshotState};
use crate::proxy_protocol;
use crate::sightings::Shared;
use components::Component;
use dates::Dated;
use http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use http::{Method, Request, Response, StatusCode};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use numbers::Numbers;
use policy::Timestamp;
use sha2::{Digest, Sha256};
use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::{Arc, LazyLock, OnceLock};
use std::time::{Duration, Instant};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;

/// So many connections at once, each for so long: enough for everybody who has business here. Whoever comes beyond takes
/// the place of the oldest: a balancer asks at once, so that its question is answered long before so many others came.
const CONNECTIONS: usize = 256;
const PATIENCE: Duration = Duration::from_secs(10);

const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
const PROMETHEUS: HeaderValue = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
const JSON: HeaderValue = HeaderValue::from_static("application/json");
const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");

/// Nothing may be loaded, run, framed or sent but the page's own style, known by its digest, and its empty icon.
static SECURITY_POLICY: LazyLock<HeaderValue> = LazyLock::new(|| {
    let digest = data_encoding::BASE64.encode(&Sha256::digest(page::STYLE));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    HeaderValue::try_from(policy).unwrap_or(HeaderValue::from_static("default-src 'none'"))
});

/// What the ports answer from. Before the first good snapshots there is nothing but life.
#[derive(Debug, Default)]
pub(crate) struct Ports(OnceLock<Arc<Gate>>);

impl Ports {
    pub(crate) fn ready(&self, gate: Arc<Gate>) {
        // A listener has one gate.
        let _ = self.0.set(gate);
    }
}

/// What the page and the status both show, read once.
#[derive(Debug)]
struct View {
    components: Vec<Component>,
    numbers: Numbers,
    snapshots: Vec<SnapshotState>,
    dates: Vec<Dated>,
    shared: Vec<Shared>,
    intervals: Vec<Interval>,
}

impl View {
    fn of(gate: &Gate, now: Timestamp) -> Self {
        let state = gate.state(now);
        let numbers = Numbers::read(gate, &state);
        Self {
            components: components::list(gate, &state, numbers.upstream_errors_total(), now),
            numbers,
            dates: dates::list(gate, now),
            shared: gate.sightings.shared(Instant::now()),
            intervals: gate.metrics.history(),
            snapshots: state.snapshots,
        }
    }
}

/// Serves `/health`, `/live`, `/metrics`, `/status` and `/`.
pub(crate) async fn serve_operators(listener: TcpListener, ports: Arc<Ports>) {
    serve(listener, ports, operators).await;
}

/// Serves `/health` and `/live`, and nothing that tells anything.
pub(crate) async fn serve_health(listener: TcpListener, ports: Arc<Ports>) {
    serve(listener, ports, |gate, path| health(gate, path).unwrap_or_else(not_found)).await;
}

type Route = fn(Option<&Gate>, &str) -> Response<Body>;

async fn serve(listener: TcpListener, ports: Arc<Ports>, route: Route) {
    let mut open = VecDeque::<AbortHandle>::with_capacity(CONNECTIONS);
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                open.retain(|connection| !connection.is_finished());
                if open.len() >= CONNECTIONS
                    && let Some(oldest) = open.pop_front()
                {
                    oldest.abort();
                }
                let served = tokio::time::timeout(PATIENCE, serve_connection(stream, Arc::clone(&ports), route));
                open.push_back(tokio::spawn(served).abort_handle());
            }
            Err(error) => {
                tracing::warn!(%error, "an operator's connection was not accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

async fn serve_connection(mut stream: TcpStream, ports: Arc<Ports>, route: Route) {
    // With PROXY v2 on, the balancer's health checks carry the header too.
    if proxy_protocol::read_optional(&mut stream).await.is_err() {
        return;
    }
    let service = service_fn(move |request| {
        let answer = respond(&request, ports.0.get().map(Arc::as_ref), route);
        std::future::ready(Ok::<_, Infallible>(answer))
    });
    let mut http = http1::Builder::new();
    let connection = http.keep_alive(false).header_read_timeout(None).serve_connection(TokioIo::new(stream), service);
    if let Err(error) = connection.await {
        tracing::debug!(%error, "an operator's connection ended");
    }
}

fn respond<B>(request: &Request<B>, gate: Option<&Gate>, route: Route) -> Response<Body> {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut refusal = text(StatusCode::METHOD_NOT_ALLOWED, "only GET\n");
        refusal.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return refusal;
    }
    route(gate, request.uri().path())
}

fn operators(gate: Option<&Gate>, path: &str) -> Response<Body> {
    if let Some(answer) = health(gate, path) {
        return answer;
    }
    let Some(gate) = gate else { return text(StatusCode::SERVICE_UNAVAILABLE, "starting\n") };
    let now = Timestamp::now();
    match path {
        "/metrics" => page(PROMETHEUS, metrics::render(&gate.metrics, &gate.state(now))),
        "/status" => page(JSON, status::json(gate, &View::of(gate, now), now)),
        "/" => page(HTML, page::html(gate, &View::of(gate, now), now)),
        _ => not_found(),
    }
}

/// Unhealthy means: send no new connections here. A stale snapshot does not, or the balancer would replace every task
/// at once.
fn health(gate: Option<&Gate>, path: &str) -> Option<Response<Body>> {
    let (status, word) = match (path, gate) {
        ("/live", _) => (StatusCode::OK, "live\n"),
        ("/health", None) => (StatusCode::SERVICE_UNAVAILABLE, "starting\n"),
        ("/health", Some(gate)) if gate.is_draining() => (StatusCode::SERVICE_UNAVAILABLE, "draining\n"),
        ("/health", Some(_)) => (StatusCode::OK, "healthy\n"),
        _ => return None,
    };
    Some(text(status, word))
}

fn not_found() -> Response<Body> {
    text(StatusCode::NOT_FOUND, "not found\n")
}

fn text(status: StatusCode, text: &'static str) -> Response<Body> {
    let mut answer = page(TEXT, text);
    *answer.status_mut() = status;
    answer
}

fn page(kind: HeaderValue, body: impl Into<Body>) -> Response<Body> {
    let mut answer = Response::new(body.into());
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, kind);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(CONTENT_SECURITY_POLICY, SECURITY_POLICY.clone());
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(method: &str, path: &str) -> StatusCode {
        let request = Request::builder().method(method).uri(path).body(()).unwrap();
        respond(&request, None, operators).status()
    }

    #[test]
    fn before_the_first_snapshots_there_is_life_but_no_health() {
        assert_eq!(status("GET", "/live"), StatusCode::OK);
        for path in ["/health", "/metrics", "/status", "/"] {
            assert_eq!(status("GET", path), StatusCode::SERVICE_UNAVAILABLE, "{path}");
        }
    }

    #[test]
    fn nothing_can_be_changed_here() {
        for method in ["POST", "PUT", "DELETE", "OPTIONS"] {
            assert_eq!(status(method, "/live"), StatusCode::METHOD_NOT_ALLOWED, "{method}");
        }
        assert_eq!(status("HEAD", "/live"), StatusCode::OK);
    }
}
