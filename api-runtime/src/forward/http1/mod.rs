//! HTTP/1.1 to the upstream: connections that wait for a request, and two ways to use one, see [`plain`] and [`lease`].

mod answered;
mod lease;
mod plain;
mod replayed;

use super::again;
use super::{Address, broken, cleaned, cleaned_head};
use crate::application::{Answer, Upgrade};
use crate::body::Body;
use crate::headers;
use crate::meter::Meter;
use crate::outcome::Fault;
use crate::sharded::Sharded;
use answered::Answered;
use http::header::{CONTENT_LENGTH, SEC_WEBSOCKET_ACCEPT};
use http::{Request, Response, StatusCode, Version};
use http_body::{Body as HttpBody, Frame};
use hyper::body::Incoming;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use lease::{Lease, Lost};
use plain::{Exchanged, Plain, quietly};
use replayed::Replayed;
use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::{Duration, Instant};

/// A connection that waited longer is not used again: many servers close theirs after 5 s, and a request that meets the
/// close is lost.
const KEPT: Duration = Duration::from_secs(4);
/// So many connections wait for each thread.
const WAITING: usize = 256;

type Io = TokioIo<Replayed>;

/// The connections that wait for a request.
pub(super) struct Pool(Sharded<Mutex<VecDeque<Waiting>>>);

/// A connection that waits, and since when.
struct Waiting {
    standing: Standing,
    since: Instant,
}

/// A connection that can take a request.
enum Standing {
    Plain(Plain),
    Hyper(Box<Lease>),
}

impl Default for Pool {
    fn default() -> Self {
        Self(Sharded::new(Mutex::default))
    }
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pool")
    }
}

impl Standing {
    fn is_ready(&mut self) -> bool {
        match self {
            Self::Plain(plain) => plain.is_quiet(),
            Self::Hyper(lease) => lease.is_ready(),
        }
    }
}

impl Pool {
    /// The connection that was used last, so that those not needed grow old; if it still stands.
    fn take(&self, now: Instant) -> Option<Standing> {
        loop {
            let mut waiting = self.0.here().lock().unwrap_or_else(PoisonError::into_inner).pop_back()?;
            if now.saturating_duration_since(waiting.since) < KEPT && waiting.standing.is_ready() {
                return Some(waiting.standing);
            }
        }
    }

    fn put(&self, standing: Standing, now: Instant) {
        let mut waiting = self.0.here().lock().unwrap_or_else(PoisonError::into_inner);
        waiting.push_back(Waiting { standing, since: now });
        let old = waiting.front().is_some_and(|oldest| now.saturating_duration_since(oldest.since) > KEPT);
        let dropped = if old || waiting.len() > WAITING { waiting.pop_front() } else { None };
        drop(waiting);
        drop(dropped);
    }

    fn put_lease(&self, mut lease: Box<Lease>) {
        if lease.sender.is_ready() || lease.is_ready() {
            self.put(Standing::Hyper(lease), Instant::now());
        }
    }

    /// The connection without hyper, as its answers need it no more.
    fn put_plain(&self, mut lease: Lease) {
        if lease.sender.is_ready() || lease.is_ready() {
            let plain = lease.into_stream().map(|stream| Standing::Plain(Plain::new(stream)));
            plain.into_iter().for_each(|plain| self.put(plain, Instant::now()));
        }
    }
}

/// A connection that hyper runs, or is to run.
enum ForHyper {
    Lease(Box<Lease>),
    Stream(Replayed),
}

/// Sends a request and waits for the head of its answer. `started` is now.
///
/// A connection that was used before may be closed just as a request is sent on it. What was not sent is sent on another;
/// what was, only if nothing changes by it (RFC 9110 §9.2.2), once, and on a new one.
pub(super) async fn send(
    pool: &Arc<Pool>,
    address: &Address,
    mut request: Request<Body>,
    meter: Option<Arc<Meter>>,
    started: Instant,
) -> Answer {
    let mut anew = false;
    loop {
        let standing = if anew { None } else { pool.take(started) };
        let mut used = standing.is_some();
        let standing = match standing {
            Some(standing) => standing,
            None => match address.connect().await.map(Plain::fresh) {
                Ok(Some(plain)) => Standing::Plain(plain),
                Ok(None) => return Answer::failed(Fault::Broken),
                Err(fault) => return Answer::failed(fault),
            },
        };
        let connection = match standing {
            Standing::Plain(plain) if plain::is_usual(&request) => match plain.exchange(&request).await {
                Ok(Exchanged::Whole(response, left)) => {
                    let now = Instant::now();
                    left.into_iter().for_each(|plain| pool.put(Standing::Plain(plain), now));
                    let upstream = Some(now.saturating_duration_since(started));
                    return Answer { upstream, ..Answer::new(response) };
                }
                Ok(Exchanged::Unusual(stream)) => {
                    used = false;
                    ForHyper::Stream(stream)
                }
                Err(failure) if used && (failure.unsent || again::is_soon(started)) => {
                    again::tell(&failure.error);
                    anew = !failure.unsent;
                    continue;
                }
                Err(failure) => return Answer::failed(broken(&failure.error)),
            },
            Standing::Plain(plain) => ForHyper::Stream(Replayed::nothing(plain.into_stream())),
            Standing::Hyper(lease) => ForHyper::Lease(lease),
        };
        // Boxed: the usual exchange has no need of its size.
        match Box::pin(send_by_hyper(pool, connection, request, meter.as_deref(), used)).await {
            Ok(answered) => return answered.map_or_else(Answer::failed, Answer::new),
            Err(Lost { again: Some(again), sent, error }) if used && (!sent || again::is_soon(started)) => {
                again::tell(&error);
                (request, anew) = (*again, sent);
            }
            Err(lost) => return Answer::failed(broken(&lost.error)),
        }
    }
}

