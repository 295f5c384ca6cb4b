//! The body of an answer that comes piece by piece.

use super::Pool;
use super::lease::Lease;
use super::plain::quietly;
use crate::body::BodyError;
use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper::body::Incoming;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// Whoever reads it drives the connection.
pub(super) struct Answered {
    pub(super) first: Option<Frame<Bytes>>,
    pub(super) incoming: Incoming,
    /// Given back when the body is complete.
    pub(super) lease: Option<Box<Lease>>,
    pub(super) pool: Arc<Pool>,
}

impl Answered {
    /// What the connection has read so far.
    fn poll_read(&mut self) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let polled = quietly(|context| Pin::new(&mut self.incoming).poll_frame(context));
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
            self.pool.put_lease(lease);
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
