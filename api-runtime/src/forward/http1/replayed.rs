//! A stream on which hyper is to read the answer to a request that was sent already: it is told that its own copy of the
//! request went out, and then it reads what was read before.

use crate::socket::Socket;
use bytes::Bytes;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

#[derive(Debug)]
pub(super) struct Replayed {
    stream: Socket,
    before: Bytes,
    /// Whether the request is still to be taken for sent.
    expects_request: bool,
}

impl Replayed {
    /// A stream whose first request was sent, and answered with `before` and what follows.
    pub(super) fn answer(stream: Socket, before: Bytes) -> Self {
        Self { stream, before, expects_request: true }
    }

    /// A stream as it is.
    pub(super) fn nothing(stream: Socket) -> Self {
        Self { stream, before: Bytes::new(), expects_request: false }
    }

    /// The stream, unless something is left to be read from before.
    pub(super) fn into_stream(self) -> Option<Socket> {
        (self.before.is_empty() && !self.expects_request).then_some(self.stream)
    }

    /// Until it has read the answer, hyper has but one head to write, and that went out.
    fn is_swallowing(&mut self, context: &Context<'_>) -> bool {
        if self.expects_request {
            // It found nothing to read before it had written, and would wait for the socket now.
            context.waker().wake_by_ref();
            self.expects_request = false;
        }
        !self.before.is_empty()
    }
}

impl AsyncRead for Replayed {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.expects_request {
            return Poll::Pending;
        }
        if !self.before.is_empty() {
            let count = self.before.len().min(buffer.remaining());
            buffer.put_slice(&self.before.split_to(count));
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Replayed {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.is_swallowing(context) {
            return Poll::Ready(Ok(bytes.len()));
        }
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.is_swallowing(context) {
            return Poll::Ready(Ok(pieces.iter().map(|piece| piece.len()).sum()));
        }
        Pin::new(&mut self.stream).poll_write_vectored(context, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