async fn send_by_hyper(
    pool: &Arc<Pool>,
    connection: ForHyper,
    request: Request<Body>,
    meter: Option<&Meter>,
    used: bool,
) -> Result<Result<Response<Body>, Fault>, Lost> {
    let mut lease = match connection {
        ForHyper::Lease(lease) => lease,
        ForHyper::Stream(stream) => match Lease::over(stream).await {
            Ok(lease) => lease,
            Err(fault) => return Ok(Err(fault)),
        },
    };
    let copy = (used && again::is_safe(&request)).then(|| Box::new(again::head_of(&request)));
    let response = lease.exchange(request).await.map_err(|mut lost| {
        if lost.sent && !lost.error.is_parse() {
            lost.again = copy;
        }
        lost
    })?;
    // Before it is cleaned. What an older server says of the connection hyper remembers.
    let is_usual = response.version() == Version::HTTP_11 && response.headers().contains_key(CONTENT_LENGTH);
    Ok(cleaned(response).and_then(|response| answer(response, lease, pool, meter, is_usual)))
}

/// An answer that has come whole with its head goes on at once, and the connection is free.
fn answer(
    response: Response<Incoming>,
    mut lease: Box<Lease>,
    pool: &Arc<Pool>,
    meter: Option<&Meter>,
    is_usual: bool,
) -> Result<Response<Body>, Fault> {
    let (parts, mut incoming) = response.into_parts();
    if meter.is_some_and(Meter::is_coming) {
        // The upstream answers while it still reads: neither direction may wait for the other.
        if let Some(connection) = lease.connection.take() {
            tokio::spawn(connection);
        }
        return Ok(Response::from_parts(parts, Body::stream(incoming)));
    }
    let first = match quietly(|context| Pin::new(&mut incoming).poll_frame(context)) {
        Poll::Ready(Some(Err(error))) => return Err(broken(&error)),
        Poll::Ready(Some(Ok(frame))) => Some(frame),
        Poll::Ready(None) => {
            pool.put_lease(lease);
            return Ok(Response::from_parts(parts, Body::empty()));
        }
        Poll::Pending => None,
    };
    let body = match first.map(Frame::into_data) {
        Some(Ok(bytes)) if incoming.is_end_stream() => {
            if is_usual {
                pool.put_plain(*lease);
            } else {
                pool.put_lease(lease);
            }
            bytes.into()
        }
        first => {
            let first = first.map(|frame| frame.map_or_else(|trailers| trailers, Frame::data));
            Body::boxed(Answered { first, incoming, lease: Some(lease), pool: Arc::clone(pool) })
        }
    };
    Ok(Response::from_parts(parts, body))
}

/// Sends a request to go on in WebSocket, on a connection of its own.
pub(super) async fn upgrade(address: &Address, request: Request<Body>, upgrade: Upgrade) -> Answer {
    match upgraded(address, request).await {
        // To a stream, which is asked by CONNECT, any 2xx would be the agreement that it is not.
        Ok((response, None)) if upgrade.is_stream && response.status().is_success() => Answer::failed(Fault::Broken),
        Ok((response, None)) => match cleaned(response) {
            Ok(response) => Answer::new(response.map(Body::stream)),
            Err(fault) => Answer::failed(fault),
        },
        Ok((response, Some(upstream))) => {
            let mut response = cleaned_head(response).map(|_| Body::empty());
            if upgrade.is_stream {
                response.headers_mut().remove(SEC_WEBSOCKET_ACCEPT);
                *response.status_mut() = StatusCode::OK;
            } else {
                headers::ask_for_websocket(response.headers_mut());
            }
            Answer { upgraded: Some((upgrade.client, upstream)), ..Answer::new(response) }
        }
        Err(fault) => Answer::failed(fault),
    }
}

async fn upgraded(address: &Address, request: Request<Body>) -> Result<(Response<Incoming>, Option<Upgraded>), Fault> {
    let mut lease = Lease::over(Replayed::nothing(address.connect().await?)).await?;
    if let Some(connection) = lease.connection.take() {
        tokio::spawn(connection.with_upgrades());
    }
    let mut response = lease.sender.send_request(request).await.map_err(|error| broken(&error))?;
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        return Ok((response, None));
    }
    if !headers::asks_for_websocket(response.headers()) {
        return Err(Fault::Broken);
    }
    let upstream = hyper::upgrade::on(&mut response).await.map_err(|error| broken(&error))?;
    Ok((response, Some(upstream)))
}
