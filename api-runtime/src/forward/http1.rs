//! HTTP/1.1 to the upstream. A connection is not a task of its own: whoever waits for its answer drives it, which saves
//! two wake-ups for each request.

use super::{Address, Io, broken, cleaned, cleaned_head};
use crate::application::{Answer, Fault, Upgrade};
use crate::body::{Body, BodyError};
use crate::headers;
use crate::meter::{Meter, Progress};
use crate::sharded::Sharded;
use bytes::Bytes;
use http::header::SEC_WEBSOCKET_ACCEPT;
use http::{Request, Response, StatusCode};
use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper::body::Incoming;
use hyper::client::conn::http1::{Builder, Connection, SendRequest};
use hyper::upgrade::Upgraded;
use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

/// A connection that waited longer is not used again: many servers close theirs after 5 s, and a request that meets the
/// close is lost.
const KEPT: Duration = Duration::from_secs(4);
/// So many connections wait for each thread.
const WAITING: usize = 256;

/// A connection to the upstream, and the way to send a request on it.
struct Lease {
    sender: SendRequest<Body>,
    /// `None` once it has ended.
    connection: Option<Connection<Io, Body>>,
    since: Instant,
}

/// The connections that wait for a request.
pub(super) struct Pool(Sharded<Mutex<VecDeque<Box<Lease>>>>);

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

impl Pool {
    /// The connection that was used last, so that those not needed grow old; if it still stands.
    fn take(&self) -> Option<Box<Lease>> {
        loop {
            let mut lease = self.0.here().lock().unwrap_or_else(PoisonError::into_inner).pop_back()?;
            if lease.since.elapsed() < KEPT && lease.is_ready() {
                return Some(lease);
            }
        }
    }

    fn put(&self, mut lease: Box<Lease>) {
        if !lease.sender.is_ready() && !lease.is_ready() {
            return;
        }
        lease.since = Instant::now();
        let mut waiting = self.0.here().lock().unwrap_or_else(PoisonError::into_inner);
        waiting.push_back(lease);
        let old = waiting.front().is_some_and(|oldest| oldest.since.elapsed() > KEPT);
        let dropped = if old || waiting.len() > WAITING { waiting.pop_front() } else { None };
        drop(waiting);
        drop(dropped);
    }
}

impl Lease {
    async fn connect(address: &Address) -> Result<Box<Self>, Fault> {
        let (sender, connection) = Builder::new().handshake(address.connect().await?).await.map_err(|e| broken(&e))?;
        Ok(Box::new(Self { sender, connection: Some(connection), since: Instant::now() }))
    }

    /// Lets the connection read and write. False once it has ended; whoever waits for it then hears of it.
    fn drive(&mut self, context: &mut Context<'_>) -> bool {
        let Some(connection) = &mut self.connection else { return false };
        if let Poll::Ready(result) = Pin::new(connection).poll(context) {
            if let Err(error) = result {
                tracing::debug!(%error, "a connection to the upstream ended");
            }
            self.connection = None;
        }
        self.connection.is_some()
    }

    /// Whether it can take a request; a connection that the upstream closed meanwhile shows it now.
    fn is_ready(&mut self) -> bool {
        self.drive(&mut quietly()) && self.sender.is_ready()
    }
}

/// What a connection does wakes those who wait for it, but they are the ones who drive it and look for themselves.
fn quietly() -> Context<'static> {
    Context::from_waker(Waker::noop())
}

/// Sends a request and waits for the head of its answer.
pub(super) async fn send(
    pool: &Arc<Pool>,
    address: &Address,
    mut request: Request<Body>,
    meter: Option<Arc<Meter>>,
) -> Answer {
    loop {
        let (mut lease, fresh) = match pool.take() {
            Some(lease) => (lease, false),
            None => match Lease::connect(address).await {
                Ok(lease) => (lease, true),
                Err(fault) => return Answer::failed(fault),
            },
        };
        match exchange(&mut lease, request).await {
            Ok(response) => {
                let answered = cleaned(response).and_then(|response| answer(response, lease, pool, meter));
                return answered.map_or_else(Answer::failed, Answer::new);
            }
            // Nothing of it was sent: another connection may take it.
            Err((_, Some(unsent))) if !fresh => request = *unsent,
            Err((error, _)) => return Answer::failed(broken(&error)),
        }
    }
}

