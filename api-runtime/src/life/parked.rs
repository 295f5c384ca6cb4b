//! A connection of HTTP/1.1 between two requests that are far apart: hyper and its 16 KiB of buffers are given back, and
//! made again when the client speaks.

use super::supervisor::Graceful;
use crate::connection::{Connection, Observed};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::io::{AsyncBufRead, AsyncWrite};

/// Waits for the first byte of the next request, or the end of the connection.
pub(super) struct Parked<S> {
    stream: Observed<S>,
    closing: bool,
    _counted: Counted,
}

/// One of the connections that are parked, for the status.
struct Counted(Arc<Connection>);

impl Counted {
    fn new(connection: Arc<Connection>) -> Self {
        connection.gate().connections.parked(1);
        Self(connection)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.gate().connections.parked(-1);
    }
}

impl<S> Parked<S> {
    pub(super) fn new(stream: Observed<S>, connection: &Arc<Connection>) -> Self {
        Self { stream, closing: false, _counted: Counted::new(Arc::clone(connection)) }
    }

    /// The connection, unless it was closed.
    pub(super) fn into_stream(self) -> Option<Observed<S>> {
        (!self.closing).then_some(self.stream)
    }
}

impl<S: AsyncBufRead + AsyncWrite + Unpin> Future for Parked<S> {
    type Output = hyper::Result<()>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<hyper::Result<()>> {
        // What is read stays where it is; an error shows again to whoever reads next.
        if self.closing {
            Pin::new(&mut self.stream).poll_shutdown(context).map(|_| Ok(()))
        } else {
            self.stream.poll_readable(context).map(Ok)
        }
    }
}

impl<S: AsyncBufRead + AsyncWrite + Unpin> Graceful for Parked<S> {
    fn graceful(&mut self) {
        self.closing = true;
    }
}
