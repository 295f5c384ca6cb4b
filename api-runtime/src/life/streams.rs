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

type Stream = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Takes the streams that hyper has read.
#[derive(Clone, Default)]
pub(super) struct Streams(Arc<Mutex<Vec<Stream>>>);

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for Streams {
    fn execute(&self, stream: F) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(Box::pin(stream));
    }
}

impl Streams {
    /// Runs what was taken. False if there was nothing.
    fn run(&self) -> bool {
        let streams = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
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
