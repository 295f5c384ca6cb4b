//! The body of a request on its way to the application: measured, limited in length, and not waited for without end.

use crate::body::{Body, BodyError};
use crate::headers;
use crate::idle::Idle;
use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper::body::Incoming;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

/// What is known of a request's body from outside, while somebody else reads it.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    bytes: AtomicU64,
    state: AtomicU8,
}

/// How far a request's body has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Progress {
    /// Whoever is to read it has what came, and has not asked for more.
    Coming,
    /// More was asked for, and the client has not sent it yet.
    Awaited,
    Complete,
    TooLong,
    /// The client sent nothing for `idleTimeout`.
    Stalled,
    /// The client broke off, or its framing is wrong.
    Broken,
}

impl Meter {
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    pub(crate) fn progress(&self) -> Progress {
        match self.state.load(Ordering::Relaxed) {
            0 => Progress::Coming,
            1 => Progress::Awaited,
            2 => Progress::Complete,
            3 => Progress::TooLong,
            4 => Progress::Stalled,
            _ => Progress::Broken,
        }
    }

    /// Whether the client has more to send.
    pub(crate) fn is_coming(&self) -> bool {
        matches!(self.progress(), Progress::Coming | Progress::Awaited)
    }

    fn set(&self, progress: Progress) {
        self.state.store(progress as u8, Ordering::Relaxed);
    }
}

#[derive(Debug, thiserror::Error)]
enum RequestBodyError {
    #[error("the request's body is longer than `limits.bodyBytes`")]
    TooLong,
    #[error("the client sent nothing for `limits.idleTimeout`")]
    Stalled,
}

/// A request's body and, if there is any, what measures it.
pub(crate) fn measured(incoming: Incoming, limit: Option<u64>, idle: Duration) -> (Body, Option<Arc<Meter>>) {
    if incoming.is_end_stream() {
        return (Body::empty(), None);
    }
    let meter = Arc::new(Meter::default());
    let body =
        Measured { incoming, limit: limit.unwrap_or(u64::MAX), idle: Idle::new(idle), meter: Arc::clone(&meter) };
    (Body::boxed(body), Some(meter))
}

struct Measured {
    incoming: Incoming,
    limit: u64,
    idle: Idle,
    meter: Arc<Meter>,
}

impl Measured {
    fn fail(&self, progress: Progress, error: impl Into<BodyError>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        self.meter.set(progress);
        Poll::Ready(Some(Err(error.into())))
    }

    fn pass(&mut self, mut frame: Frame<Bytes>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        self.idle.moved();
        if let Some(data) = frame.data_ref() {
            let bytes = self.meter.bytes.fetch_add(data.len() as u64, Ordering::Relaxed) + data.len() as u64;
            if bytes > self.limit {
                return self.fail(Progress::TooLong, RequestBodyError::TooLong);
            }
        } else if let Some(trailers) = frame.trailers_mut() {
            headers::clean_trailers(trailers);
        }
        // A stream of HTTP/2 may say only later that it ends where it was announced to end; nobody waits for that.
        let complete = self.incoming.is_end_stream() || self.incoming.size_hint().exact() == Some(0);
        self.meter.set(if complete { Progress::Complete } else { Progress::Coming });
        Poll::Ready(Some(Ok(frame)))
    }
}

impl HttpBody for Measured {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match Pin::new(&mut self.incoming).poll_frame(context) {
            Poll::Ready(Some(Ok(frame))) => self.pass(frame),
            Poll::Ready(Some(Err(error))) => self.fail(Progress::Broken, error),
            Poll::Ready(None) => {
                self.meter.set(Progress::Complete);
                Poll::Ready(None)
            }
            Poll::Pending => match self.idle.poll(context) {
                Poll::Ready(()) => self.fail(Progress::Stalled, RequestBodyError::Stalled),
                Poll::Pending => {
                    self.meter.set(Progress::Awaited);
                    Poll::Pending
                }
            },
        }
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}