type Unsent = Option<Box<Request<Body>>>;

async fn exchange(lease: &mut Lease, request: Request<Body>) -> Result<Response<Incoming>, (hyper::Error, Unsent)> {
    let mut response = pin!(lease.sender.try_send_request(request));
    let result = poll_fn(|context| {
        lease.drive(context);
        response.as_mut().poll(&mut quietly())
    });
    result.await.map_err(|mut error| {
        let unsent = error.take_message().map(Box::new);
        (error.into_error(), unsent)
    })
}

/// An answer that has come whole with its head goes on at once, and the connection is free.
fn answer(
    response: Response<Incoming>,
    mut lease: Box<Lease>,
    pool: &Arc<Pool>,
    meter: Option<Arc<Meter>>,
) -> Result<Response<Body>, Fault> {
    let (parts, mut incoming) = response.into_parts();
    if meter.is_some_and(|meter| meter.progress() == Progress::Coming) {
        // The upstream answers while it still reads: neither direction may wait for the other.
        if let Some(connection) = lease.connection.take() {
            tokio::spawn(connection);
        }
        return Ok(Response::from_parts(parts, Body::stream(incoming)));
    }
    let first = match Pin::new(&mut incoming).poll_frame(&mut quietly()) {
        Poll::Ready(Some(Err(error))) => return Err(broken(&error)),
        Poll::Ready(Some(Ok(frame))) => Some(frame),
        Poll::Ready(None) => {
            pool.put(lease);
            return Ok(Response::from_parts(parts, Body::empty()));
        }
        Poll::Pending => None,
    };
    let body = match first.map(Frame::into_data) {
        Some(Ok(bytes)) if incoming.is_end_stream() => {
            pool.put(lease);
            bytes.into()
        }
        first => {
            let first = first.map(|frame| frame.map_or_else(|trailers| trailers, Frame::data));
            Body::boxed(Answered { first, incoming, lease: Some(lease), pool: Arc::clone(pool) })
        }
    };
    Ok(Response::from_parts(parts, body))
}

/// The body of an answer that comes piece by piece; whoever reads it drives the connection.
struct Answered {
    first: Option<Frame<Bytes>>,
    incoming: Incoming,
    /// Given back when the body is complete.
    lease: Option<Box<Lease>>,
    pool: Arc<Pool>,
}

impl Answered {
    /// What the connection has read so far.
    fn poll_read(&mut self) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let polled = Pin::new(&mut self.incoming).poll_frame(&mut quietly());
        let complete = match &polled {
            Poll::Ready(Some(Ok(_))) => self.incoming.is_end_stream(),
            Poll::Ready(Some(Err(_))) => {
                self.lease = None;
                false
            }
            Poll::Ready(None) => true,
            Poll::Pending => false,
        };
        if complete && let Some(lease) = self.lease.take() {
            self.pool.put(lease);
        }
        polled.map_err(Into::into)
    }
}

impl HttpBody for Answered {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(Ok(first)));
        }
        let polled = self.poll_read();
        if polled.is_ready() {
            return polled;
        }
        let Some(lease) = &mut self.lease else { return Poll::Ready(None) };
        lease.drive(context);
        self.poll_read()
    }

    fn is_end_stream(&self) -> bool {
        self.first.is_none() && self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let mut hint = self.incoming.size_hint();
        if let (Some(first), Some(rest)) = (self.first.as_ref().and_then(Frame::data_ref), hint.exact()) {
            hint.set_exact(rest + first.len() as u64);
        }
        hint
    }
}

/// Sends a request to go on in WebSocket, on a connection of its own.
pub(super) async fn upgrade(address: &Address, request: Request<Body>, upgrade: Upgrade) -> Answer {
    match upgraded(address, request).await {
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
    let mut lease = Lease::connect(address).await?;
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
