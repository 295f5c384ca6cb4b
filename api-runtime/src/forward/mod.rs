//! Forwarding: to one upstream on the same host, over HTTP/1.1 or HTTP/2. Only [`Application::call`] leads here, and that
//! takes a [`Permit`].

mod again;
mod http1;
mod http2;

use crate::application::{Answer, Application, Permitted, Reply, Upgrade};
use crate::authorization::Permit;
use crate::body::Body;
use crate::config::{Upstream, UpstreamProtocol};
use crate::headers;
use crate::outcome::Fault;
use crate::record::Record;
use crate::socket::Socket;
use http::header::{CONTENT_LENGTH, COOKIE, HOST, HeaderMap, TRANSFER_ENCODING};
use http::{HeaderValue, Request, Response, StatusCode, Version};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;
use tokio::net::TcpStream;

/// The upstream, and the connections to it.
#[derive(Clone, Debug)]
pub(crate) struct Forward(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    address: Address,
    connections: Connections,
}

#[derive(Debug)]
enum Connections {
    Http1(Arc<http1::Pool>),
    Http2(http2::Connections),
}

/// Where the upstream is.
#[derive(Clone, Debug)]
struct Address {
    /// What `Host` says when the caller said nothing.
    host: HeaderValue,
    /// `None` if a name has to be looked up.
    socket: Option<SocketAddr>,
    name: String,
}

impl Forward {
    pub(crate) fn new(upstream: &Upstream) -> Self {
        let connections = match upstream.protocol {
            UpstreamProtocol::Http1 => Connections::Http1(Arc::default()),
            UpstreamProtocol::Http2 => Connections::Http2(http2::Connections::default()),
        };
        Self(Arc::new(Inner { address: Address::of(upstream), connections }))
    }
}

impl Application for Forward {
    fn call(
        &self,
        permitted: Permitted,
        permit: &Permit,
        record: &Record,
    ) -> Reply<impl Future<Output = Answer> + Send + 'static + use<>> {
        let Permitted { mut request, meter, upgrade } = permitted;
        self.0.prepare(&mut request, upgrade.as_ref(), permit, record);
        let inner = Arc::clone(&self.0);
        Reply::Later(async move {
            let started = Instant::now();
            // The usual way decides how much room every request takes; the others have their own.
            let mut answer = match (&inner.connections, upgrade) {
                (Connections::Http1(pool), None) => http1::send(pool, &inner.address, request, meter, started).await,
                (Connections::Http1(_), Some(upgrade)) => {
                    Box::pin(http1::upgrade(&inner.address, request, upgrade)).await
                }
                (Connections::Http2(connections), _) => {
                    Box::pin(connections.send(&inner.address, request, started)).await
                }
            };
            answer.upstream.get_or_insert_with(|| started.elapsed());
            answer
        })
    }

    fn takes_websocket(&self) -> bool {
        matches!(self.0.connections, Connections::Http1(_))
    }
}

impl Inner {
    /// Makes the request the upstream's: hop-by-hop and reserved headers dropped, ours added.
    fn prepare(&self, request: &mut Request<Body>, upgrade: Option<&Upgrade>, permit: &Permit, record: &Record) {
        let map = request.headers_mut();
        headers::clean_request(map);
        headers::identify(map, permit);
        map.insert(headers::REQUEST_ID, record.arrival.id.header());
        if let Some(parent) = record.arrival.trace.header() {
            map.insert(headers::TRACE_PARENT, parent);
        }
        if record.arrival.trace.is_new() {
            map.remove(headers::TRACE_STATE);
        }
        let host = record.host.as_ref().unwrap_or(&self.address.host).clone();
        match self.connections {
            Connections::Http1(_) => {
                join_cookies(map);
                map.insert(HOST, host);
                if let Some(upgrade) = upgrade {
                    headers::ask_for_websocket(map);
                    if upgrade.is_stream {
                        headers::add_websocket_key(map);
                    }
                }
                *request.version_mut() = Version::HTTP_11;
            }
            Connections::Http2(_) => http2::address(request, &host),
        }
    }
}

