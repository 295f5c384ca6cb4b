//! The usual exchange, without hyper, which would take a third of what forwarding costs: a GET without a body, and an
//! answer whose head and body come in one read. All else is hyper's: it is handed the connection together with what was
//! read, see [`Replayed`], so that there is one place that knows how messages are framed.

use super::replayed::Replayed;
use crate::body::Body;
use crate::headers;
use crate::socket::Socket;
use bytes::{Bytes, BytesMut};
use http::header::{CONNECTION, CONTENT_LENGTH, HeaderMap, HeaderName, TRANSFER_ENCODING};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body::Body as _;
use httparse::{EMPTY_HEADER, Status};
use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, ReadBuf};
use tokio::task::unconstrained;

/// What is read at once.
const READ: usize = 8 << 10;
/// An answer with more headers is not usual.
const HEADERS: usize = 48;

/// A connection between two exchanges.
pub(super) struct Plain {
    stream: Socket,
    buffer: BytesMut,
}

/// How an exchange went on.
pub(super) enum Exchanged {
    /// The answer, and the connection if it can take another request.
    Whole(Response<Body>, Option<Plain>),
    /// The request was sent; the answer is for hyper to read.
    Unusual(Replayed),
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) struct Broken {
    pub(super) error: io::Error,
    /// Nothing of the request was sent.
    pub(super) unsent: bool,
}

/// Whether a request is one that [`Plain::exchange`] takes.
pub(super) fn is_usual(request: &Request<Body>) -> bool {
    *request.method() == Method::GET && request.body().is_end_stream()
}

impl Plain {
    pub(super) fn new(stream: Socket) -> Self {
        Self { stream, buffer: BytesMut::new() }
    }

    /// A new connection, unless the upstream has spoken already: what it said would be taken for the answer.
    pub(super) fn fresh(stream: Socket) -> Option<Self> {
        let mut plain = Self::new(stream);
        plain.is_quiet().then_some(plain)
    }

    pub(super) fn into_stream(self) -> Socket {
        self.stream
    }

    /// Whether the upstream has neither closed it nor said anything that nobody asked for.
    pub(super) fn is_quiet(&mut self) -> bool {
        quietly(|context| Pin::new(&mut self.stream).poll_read(context, &mut ReadBuf::new(&mut [0]))).is_pending()
    }

    /// Sends the request and reads once.
    pub(super) fn exchange(
        mut self,
        request: &Request<Body>,
    ) -> impl Future<Output = Result<Exchanged, Broken>> + Send + use<> {
        self.buffer.clear();
        self.buffer.reserve(READ);
        write_head(&mut self.buffer, request);
        async move {
            self.send().await?;
            self.buffer.clear();
            let read = self.stream.read_buf(&mut self.buffer).await;
            let read = read.and_then(|count| some(count, io::ErrorKind::UnexpectedEof));
            read.map_err(|error| Broken { error, unsent: false })?;
            let read = self.buffer.split().freeze();
            Ok(match whole(&read) {
                Some((response, rest)) => Exchanged::Whole(response, rest.is_empty().then_some(self)),
                None => Exchanged::Unusual(Replayed::answer(self.stream, read)),
            })
        }
    }

    async fn send(&mut self) -> Result<(), Broken> {
        let mut sent = 0;
        while let Some(rest) = self.buffer.get(sent..).filter(|rest| !rest.is_empty()) {
            let written = self.stream.write(rest).await.and_then(|count| some(count, io::ErrorKind::WriteZero));
            sent += written.map_err(|error| Broken { error, unsent: sent == 0 })?;
        }
        Ok(())
    }
}

/// No bytes are an error.
fn some(count: usize, nothing: io::ErrorKind) -> io::Result<usize> {
    if count == 0 { Err(nothing.into()) } else { Ok(count) }
}

/// What is in the head has been checked where it was made: no value holds a line break, the target is normal.
fn write_head(out: &mut BytesMut, request: &Request<Body>) {
    out.extend_from_slice(request.method().as_str().as_bytes());
    out.extend_from_slice(b" ");
    out.extend_from_slice(request.uri().path_and_query().map_or("/", |target| target.as_str()).as_bytes());
    out.extend_from_slice(b" HTTP/1.1\r\n");
    for (name, value) in request.headers() {
        out.extend_from_slice(name.as_str().as_bytes());
        out.extend_from_slice(b": ");
        out.extend_from_slice(value.as_bytes());
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b"\r\n");
}

/// The answer without what belongs to its connection, if all of it is there and nothing about it needs a second thought;
/// and what came behind it.
fn whole(read: &Bytes) -> Option<(Response<Body>, Bytes)> {
    let mut places = [EMPTY_HEADER; HEADERS];
    let mut head = httparse::Response::new(&mut places);
    let Ok(Status::Complete(length)) = head.parse(read) else { return None };
    let status = StatusCode::from_u16(head.code?).ok()?;
    if head.version != Some(1) || !has_body(status) || head.reason != status.canonical_reason() {
        return None;
    }
    let mut map = HeaderMap::with_capacity(head.headers.len());
    let mut body_length = None;
    for header in head.headers.iter() {
        let name = HeaderName::from_bytes(header.name.as_bytes()).ok()?;
        if name == CONTENT_LENGTH {
            body_length = Some(usual_length(header.value).filter(|_| body_length.is_none())?);
        } else if name == TRANSFER_ENCODING || name == CONNECTION && !header.value.eq_ignore_ascii_case(b"keep-alive") {
            return None;
        }
        // As `clean_response` would do: nothing else can be named by `Connection`.
        if !headers::is_of_one_hop(name.as_str()) {
            map.append(name, HeaderValue::from_maybe_shared(read.slice_ref(header.value)).ok()?);
        }
    }
    let mut rest = read.slice(length..);
    let body_length = body_length.filter(|length| *length <= rest.len())?;
    let mut response = Response::new(Body::from(rest.split_to(body_length)));
    *response.status_mut() = status;
    *response.headers_mut() = map;
    Some((response, rest))
}

/// Neither of the answers that are followed by another, nor of those that end with their head whatever it says.
fn has_body(status: StatusCode) -> bool {
    !status.is_informational() && !matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
}

fn usual_length(digits: &[u8]) -> Option<usize> {
    if digits.iter().all(u8::is_ascii_digit) { std::str::from_utf8(digits).ok()?.parse().ok() } else { None }
}

/// Polls what nobody waits for. Were it bound by what tokio lets a task do in one turn, a connection that is closed might
/// seem to stand, an answer not to be there, and nobody would look again.
pub(super) fn quietly<T>(poll: impl FnMut(&mut Context<'_>) -> Poll<T>) -> Poll<T> {
    pin!(unconstrained(poll_fn(poll))).poll(&mut Context::from_waker(Waker::noop()))
}

#[cfg(test)]
mod tests;
