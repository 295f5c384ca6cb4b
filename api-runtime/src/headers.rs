//! The headers that may pass, in either direction, and the ones we add.

use crate::authorization::Permit;
use crate::request_id;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};

pub(crate) const CALLER: HeaderName = HeaderName::from_static("x-linkward-caller");
pub(crate) const ENDPOINT: HeaderName = HeaderName::from_static("x-linkward-endpoint");
pub(crate) const ACCOUNT: HeaderName = HeaderName::from_static("x-linkward-account");
pub(crate) const CLIENT_CERTIFICATE: HeaderName = HeaderName::from_static("x-forwarded-client-cert");
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
pub(crate) const TRACE_PARENT: HeaderName = HeaderName::from_static("traceparent");
pub(crate) const TRACE_STATE: HeaderName = HeaderName::from_static("tracestate");

/// So many headers are added, at most, to those of the client.
const ADDED: usize = 8;

/// RFC 9110 §7.6.1, and what frames the message: the next connection has its own framing.
pub(crate) fn is_of_one_hop(name: &str) -> bool {
    matches!(
        name,
        "connection"
            | "transfer-encoding"
            | "upgrade"
            | "te"
            | "keep-alive"
            | "proxy-connection"
            | "proxy-authenticate"
            | "proxy-authorization"
    )
}

/// Drops from a client's request what must not reach the upstream, in the order of the contract. `te: trailers` stays: it
/// says what the client can read, and gRPC insists on it.
pub(crate) fn clean_request(headers: &mut HeaderMap) {
    headers.reserve(ADDED);
    let trailers = headers.get_all(header::TE).iter().any(|value| has_token(value, "trailers"));
    drop_named_by_connection(headers);
    drop_all(headers, |name| is_of_one_hop(name) || matches!(name, "content-length" | "expect") || is_reserved(name));
    if trailers {
        headers.insert(header::TE, HeaderValue::from_static("trailers"));
    }
}

/// Drops from an upstream's answer what belongs to its own connection.
pub(crate) fn clean_response(headers: &mut HeaderMap) {
    // RFC 9112 §6.3: chunks count, and a length beside them would cut the answer short.
    if headers.contains_key(header::TRANSFER_ENCODING) {
        headers.remove(header::CONTENT_LENGTH);
    }
    drop_named_by_connection(headers);
    drop_all(headers, is_of_one_hop);
}

/// Trailers may carry neither our headers, which an upstream may merge them with, nor what a message is framed, routed,
/// authenticated or read by (RFC 9110 §6.5.1): all that was decided about is in the head.
pub(crate) fn clean_trailers(trailers: &mut HeaderMap) {
    drop_all(trailers, |name| is_of_one_hop(name) || is_of_head(name) || is_reserved(name));
}

fn is_of_head(name: &str) -> bool {
    const NAMES: [&str; 16] = [
        "authorization",
        "cache-control",
        "content-encoding",
        "content-length",
        "content-range",
        "content-type",
        "cookie",
        "expect",
        "forwarded",
        "host",
        "max-forwards",
        "range",
        "traceparent",
        "tracestate",
        "trailer",
        "x-request-id",
    ];
    NAMES.contains(&name) || name.starts_with("if-") || name.starts_with("x-forwarded-")
}

/// Most messages have nothing to drop, and then it costs one look at each name.
fn drop_all(headers: &mut HeaderMap, drop: impl Fn(&str) -> bool) {
    while let Some(name) = headers.keys().find(|name| drop(name.as_str())).cloned() {
        headers.remove(name);
    }
}

fn drop_named_by_connection(headers: &mut HeaderMap) {
    if !headers.contains_key(header::CONNECTION) {
        return;
    }
    let tokens = headers.get_all(header::CONNECTION).iter().flat_map(tokens);
    // These name no header, and most messages with the header have nothing else in it.
    let words: [&[u8]; 3] = [b"keep-alive", b"close", b"upgrade"];
    let named = tokens.filter(|token| !words.iter().any(|word| word.eq_ignore_ascii_case(token)));
    let named: Vec<HeaderName> = named.filter_map(|token| HeaderName::from_bytes(token).ok()).collect();
    for name in named {
        // A client cannot make us forget whom it asked for.
        if name != header::HOST {
            headers.remove(name);
        }
    }
}

/// `x-linkward-…` and `x-forwarded-client-cert`, in any spelling that a CGI-like upstream would read as the same name.
/// Header names are lower case already.
fn is_reserved(name: &str) -> bool {
    name.starts_with('x')
        && (spelled(name, "x-linkward-") || name.len() == 23 && spelled(name, "x-forwarded-client-cert"))
}

fn spelled(name: &str, prefix: &str) -> bool {
    let mut bytes = name.bytes().map(|byte| if byte == b'_' { b'-' } else { byte });
    prefix.bytes().all(|expected| bytes.next() == Some(expected))
}

/// The comma-separated tokens of a header's value. Of bytes: one that is no text takes none of the others with it.
fn tokens(value: &HeaderValue) -> impl Iterator<Item = &[u8]> {
    value.as_bytes().split(|byte| *byte == b',').map(<[u8]>::trim_ascii)
}

fn has_token(value: &HeaderValue, token: &str) -> bool {
    tokens(value).any(|each| each.eq_ignore_ascii_case(token.as_bytes()))
}

