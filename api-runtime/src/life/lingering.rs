//! The end of a connection on which a request was answered before all of it had come. With something unread, closing
//! would reset the connection, and the answer might never be seen (RFC 9112 §9.6).

use super::supervisor::{Graceful, Supervisor};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, ReadBuf};

/// How long a client may take to notice that it was answered.
const FAREWELL: Duration = Duration::from_secs(2);

/// Reads what still comes and forgets it. Our side is closed already.
pub(super) async fn linger(supervisor: &mut Supervisor<'_>, stream: impl AsyncRead + Unpin) {
    let _ = tokio::time::timeout(FAREWELL, supervisor.supervise(&mut Lingering { stream, over: false })).await;
}

/// Until the client closes or is told to go.
struct Lingering<S> {
    stream: S,
    over: bool,
}

impl<S: AsyncRead + Unpin> Future for Lingering<S> {
    type Output = hyper::Result<()>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<hyper::Result<()>> {
        let mut bytes = [0; 4096];
        while !self.over {
            let mut buffer = ReadBuf::new(&mut bytes);
            let read = ready!(Pin::new(&mut self.stream).poll_read(context, &mut buffer));
            self.over = read.is_err() || buffer.filled().is_empty();
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + Unpin> Graceful for Lingering<S> {
    fn graceful(&mut self) {
        self.over = true;
    }

    /// As with a tunnel, there is no request to wait for.
    fn is_tunnel(&self) -> bool {
        true
    }
}
