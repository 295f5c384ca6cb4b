//! A connection of HTTP/1.1 between two requests that are far apart: hyper and its 16 KiB of buffers are given back, and
//! made again when the client speaks.

use super::activity::Observed;
use super::supervisor::Graceful;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncBufRead, AsyncWrite};

/// Waits for the first byte of the next request, or the end of the connection.
pub(super) struct Parked<S> {
    stream: Observed<S>,
    closing: bool,
}

impl<S> Parked<S> {
    pub(super) fn new(stream: Observed<S>) -> Self {
        Self { stream, closing: false }
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
