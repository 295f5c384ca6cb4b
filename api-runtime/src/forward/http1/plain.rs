//! The usual exchange, without hyper, which would take a third of what forwarding costs: a GET without a body, and an
//! answer whose head and body come in one read. All else is hyper's: it is handed the connection together with what was
//! read, see [`Replayed`], so that there is one place that knows how messages are framed.

use super::replayed::Replayed;
use crate::body::Body;
use crate::socket::Socket;
use bytes::{Bytes, BytesMut};
use http::header::{CONNECTION, CONTENT_LENGTH, HeaderMap, HeaderName, TRANSFER_ENCODING};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body::Body as _;
use httparse::{EMPTY_HEADER, Status};
use std::io;
use std::pin::Pin;
use std::task::{Context, Waker};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, ReadBuf};

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

    pub(super) fn into_stream(self) -> Socket {
        self.stream
    }

    /// Whether the upstream has neither closed it nor said anything that nobody asked for.
    pub(super) fn is_quiet(&mut self) -> bool {
        Pin::new(&mut self.stream).poll_read(&mut quietly(), &mut ReadBuf::new(&mut [0])).is_pending()
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

/// The answer if all of it is there and nothing about it needs a second thought, and what came behind it.
fn whole(read: &Bytes) -> Option<(Response<Body>, Bytes)> {
    let mut headers = [EMPTY_HEADER; HEADERS];
    let mut head = httparse::Response::new(&mut headers);
    let Ok(Status::Complete(length)) = head.parse(read) else { return None };
    let status = StatusCode::from_u16(head.code?).ok()?;
    if head.version != Some(1) || !has_body(status) || head.reason != status.canonical_reason() {
        return None;
    }
    let mut map = HeaderMap::with_capacity(head.headers.len());
    for header in head.headers.iter() {
        let name = HeaderName::from_bytes(header.name.as_bytes()).ok()?;
        map.append(name, HeaderValue::from_maybe_shared(read.slice_ref(header.value)).ok()?);
    }
    let body_length = usual_length(&map)?;
    let mut rest = read.slice(length..);
    if rest.len() < body_length {
        return None;
    }
    let mut response = Response::new(Body::from(rest.split_to(body_length)));
    *response.status_mut() = status;
    *response.headers_mut() = map;
    Some((response, rest))
}

/// Neither of the answers that are followed by another, nor of those that end with their head whatever it says.
fn has_body(status: StatusCode) -> bool {
    !status.is_informational() && !matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
}

/// The length of the body, if the head says nothing else about framing and connection.
fn usual_length(headers: &HeaderMap) -> Option<usize> {
    let stays = |value: &HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"keep-alive");
    if headers.contains_key(TRANSFER_ENCODING) || !headers.get_all(CONNECTION).iter().all(stays) {
        return None;
    }
    let mut lengths = headers.get_all(CONTENT_LENGTH).iter();
    let length = lengths.next().filter(|length| length.as_bytes().iter().all(u8::is_ascii_digit))?;
    if lengths.next().is_some() { None } else { length.to_str().ok()?.parse().ok() }
}

/// Whether the next answer on this connection is likely to be a usual one, too.
pub(super) fn looks_usual(headers: &HeaderMap) -> bool {
    usual_length(headers).is_some()
}

/// Polls what nobody waits for.
pub(super) fn quietly() -> Context<'static> {
    Context::from_waker(Waker::noop())
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt;

    fn read(text: &str) -> Option<(Response<Body>, Bytes)> {
        whole(&Bytes::copy_from_slice(text.as_bytes()))
    }

    #[tokio::test]
    async fn an_answer_that_is_all_there_is_taken_as_it_is() {
        let (response, rest) = read(
            "HTTP/1.1 404 Not Found\r\nConnection: Keep-Alive\r\nX-A: 1\r\nx-a: 2\r\ncontent-length: 3\r\n\r\nabc",
        )
        .unwrap();
        assert_eq!((response.status().as_u16(), rest.len()), (404, 0));
        assert_eq!(response.headers().get_all("x-a").iter().collect::<Vec<_>>(), ["1", "2"]);
        assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "abc");
    }

    #[test]
    fn what_comes_behind_an_answer_is_no_part_of_it() {
        let (_, rest) = read("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\nHTTP/1.1 200 OK\r\n").unwrap();
        assert_eq!(rest, "HTTP/1.1 200 OK\r\n");
    }

    #[test]
    fn whatever_needs_a_second_thought_is_left_to_hyper() {
        for text in [
            "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nabc",
            "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n",
            "HTTP/1.1 200 OK\r\n\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 1\r\n\r\na",
            "HTTP/1.1 200 OK\r\ncontent-length: +1\r\n\r\na",
            "HTTP/1.1 200 OK\r\ncontent-length: 1, 1\r\n\r\na",
            "HTTP/1.1 200 OK\r\ncontent-length:\r\n\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length: 99999999999999999999999\r\n\r\na",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ncontent-length: 1\r\n\r\n0\r\n\r\n",
            "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 1\r\n\r\na",
            "HTTP/1.1 200 OK\r\nconnection: keep-alive, x-a\r\ncontent-length: 1\r\n\r\na",
            "HTTP/1.1 200 Fine\r\ncontent-length: 1\r\n\r\na",
            "HTTP/1.0 200 OK\r\ncontent-length: 1\r\n\r\na",
            "HTTP/1.1 100 Continue\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 204 No Content\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 304 Not Modified\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 200 OK\r\nx a: 1\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 200 OK\r\nx-a: 1\r\n folded\r\ncontent-length: 0\r\n\r\n",
            "nonsense\r\n\r\n",
        ] {
            assert!(read(text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_request_is_written_as_it_stands() {
        let request = Request::builder().uri("/v1/a?b=c").header("host", "a").header("x-b", "1").header("x-b", "2");
        let mut out = BytesMut::new();
        write_head(&mut out, &request.body(Body::empty()).unwrap());
        assert_eq!(out, "GET /v1/a?b=c HTTP/1.1\r\nhost: a\r\nx-b: 1\r\nx-b: 2\r\n\r\n");
    }

    #[test]
    fn only_a_get_without_a_body_is_usual() {
        let request = |method, body| Request::builder().method(method).body(Body::from(body)).unwrap();
        assert!(is_usual(&request("GET", "")));
        for (method, body) in [("GET", "a"), ("POST", ""), ("HEAD", ""), ("DELETE", "")] {
            assert!(!is_usual(&request(method, body)), "{method} {body}");
        }
    }
}
