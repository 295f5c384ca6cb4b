//! What a request asks for: method, host and path, checked before anybody decides about it.

use crate::host::is_host;
use http::header::{HeaderMap, HeaderValue};
use http::uri::Authority;
use http::{Method, Request, Uri, Version};
use hyper::ext::Protocol;

/// Why a request is refused before it is authorized.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("methods `CONNECT` and `TRACE` are refused")]
    Method,
    #[error("methods are written in capital letters")]
    MethodCase,
    #[error("there must be exactly one host, the same in `Host` and in the request target")]
    Host,
    #[error("the request target must be a path")]
    Target,
    #[error("`Transfer-Encoding` must be `chunked`, and `Content-Length` one number")]
    Framing,
}

/// What the headers say that is asked for every request, found in one pass.
#[derive(Debug, Default)]
pub(crate) struct Seen<'a> {
    pub(crate) request_id: Single<'a>,
    pub(crate) trace_parent: Single<'a>,
    content_type: Single<'a>,
    host: Single<'a>,
    encoding: Single<'a>,
    length: Single<'a>,
    lengths_differ: bool,
}

/// A header that should be there once at most.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Single<'a> {
    value: Option<&'a HeaderValue>,
    repeated: bool,
}

impl<'a> Single<'a> {
    fn see(&mut self, value: &'a HeaderValue) {
        self.repeated = self.value.is_some();
        self.value.get_or_insert(value);
    }

    /// The value, if there is exactly one.
    pub(crate) fn value(&self) -> Option<&'a HeaderValue> {
        self.value.filter(|_| !self.repeated)
    }
}

impl<'a> Seen<'a> {
    pub(crate) fn of(headers: &'a HeaderMap) -> Self {
        let mut seen = Self::default();
        for (name, value) in headers {
            match name.as_str() {
                "host" => seen.host.see(value),
                "content-length" => {
                    seen.lengths_differ |= seen.length.value.is_some_and(|first| first != value);
                    seen.length.see(value);
                }
                "content-type" => seen.content_type.see(value),
                "transfer-encoding" => seen.encoding.see(value),
                "x-request-id" => seen.request_id.see(value),
                "traceparent" => seen.trace_parent.see(value),
                _ => {}
            }
        }
        seen
    }

    /// gRPC streams have no limit of their own but time. They are of HTTP/2, and whoever says so elsewhere wants to get
    /// around the limit.
    pub(crate) fn is_grpc(&self, is_http2: bool) -> bool {
        const GRPC: &[u8] = b"application/grpc";
        let rest = self.content_type.value().and_then(|value| value.as_bytes().strip_prefix(GRPC));
        is_http2 && rest.is_some_and(|rest| matches!(rest.first(), None | Some(b'+' | b';')))
    }

    /// Whether the body is announced to be longer.
    pub(crate) fn announces_more_than(&self, limit: u64) -> bool {
        let digits = self.length.value.filter(|_| self.encoding.value.is_none()).and_then(|value| value.to_str().ok());
        digits.is_some_and(|digits| digits.parse::<u64>().map_or(true, |length| length > limit))
    }

    /// hyper has refused a transfer encoding that does not end in `chunked` and lengths that differ; what it lets pass
    /// and another server may read differently is refused here.
    fn check_framing(&self) -> Result<(), Refusal> {
        let encoded = self.encoding.value.is_some();
        let chunked = self.encoding.value().is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"chunked"));
        let is_number = |value: &HeaderValue| value.as_bytes().iter().all(u8::is_ascii_digit);
        let proper = if encoded { chunked } else { !self.lengths_differ && self.length.value.is_none_or(is_number) };
        if proper { Ok(()) } else { Err(Refusal::Framing) }
    }
}