impl Address {
    fn of(upstream: &Upstream) -> Self {
        let authority = &upstream.authority;
        let port = authority.port_u16().unwrap_or(80);
        let name = authority.host().trim_start_matches('[').trim_end_matches(']');
        Self {
            host: HeaderValue::from_str(authority.as_str()).unwrap_or(HeaderValue::from_static("localhost")),
            socket: name.parse().ok().map(|address| SocketAddr::new(address, port)),
            name: format!("{}:{port}", authority.host()),
        }
    }

    async fn connect(&self) -> Result<Socket, Fault> {
        let connected = match self.socket {
            Some(socket) => TcpStream::connect(socket).await,
            None => TcpStream::connect(&self.name).await,
        };
        let stream = connected.and_then(|stream| stream.set_nodelay(true).map(|()| stream)).map_err(|error| {
            tracing::debug!(%error, upstream = self.name, "the upstream cannot be reached");
            Fault::Unreachable
        })?;
        Ok(Socket::from(stream))
    }
}

/// HTTP/2 may send a cookie in pieces, HTTP/1 may not (RFC 9113 §8.2.3).
fn join_cookies(headers: &mut HeaderMap) {
    let mut cookies = headers.get_all(COOKIE).iter();
    if cookies.next().is_none() || cookies.next().is_none() {
        return;
    }
    let pieces: Vec<&[u8]> = headers.get_all(COOKIE).iter().map(HeaderValue::as_bytes).collect();
    if let Ok(joined) = HeaderValue::from_bytes(&pieces.join(&b"; "[..])) {
        headers.insert(COOKIE, joined);
    }
}

/// An upstream's answer as the client may have it.
fn cleaned<B>(response: Response<B>) -> Result<Response<B>, Fault> {
    // Nobody asked to switch.
    if response.status() == StatusCode::SWITCHING_PROTOCOLS || !has_one_end(response.headers()) {
        tracing::debug!(status = %response.status(), "the upstream's answer can be read in more than one way");
        return Err(Fault::Broken);
    }
    Ok(cleaned_head(response))
}

/// Whether everybody who reads the answer finds the same end of it. hyper reads an unknown encoding to the end of the
/// connection, and a length said twice in one line.
fn has_one_end(headers: &HeaderMap) -> bool {
    let is_number = |value: &HeaderValue| value.as_bytes().iter().all(u8::is_ascii_digit);
    let mut encodings = headers.get_all(TRANSFER_ENCODING).iter();
    match encodings.next() {
        Some(first) => first.as_bytes().eq_ignore_ascii_case(b"chunked") && encodings.next().is_none(),
        None => headers.get_all(CONTENT_LENGTH).iter().all(is_number),
    }
}

fn cleaned_head<B>(mut response: Response<B>) -> Response<B> {
    headers::clean_response(response.headers_mut());
    *response.version_mut() = Version::HTTP_11;
    response
}

fn broken(error: &(dyn std::error::Error + 'static)) -> Fault {
    tracing::debug!(error, "the upstream broke off");
    Fault::Broken
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_of_a_cookie_are_joined() {
        let mut headers = HeaderMap::new();
        join_cookies(&mut headers);
        assert!(headers.is_empty());
        headers.append(COOKIE, HeaderValue::from_static("a=1"));
        join_cookies(&mut headers);
        assert_eq!(headers[COOKIE], "a=1");
        headers.append(COOKIE, HeaderValue::from_static("b=2"));
        join_cookies(&mut headers);
        assert_eq!(headers.get_all(COOKIE).iter().collect::<Vec<_>>(), ["a=1; b=2"]);
    }

    #[test]
    fn an_address_is_looked_up_only_if_it_is_a_name() {
        for (upstream, socket, name) in [
            ("http://127.0.0.1:9000", Some("127.0.0.1:9000"), "127.0.0.1:9000"),
            ("http://[::1]", Some("[::1]:80"), "[::1]:80"),
            ("http2://localhost:50051", None, "localhost:50051"),
        ] {
            let address = Address::of(&upstream.parse().unwrap());
            assert_eq!((address.socket.map(|socket| socket.to_string()).as_deref(), &*address.name), (socket, name));
        }
    }
}