/// Says who calls, with headers that nobody else may set.
pub(crate) fn identify(headers: &mut HeaderMap, permit: &Permit) {
    let of_connection = permit.connection().identity_headers();
    let account = permit.account().and_then(|account| HeaderValue::from_str(account.as_str()).ok());
    for (name, value) in [
        (CALLER, of_connection.caller.clone()),
        (ENDPOINT, of_connection.endpoint.clone()),
        (ACCOUNT, account),
        (CLIENT_CERTIFICATE, of_connection.certificate.clone()),
    ] {
        if let Some(value) = value {
            headers.insert(name, value);
        }
    }
}

/// Whether the client asks to go on in WebSocket, the one protocol a connection may be upgraded to.
pub(crate) fn asks_for_websocket(headers: &HeaderMap) -> bool {
    headers.get_all(header::UPGRADE).iter().any(|value| has_token(value, "websocket"))
        && headers.get_all(header::CONNECTION).iter().any(|value| has_token(value, "upgrade"))
}

/// Makes a stream's request for a WebSocket one of HTTP/1.1, which has a key (RFC 6455 §4.1).
pub(crate) fn add_websocket_key(headers: &mut HeaderMap) {
    if let Ok(key) = HeaderValue::from_bytes(&request_id::nonce()) {
        headers.insert(header::SEC_WEBSOCKET_KEY, key);
    }
}

/// Puts the request to upgrade back after [`clean_request`], or the agreement after [`clean_response`].
pub(crate) fn ask_for_websocket(headers: &mut HeaderMap) {
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn map(headers: &[(&str, &str)]) -> HeaderMap {
        headers.iter().map(|(name, value)| (name.parse::<HeaderName>().unwrap(), value.parse().unwrap())).collect()
    }

    fn cleaned(headers: &[(&str, &str)]) -> HeaderMap {
        let mut headers = map(headers);
        clean_request(&mut headers);
        headers
    }

    #[test]
    fn a_client_cannot_say_who_it_is() {
        for name in [
            "x-linkward-caller",
            "X-Linkward-Caller",
            "x_linkward_caller",
            "x-linkward_account",
            "x-linkward-",
            "x-linkward-made-up",
            "x-forwarded-client-cert",
            "x_forwarded-client_cert",
        ] {
            assert_eq!(cleaned(&[(name, "evil"), (name, "twice")]), HeaderMap::new(), "{name}");
        }
        let kept =
            map(&[("x-linkward", "a"), ("x-forwarded-client-certs", "b"), ("x-forwarded-for", "c"), ("y_x", "d")]);
        let mut headers = kept.clone();
        clean_request(&mut headers);
        assert_eq!(headers, kept);
    }

    #[test]
    fn what_belongs_to_one_hop_is_dropped() {
        let headers = cleaned(&[
            ("connection", "keep-alive, X-Mine"),
            ("connection", "x-other"),
            ("keep-alive", "timeout=5"),
            ("proxy-authorization", "secret"),
            ("proxy-connection", "close"),
            ("te", "gzip"),
            ("transfer-encoding", "chunked"),
            ("upgrade", "h2c"),
            ("content-length", "5"),
            ("expect", "100-continue"),
            ("x-mine", "1"),
            ("x-other", "2"),
            ("accept", "*/*"),
        ]);
        assert_eq!(headers, map(&[("accept", "*/*")]));
    }

    #[test]
    fn connection_cannot_name_the_host_away() {
        let headers = [("connection", "host, authorization"), ("host", "a"), ("authorization", "b")];
        assert_eq!(cleaned(&headers), map(&[("host", "a")]));
    }

    #[test]
    fn what_is_no_text_hides_nothing_that_connection_names() {
        let mut headers = map(&[("x-mine", "1"), ("accept", "*/*")]);
        headers.insert("connection", HeaderValue::from_bytes(b"\xff, x-mine").unwrap());
        clean_request(&mut headers);
        assert_eq!(headers, map(&[("accept", "*/*")]));
    }

    #[test]
    fn a_client_that_reads_trailers_still_says_so() {
        assert_eq!(cleaned(&[("te", "gzip;q=0.5, Trailers")]), map(&[("te", "trailers")]));
    }

    #[test]
    fn trailers_carry_no_identity_and_no_framing() {
        let mut trailers =
            map(&[("grpc-status", "0"), ("x_linkward_caller", "evil"), ("content-length", "1"), ("host", "a")]);
        for name in ["authorization", "cookie", "if-match", "x-forwarded-for", "transfer-encoding", "x-request-id"] {
            trailers.insert(name, HeaderValue::from_static("evil"));
        }
        clean_trailers(&mut trailers);
        assert_eq!(trailers, map(&[("grpc-status", "0")]));
    }

    #[test]
    fn only_websocket_is_an_upgrade() {
        assert!(asks_for_websocket(&map(&[("connection", "keep-alive, Upgrade"), ("upgrade", "WebSocket")])));
        assert!(!asks_for_websocket(&map(&[("connection", "upgrade"), ("upgrade", "h2c")])));
        assert!(!asks_for_websocket(&map(&[("upgrade", "websocket")])));
    }

    proptest! {
        #[test]
        fn no_spelling_of_our_headers_passes(name in "[xX][-_][lL]inkward[-_][a-z_-]{0,12}", value in "[a-z]{0,9}") {
            prop_assert!(cleaned(&[(&name, &value)]).is_empty());
        }
    }
}