/// Checks what hyper takes leniently and gives the host. The path has rules of its own ([`policy::RequestPath`]).
///
/// # Errors
/// See [`Refusal`].
pub(crate) fn check<B>(request: &Request<B>, seen: &Seen<'_>) -> Result<Option<HeaderValue>, Refusal> {
    if !is_websocket(request) {
        check_method(request.method())?;
    }
    seen.check_framing()?;
    let host = host(request.uri(), seen.host, request.version())?;
    if request.uri().path_and_query().is_none_or(|target| !target.as_str().starts_with('/')) {
        return Err(Refusal::Target);
    }
    Ok(host)
}

/// Whether it asks for a WebSocket over HTTP/2 (RFC 8441). Only HTTP/2 has the extension, and hyper only lets it through
/// where we have announced it.
pub(crate) fn is_websocket<B>(request: &Request<B>) -> bool {
    let protocol = request.extensions().get::<Protocol>();
    *request.method() == Method::CONNECT && protocol.is_some_and(|protocol| protocol.as_str() == "websocket")
}

fn check_method(method: &Method) -> Result<(), Refusal> {
    // No rule can name one in small letters, and some servers read it as the one in capitals: `forbid` would miss it.
    if method.as_str().bytes().any(|byte| byte.is_ascii_lowercase()) {
        return Err(Refusal::MethodCase);
    }
    if *method == Method::CONNECT || *method == Method::TRACE { Err(Refusal::Method) } else { Ok(()) }
}

/// The host: `:authority`, the authority of an absolute form, or `Host`, and the same wherever it is said.
fn host(uri: &Uri, header: Single<'_>, version: Version) -> Result<Option<HeaderValue>, Refusal> {
    if header.repeated {
        return Err(Refusal::Host);
    }
    match (uri.authority(), header.value) {
        (Some(authority), Some(host)) if !same(authority, host) => Err(Refusal::Host),
        (_, Some(host)) if is_host(host.as_bytes()) => Ok(Some(host.clone())),
        (Some(authority), None) if version != Version::HTTP_11 && is_host(authority.as_str().as_bytes()) => {
            HeaderValue::from_str(authority.as_str()).map(Some).map_err(|_| Refusal::Host)
        }
        (None, None) if version < Version::HTTP_11 => Ok(None),
        _ => Err(Refusal::Host),
    }
}

