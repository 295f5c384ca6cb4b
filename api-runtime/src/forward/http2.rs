//! HTTP/2 to the upstream, by prior knowledge: one connection for each thread, shared by its requests.

use super::again::{self, Again};
use super::{Address, broken, cleaned};
use crate::application::Answer;
use crate::body::Body;
use crate::outcome::Fault;
use crate::sharded::Sharded;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use http::header::HOST;
use http::uri::{Authority, Scheme};
use http::{HeaderValue, Request, Response, Uri, Version};
use http_body::Body as HttpBody;
use hyper::body::Incoming;
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::error::Error;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What the upstream may send ahead of the client on one stream, and on all streams of a connection.
const STREAM_WINDOW: u32 = 256 << 10;
const CONNECTION_WINDOW: u32 = 4 << 20;

/// How long others wait for a connection that is being made.
const MAKING: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct Connections(Sharded<Mutex<Option<Standing>>>);

/// A connection, or one that is being made: by whoever waits for it first, for all.
#[derive(Clone, Debug)]
struct Standing {
    sender: Shared<BoxFuture<'static, Result<SendRequest<Body>, Fault>>>,
    begun: Instant,
}

impl Default for Connections {
    fn default() -> Self {
        Self(Sharded::new(Mutex::default))
    }
}

impl Connections {
    /// Sends a request and waits for the head of its answer. `started` is now.
    pub(super) async fn send(&self, address: &Address, request: Request<Body>, started: Instant) -> Answer {
        let answered = self.try_send(address, request, started).await.and_then(cleaned);
        answered.map_or_else(Answer::failed, |response| Answer::new(response.map(Body::stream)))
    }

    /// Once more if the upstream did nothing with it, or nothing changes if it did; but not a third time.
    async fn try_send(
        &self,
        address: &Address,
        request: Request<Body>,
        started: Instant,
    ) -> Result<Response<Incoming>, Fault> {
        let (is_safe, is_whole) = (again::is_safe(&request), request.body().is_end_stream());
        let (mut request, again) = Again::of(request);
        let (mut again, mut failed) = (Some(again), None);
        loop {
            let (standing, fresh) = self.standing(address, failed.as_ref());
            let mut sender = standing.sender.clone().await?;
            let mut error = match sender.try_send_request(request).await {
                Ok(response) => return Ok(response),
                Err(error) => error,
            };
            let is_refused = was_refused(error.error(), is_safe || !is_whole);
            let is_lost = is_safe && !fresh && broke_off(error.error()) && again::is_soon(started);
            let next = match error.take_message() {
                Some(unsent) => Some(unsent).filter(|_| !fresh),
                None if is_refused || is_lost => again.take().and_then(Again::request),
                None => None,
            };
            let Some(next) = next else { return Err(broken(error.error())) };
            again::tell(error.error());
            (request, failed) = (next, Some(standing));
        }
    }

    /// The connection of this thread, other than the one that failed; and whether it is a new one.
    fn standing(&self, address: &Address, failed: Option<&Standing>) -> (Standing, bool) {
        let mut here = self.0.here().lock().unwrap_or_else(PoisonError::into_inner);
        let is_other = |standing: &&Standing| failed.is_none_or(|failed| !failed.sender.ptr_eq(&standing.sender));
        if let Some(standing) = here.as_ref().filter(is_other).filter(|standing| standing.is_usable()) {
            return (standing.clone(), false);
        }
        let standing = Standing { sender: connect(address.clone()).boxed().shared(), begun: Instant::now() };
        *here = Some(standing.clone());
        (standing, true)
    }
}

impl Standing {
    /// Not if it could not be made, takes too long to be made, or has ended.
    fn is_usable(&self) -> bool {
        match self.sender.peek() {
            Some(made) => made.as_ref().is_ok_and(|sender| !sender.is_closed()),
            None => self.begun.elapsed() < MAKING,
        }
    }
}

async fn connect(address: Address) -> Result<SendRequest<Body>, Fault> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder.initial_stream_window_size(STREAM_WINDOW).initial_connection_window_size(CONNECTION_WINDOW);
    let stream = TokioIo::new(address.connect().await?);
    let (sender, connection) = builder.handshake(stream).await.map_err(|error| broken(&error))?;
    tokio::spawn(connection);
    Ok(sender)
}

/// Whether the upstream says that it did nothing with the request (RFC 9113 §6.8, §8.7). Of streams that its GOAWAY
/// speaks of, `h2` says that the connection broke. But hyper says GOAWAY also of a stream that it wrote as the frame came,
/// which counts for nothing unless `by_goaway`: the request changes nothing, or did not end with its head.
fn was_refused(error: &hyper::Error, by_goaway: bool) -> bool {
    of_stream(error).is_some_and(|error| {
        error.is_remote() && (error.is_go_away() && by_goaway || error.reason() == Some(h2::Reason::REFUSED_STREAM))
    })
}

/// Whether the whole connection ended, and not the stream alone; hyper says so itself of a stream that was about to begin.
fn broke_off(error: &hyper::Error) -> bool {
    of_stream(error).is_none_or(|error| error.is_io() || error.is_go_away())
}

fn of_stream(error: &hyper::Error) -> Option<&h2::Error> {
    error.source()?.downcast_ref()
}

/// In HTTP/2 the host is part of the target.
pub(super) fn address(request: &mut Request<Body>, host: &HeaderValue) {
    request.headers_mut().remove(HOST);
    *request.version_mut() = Version::HTTP_2;
    // Every host is one. Without it nothing would be sent, and nothing else in the place of what was authorized.
    let Ok(authority) = Authority::try_from(host.as_bytes()) else { return };
    let mut parts = std::mem::take(request.uri_mut()).into_parts();
    (parts.scheme, parts.authority) = (Some(Scheme::HTTP), Some(authority));
    if let Ok(uri) = Uri::from_parts(parts) {
        *request.uri_mut() = uri;
    }
}
