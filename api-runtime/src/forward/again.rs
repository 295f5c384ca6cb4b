//! What it takes to send a request a second time: a copy of its head, and its body as long as no more than the first
//! piece of it was read. A call of gRPC mostly is one piece.

use crate::body::{Body, BodyError};
use bytes::Bytes;
use http::Request;
use http_body::{Body as HttpBody, Frame, SizeHint};
use std::error::Error;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

/// Whether nothing changes if the upstream has done it already (RFC 9110 §9.2.1), and there is nothing but its head to send.
pub(super) fn is_safe(request: &Request<Body>) -> bool {
    request.method().is_safe() && request.body().is_end_stream()
}

/// Whether what was sent may be sent again. A waiting connection shows in milliseconds that it was closed; what breaks off
/// later broke at the request, and the permit is no longer new.
pub(super) fn is_soon(started: Instant) -> bool {
    started.elapsed() < Duration::from_secs(1)
}

/// Of what is sent again nothing else tells.
pub(super) fn tell(error: &dyn Error) {
    tracing::debug!(%error, "the upstream broke off or refused; the request is sent again");
}

/// The request without its body.
pub(super) fn head_of(request: &Request<Body>) -> Request<Body> {
    let mut copy = Request::new(Body::empty());
    *copy.method_mut() = request.method().clone();
    *copy.uri_mut() = request.uri().clone();
    *copy.version_mut() = request.version();
    *copy.headers_mut() = request.headers().clone();
    copy
}

/// What is kept of a request that was handed on.
pub(super) struct Again {
    head: Request<Body>,
    /// `None` if it has no body.
    rest: Option<Arc<Mutex<Rest>>>,
}

/// A body that is being sent.
struct Rest {
    /// `None` once it is sent elsewhere.
    body: Option<Body>,
    read: Read,
}

/// What was read of it.
enum Read {
    Nothing,
    First(Bytes),
    More,
}

impl Again {
    /// The request to hand on, and what is kept of it.
    pub(super) fn of(request: Request<Body>) -> (Request<Body>, Self) {
        let head = head_of(&request);
        if request.body().is_end_stream() {
            return (request, Self { head, rest: None });
        }
        let (parts, body) = request.into_parts();
        let rest = Arc::new(Mutex::new(Rest { body: Some(body), read: Read::Nothing }));
        let kept = Body::boxed(Kept(Arc::clone(&rest)));
        (Request::from_parts(parts, kept), Self { head, rest: Some(rest) })
    }

    /// The request once more, unless too much of its body was read.
    pub(super) fn request(mut self) -> Option<Request<Body>> {
        let head = std::mem::take(&mut self.head);
        let Some(rest) = &self.rest else { return Some(head) };
        let mut rest = locked(rest);
        let body = match std::mem::replace(&mut rest.read, Read::More) {
            Read::Nothing => rest.body.take()?,
            Read::First(first) => Body::boxed(Resumed { first: Some(first), rest: rest.body.take()? }),
            Read::More => return None,
        };
        Some(head.map(|_| body))
    }
}

/// Nothing is kept of a body that goes on after the answer has begun.
impl Drop for Again {
    fn drop(&mut self) {
        if let Some(rest) = &self.rest {
            locked(rest).read = Read::More;
        }
    }
}

/// A body whose first piece is kept until the next is read.
struct Kept(Arc<Mutex<Rest>>);

impl HttpBody for Kept {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let mut rest = locked(&self.0);
        let Some(body) = &mut rest.body else { return Poll::Ready(Some(Err("it is sent elsewhere".into()))) };
        let polled = Pin::new(body).poll_frame(context);
        if let Poll::Ready(Some(result)) = &polled {
            let data = result.as_ref().ok().and_then(Frame::data_ref);
            rest.read = match (&rest.read, data) {
                (Read::Nothing, Some(data)) => Read::First(data.clone()),
                _ => Read::More,
            };
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        locked(&self.0).body.as_ref().is_some_and(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        locked(&self.0).body.as_ref().map_or_else(SizeHint::default, Body::size_hint)
    }
}

/// A body from its beginning, the first piece of which was read before.
struct Resumed {
    first: Option<Bytes>,
    rest: Body,
}

impl HttpBody for Resumed {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match self.first.take() {
            Some(first) => Poll::Ready(Some(Ok(Frame::data(first)))),
            None => Pin::new(&mut self.rest).poll_frame(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.first.is_none() && self.rest.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let mut hint = self.rest.size_hint();
        if let (Some(first), Some(rest)) = (&self.first, hint.exact()) {
            hint.set_exact(rest + first.len() as u64);
        }
        hint
    }
}

fn locked(rest: &Mutex<Rest>) -> MutexGuard<'_, Rest> {
    rest.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::{StreamExt, stream};
    use http_body_util::{BodyExt, StreamBody};

    fn post(pieces: &'static [&'static str]) -> Request<Body> {
        let frames = pieces.iter().map(|piece| Ok::<_, BodyError>(Frame::data(Bytes::from_static(piece.as_bytes()))));
        Request::post("/a").header("x-a", "1").body(Body::stream(StreamBody::new(stream::iter(frames)))).unwrap()
    }

    #[tokio::test]
    async fn a_body_starts_again_until_its_second_piece_is_read() {
        for (read, again) in [(0, true), (1, true), (2, false), (3, false)] {
            let (mut first, kept) = Again::of(post(&["ab", "cd"]));
            for _ in 0..read {
                first.body_mut().frame().await;
            }
            let second = kept.request();
            assert_eq!(second.is_some(), again, "{read}");
            let Some(second) = second else { continue };
            assert_eq!((second.method().as_str(), &second.headers()["x-a"]), ("POST", &"1".parse().unwrap()));
            assert_eq!(second.into_body().collect().await.unwrap().to_bytes(), "abcd");
            assert!(first.body_mut().frame().await.unwrap().is_err(), "what is sent elsewhere has no end here");
        }
    }

    #[tokio::test]
    async fn nothing_is_kept_once_the_answer_has_begun() {
        let frames = stream::iter([Ok::<_, BodyError>(Frame::data(Bytes::from(vec![7; 9])))]).chain(stream::pending());
        let (mut first, kept) =
            Again::of(Request::post("/a").body(Body::stream(StreamBody::new(Box::pin(frames)))).unwrap());
        let piece = first.body_mut().frame().await.unwrap().unwrap().into_data().unwrap();
        assert!(!piece.is_unique());
        drop(kept);
        assert!(piece.is_unique());
    }

    #[tokio::test]
    async fn a_length_stays_what_it_was() {
        let (mut first, kept) = Again::of(Request::post("/a").body(Body::from("abc")).unwrap());
        assert_eq!(first.body().size_hint().exact(), Some(3));
        first.body_mut().frame().await.unwrap().unwrap();
        assert!(first.body().is_end_stream());
        let second = kept.request().unwrap().into_body();
        assert_eq!((second.size_hint().exact(), second.is_end_stream()), (Some(3), false));
    }

    #[test]
    fn only_what_changes_nothing_and_has_no_body_is_safe() {
        for (method, body, safe) in [
            ("GET", "", true),
            ("HEAD", "", true),
            ("OPTIONS", "", true),
            ("GET", "a", false),
            ("POST", "", false),
            ("PUT", "", false),
            ("DELETE", "", false),
        ] {
            assert_eq!(
                is_safe(&Request::builder().method(method).body(Body::from(body)).unwrap()),
                safe,
                "{method} {body}"
            );
        }
    }
}