fn same(authority: &Authority, host: &HeaderValue) -> bool {
    authority.as_str().as_bytes().eq_ignore_ascii_case(host.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::header::HOST;

    fn check<B>(request: &Request<B>) -> Result<Option<HeaderValue>, Refusal> {
        super::check(request, &Seen::of(request.headers()))
    }

    fn request(target: &str, headers: &[(&'static str, &str)]) -> Request<()> {
        let mut request = Request::builder().uri(target);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap()
    }

    #[test]
    fn one_host_wherever_it_is_said_is_accepted() {
        for (target, headers, expected) in [
            ("/", &[("host", "api.internal:8443")][..], "api.internal:8443"),
            ("/", &[("host", "[2001:db8::1]:443")], "[2001:db8::1]:443"),
            ("https://api.internal/", &[("host", "API.internal")], "API.internal"),
        ] {
            assert_eq!(check(&request(target, headers)).unwrap().unwrap(), expected);
        }
    }

    #[test]
    fn the_authority_of_http_2_is_the_host() {
        let mut request = request("https://api.internal/", &[]);
        assert_eq!(check(&request).unwrap_err(), Refusal::Host, "HTTP/1.1 needs the header");
        *request.version_mut() = Version::HTTP_2;
        assert_eq!(check(&request).unwrap().unwrap(), "api.internal");
    }

    #[test]
    fn no_host_two_hosts_or_hosts_that_disagree_are_refused() {
        for (target, headers) in [
            ("/", &[][..]),
            ("/", &[("host", "a"), ("host", "a")]),
            ("/", &[("host", "a,b")]),
            ("/", &[("host", "user@a")]),
            ("/", &[("host", "a b")]),
            ("/", &[("host", "")]),
            ("/", &[("host", "a:b:c")]),
            ("http://a/", &[("host", "b")]),
            ("http://a/", &[("host", "a:80")]),
            ("http://user@a/", &[]),
        ] {
            assert_eq!(check(&request(target, headers)).unwrap_err(), Refusal::Host, "{target} {headers:?}");
        }
    }

    #[test]
    fn only_http_1_0_may_leave_the_host_out() {
        let mut request = request("/", &[]);
        *request.version_mut() = Version::HTTP_10;
        assert_eq!(check(&request).unwrap(), None);
    }

    #[test]
    fn connect_and_trace_are_refused() {
        for (method, refused) in [
            ("CONNECT", Some(Refusal::Method)),
            ("TRACE", Some(Refusal::Method)),
            ("GET", None),
            ("TRACEROUTE", None),
            ("M-SEARCH", None),
            ("delete", Some(Refusal::MethodCase)),
            ("Get", Some(Refusal::MethodCase)),
        ] {
            let mut request = request("/", &[("host", "a")]);
            *request.method_mut() = method.parse().unwrap();
            assert_eq!(check(&request).err(), refused, "{method}");
        }
    }

    #[test]
    fn connect_may_ask_for_websocket_and_for_nothing_else() {
        for (protocol, refused) in [("websocket", false), ("connect-udp", true)] {
            let mut request = request("https://a/v1", &[]);
            *request.method_mut() = Method::CONNECT;
            *request.version_mut() = Version::HTTP_2;
            request.extensions_mut().insert(Protocol::from_static(protocol));
            assert_eq!(check(&request).err(), refused.then_some(Refusal::Method), "{protocol}");
        }
    }

    #[test]
    fn a_body_has_one_length_or_is_chunked() {
        for (headers, refused) in [
            (&[("content-length", "12")][..], false),
            (&[("content-length", "12"), ("content-length", "12")], false),
            (&[("content-length", "12"), ("content-length", "13")], true),
            (&[("content-length", "12"), ("content-length", "12"), ("content-length", "13")], true),
            (&[("transfer-encoding", "Chunked")], false),
            (&[("transfer-encoding", "gzip, chunked")], true),
            (&[("transfer-encoding", "chunked"), ("transfer-encoding", "chunked")], true),
            (&[("transfer-encoding", "xchunked")], true),
            (&[("content-length", "+12")], true),
            (&[("content-length", "12, 12")], true),
        ] {
            let mut request = request("/", headers);
            request.headers_mut().insert(HOST, HeaderValue::from_static("a"));
            assert_eq!(check(&request).err(), refused.then_some(Refusal::Framing), "{headers:?}");
        }
    }

    #[test]
    fn a_length_that_is_announced_counts_unless_the_body_is_chunked() {
        for (headers, more) in [
            (&[("content-length", "10")][..], false),
            (&[("content-length", "11")], true),
            (&[("content-length", "99999999999999999999999")], true),
            (&[("content-length", "11"), ("transfer-encoding", "chunked")], false),
            (&[], false),
        ] {
            let request = request("/", headers);
            assert_eq!(Seen::of(request.headers()).announces_more_than(10), more, "{headers:?}");
        }
    }

    #[test]
    fn grpc_is_said_once_exactly_and_over_http_2() {
        for (types, expected) in [
            (&["application/grpc"][..], true),
            (&["application/grpc+proto"], true),
            (&["application/grpc;charset=utf-8"], true),
            (&["application/grpc-web"], false),
            (&["application/grpcs"], false),
            (&["application/json"], false),
            (&["application/grpc", "application/json"], false),
            (&[], false),
        ] {
            let headers: Vec<_> = types.iter().map(|each| ("content-type", *each)).collect();
            let request = request("/", &headers);
            let seen = Seen::of(request.headers());
            assert_eq!((seen.is_grpc(true), seen.is_grpc(false)), (expected, false), "{types:?}");
        }
    }

    #[test]
    fn a_target_that_is_no_path_is_refused() {
        assert_eq!(check(&request("*", &[("host", "a")])).unwrap_err(), Refusal::Target);
    }
}
