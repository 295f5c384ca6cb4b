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
    /// Whether everything that hyper has begun to write is written: it flushes the stream when its own buffer is empty.
    flushed: bool,
}

impl Replayed {
    /// A stream whose first request was sent, and answered with `before` and what follows.
    pub(super) fn answer(stream: Socket, before: Bytes) -> Self {
        Self { stream, before, expects_request: true, flushed: true }
    }

    /// A stream as it is.
    pub(super) fn nothing(stream: Socket) -> Self {
        Self { stream, before: Bytes::new(), expects_request: false, flushed: true }
    }

    /// The stream, unless something is left to be read from before, or to be written: an upstream may answer a request
    /// whose head it has not read to its end.
    pub(super) fn into_stream(self) -> Option<Socket> {
        (self.before.is_empty() && !self.expects_request && self.flushed).then_some(self.stream)
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
        self.flushed = false;
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
        self.flushed = false;
        Pin::new(&mut self.stream).poll_write_vectored(context, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        self.flushed |= matches!(flushed, Poll::Ready(Ok(())));
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncWriteExt;
    use tokio::net::{TcpListener, TcpStream};

    async fn replayed() -> (Replayed, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let ours = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        (Replayed::nothing(Socket::from(ours)), listener.accept().await.unwrap().0)
    }

    #[tokio::test]
    async fn a_stream_with_half_a_head_on_it_is_left_to_nobody() {
        let (mut stream, _upstream) = replayed().await;
        stream.write_all(b"DELETE /v1/a HTTP/1.1\r\nhost: ").await.unwrap();
        assert!(stream.into_stream().is_none());
        let (mut stream, _upstream) = replayed().await;
        stream.write_all(b"DELETE /v1/a HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
        stream.flush().await.unwrap();
        assert!(stream.into_stream().is_some());
    }
}
