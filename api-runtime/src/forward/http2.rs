//! HTTP/2 to the upstream, by prior knowledge: one connection for each thread, shared by its requests.

use super::again::{self, Again};
use super::{Address, broken, cleaned};
use crate::application::Answer;
use crate::body::Body;
use crate::outcome::Fault;
use crate::sharded::Sharded;
use http::header::HOST;
use http::uri::{Authority, Scheme};
use http::{HeaderValue, Request, Response, Uri, Version};
use hyper::body::Incoming;
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::error::Error;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What the upstream may send ahead of the client on one stream, and on all streams of a connection.
const STREAM_WINDOW: u32 = 256 << 10;
const CONNECTION_WINDOW: u32 = 4 << 20;

#[derive(Debug)]
pub(super) struct Connections(Sharded<Mutex<Option<SendRequest<Body>>>>);

impl Default for Connections {
    fn default() -> Self {
        Self(Sharded::new(Mutex::default))
    }
}

impl Connections {
    /// Sends a request and waits for the head of its answer.
    pub(super) async fn send(&self, address: &Address, request: Request<Body>) -> Answer {
        let answered = self.try_send(address, request).await.and_then(cleaned);
        answered.map_or_else(Answer::failed, |response| Answer::new(response.map(Body::stream)))
    }

    /// Once more if the upstream did nothing with it, or nothing changes if it did; but not a third time.
    async fn try_send(&self, address: &Address, request: Request<Body>) -> Result<Response<Incoming>, Fault> {
        let is_safe = again::is_safe(&request);
        let (mut request, again) = Again::of(request);
        let mut again = Some(again);
        loop {
            let standing = self.here().as_ref().filter(|sender| again.is_some() && !sender.is_closed()).cloned();
            let (mut sender, fresh) = match standing {
                Some(sender) => (sender, false),
                None => (self.connect(address).await?, true),
            };
            let mut error = match sender.try_send_request(request).await {
                Ok(response) => return Ok(response),
                Err(error) => error,
            };
            let next = match error.take_message() {
                Some(unsent) => Some(unsent).filter(|_| !fresh),
                None if was_refused(error.error()) || is_safe && !fresh && broke_off(error.error()) => {
                    again.take().and_then(Again::request)
                }
                None => None,
            };
            let Some(next) = next else { return Err(broken(error.error())) };
            request = next;
        }
    }

    async fn connect(&self, address: &Address) -> Result<SendRequest<Body>, Fault> {
        let mut builder = Builder::new(TokioExecutor::new());
        builder.initial_stream_window_size(STREAM_WINDOW).initial_connection_window_size(CONNECTION_WINDOW);
        let (sender, connection) =
            builder.handshake(TokioIo::new(address.connect().await?)).await.map_err(|error| broken(&error))?;
        tokio::spawn(connection);
        *self.here() = Some(sender.clone());
        Ok(sender)
    }

    fn here(&self) -> MutexGuard<'_, Option<SendRequest<Body>>> {
        self.0.here().lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether the upstream says that it did nothing with the request (RFC 9113 §6.8, §8.7). Of streams that its GOAWAY
/// speaks of, `h2` says that the connection broke.
fn was_refused(error: &hyper::Error) -> bool {
    of_stream(error).is_some_and(|error| {
        error.is_remote() && (error.is_go_away() || error.reason() == Some(h2::Reason::REFUSED_STREAM))
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
