//! A connection to the upstream that hyper runs. It is not a task of its own: whoever waits for its answer drives it,
//! which saves two wake-ups for each request.

use super::Io;
use super::plain::quietly;
use super::replayed::Replayed;
use crate::body::Body;
use crate::forward::broken;
use crate::outcome::Fault;
use crate::socket::Socket;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::http1::{Builder, Connection, SendRequest};
use hyper_util::rt::TokioIo;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

/// A connection to the upstream, and the way to send a request on it.
pub(super) struct Lease {
    pub(super) sender: SendRequest<Body>,
    /// `None` once it has ended.
    pub(super) connection: Option<Connection<Io, Body>>,
}

/// A request without an answer.
pub(super) struct Lost {
    pub(super) error: hyper::Error,
    /// The request, if it may go out on another connection.
    pub(super) again: Option<Box<Request<Body>>>,
    /// Whether a part of it may have gone out on this one.
    pub(super) sent: bool,
}

impl Lease {
    pub(super) async fn over(stream: Replayed) -> Result<Box<Self>, Fault> {
        let (sender, connection) = Builder::new().handshake(TokioIo::new(stream)).await.map_err(|e| broken(&e))?;
        Ok(Box::new(Self { sender, connection: Some(connection) }))
    }

    /// Lets the connection read and write. False once it has ended; whoever waits for it then hears of it.
    pub(super) fn drive(&mut self, context: &mut Context<'_>) -> bool {
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
    pub(super) fn is_ready(&mut self) -> bool {
        quietly(|context| Poll::Ready(self.drive(context))) == Poll::Ready(true) && self.sender.is_ready()
    }

    /// The stream of a connection that is ready, without hyper.
    pub(super) fn into_stream(self) -> Option<Socket> {
        let parts = self.connection?.into_parts();
        parts.io.into_inner().into_stream().filter(|_| parts.read_buf.is_empty())
    }

    /// Sends a request and waits for the head of its answer. What the connection does wakes those who wait for it, but
    /// they are the ones who drive it and look for themselves.
    pub(super) async fn exchange(&mut self, request: Request<Body>) -> Result<Response<Incoming>, Lost> {
        let mut response = pin!(self.sender.try_send_request(request));
        let result = poll_fn(|context| {
            self.drive(context);
            quietly(|context| response.as_mut().poll(context))
        });
        result.await.map_err(|mut error| {
            let again = error.take_message().map(Box::new);
            Lost { sent: again.is_none(), again, error: error.into_error() }
        })
    }
}
