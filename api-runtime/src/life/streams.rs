//! The streams of one HTTP/2 connection. hyper wants each to be a task, but most are answered the moment they are asked:
//! they are run by the connection itself, all that one read brought before anything is written, so that their answers
//! leave together. Only a stream that has to wait becomes a task.

use super::supervisor::Graceful;
use crate::application::Application;
use crate::request::Requests;
use hyper::rt::{Executor, Read, Write};
use hyper::server::conn::http2;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use tokio::task::Id;

type Stream = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Takes the streams that hyper has read.
#[derive(Clone)]
pub(super) struct Streams {
    taken: Arc<Mutex<Vec<Stream>>>,
    /// The connection's.
    task: Option<Id>,
}

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for Streams {
    fn execute(&self, stream: F) {
        if tokio::task::try_id() == self.task {
            self.taken.lock().unwrap_or_else(PoisonError::into_inner).push(Box::pin(stream));
        } else {
            // A stream that became a task goes on as a tunnel. The connection may have looked for new ones already, and
            // not look again before its client says something.
            tokio::spawn(stream);
        }
    }
}

impl Streams {
    /// Those of the connection that this task runs.
    pub(super) fn of_this_task() -> Self {
        Self { taken: Arc::default(), task: tokio::task::try_id() }
    }

    /// Runs what was taken. False if there was nothing.
    fn run(&self) -> bool {
        let streams = std::mem::take(&mut *self.taken.lock().unwrap_or_else(PoisonError::into_inner));
        let any = !streams.is_empty();
        for mut stream in streams {
            // Its task polls it again, so that nothing is lost with this waker.
            if stream.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending() {
                tokio::spawn(stream);
            }
        }
        any
    }
}

/// An HTTP/2 connection with its streams.
pub(super) struct Http2<I, A: Application> {
    connection: Pin<Box<http2::Connection<I, Requests<A>, Streams>>>,
    streams: Streams,
}

impl<I: Read + Write + Unpin, A: Application> Http2<I, A> {
    pub(super) fn new(connection: http2::Connection<I, Requests<A>, Streams>, streams: Streams) -> Self {
        Self { connection: Box::pin(connection), streams }
    }
}

impl<I: Read + Write + Unpin, A: Application> Future for Http2<I, A> {
    type Output = hyper::Result<()>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<hyper::Result<()>> {
        loop {
            let polled = self.connection.as_mut().poll(context);
            if polled.is_ready() || !self.streams.run() {
                return polled;
            }
        }
    }
}

impl<I: Read + Write + Unpin, A: Application> Graceful for Http2<I, A> {
    fn graceful(&mut self) {
        self.connection.as_mut().graceful_shutdown();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tokio::sync::oneshot;

    #[tokio::test]
    async fn what_another_task_hands_in_does_not_wait_for_the_connection() {
        let (streams, (said, heard)) =
            (tokio::spawn(async { Streams::of_this_task() }).await.unwrap(), oneshot::channel());
        let tunnel = async move { said.send(()).unwrap_or_default() };
        tokio::spawn({
            let streams = streams.clone();
            async move { streams.execute(tunnel) }
        });
        tokio::time::timeout(Duration::from_secs(10), heard).await.expect("it waits").unwrap();
        assert!(!streams.run());
    }

    #[tokio::test]
    async fn what_the_connection_reads_is_run_with_all_that_one_read_brought() {
        let task = tokio::spawn(async {
            let (streams, (said, mut heard)) = (Streams::of_this_task(), oneshot::channel());
            streams.execute(async move { said.send(()).unwrap_or_default() });
            assert!(heard.try_recv().is_err() && streams.run());
            assert!(heard.try_recv().is_ok() && !streams.run());
        });
        task.await.unwrap();
    }
}
