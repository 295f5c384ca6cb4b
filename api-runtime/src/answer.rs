//! The answers we give ourselves. Their words are for the caller and public; what is private goes to the log.

use crate::body::Body;
use crate::json;
use http::header::{ALLOW, CONNECTION, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};
use http::{Response, StatusCode};
use policy::access::Reason;

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const CLOSE: HeaderValue = HeaderValue::from_static("close");
const SOON: HeaderValue = HeaderValue::from_static("1");
/// What an upstream may answer; which of them it does is its own affair.
const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");

/// Why a request that is not denied is not answered by the upstream either.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Failure {
    /// The request cannot be read in one way only, or its path is none.
    BadRequest,
    /// `CONNECT` and `TRACE`.
    MethodNotAllowed,
    /// The request's body did not come in time.
    RequestTimeout,
    /// The request's body is longer than `bodyBytes`.
    BodyTooLong,
    /// The upstream cannot be reached or does not speak HTTP.
    BadGateway,
    /// Too much to do.
    Overloaded,
    /// The upstream did not answer in time.
    GatewayTimeout,
    /// The application that the library mounts failed.
    Internal,
}

impl Failure {
    pub(crate) fn status(self) -> StatusCode {
        match self {
            Self::BadRequest => StatusCode::BAD_REQUEST,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::RequestTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::BodyTooLong => StatusCode::PAYLOAD_TOO_LARGE,
            Self::BadGateway => StatusCode::BAD_GATEWAY,
            Self::Overloaded => StatusCode::SERVICE_UNAVAILABLE,
            Self::GatewayTimeout => StatusCode::GATEWAY_TIMEOUT,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::BadRequest => "badRequest",
            Self::MethodNotAllowed => "methodNotAllowed",
            Self::RequestTimeout => "requestTimeout",
            Self::BodyTooLong => "bodyTooLong",
            Self::BadGateway => "badGateway",
            Self::Overloaded => "overloaded",
            Self::GatewayTimeout => "gatewayTimeout",
            Self::Internal => "internal",
        }
    }

    /// After these nothing that follows on the connection can be trusted, or is wanted. What follows a `CONNECT` may be
    /// meant for the tunnel that it asked for, and be somebody else's words.
    pub(crate) fn closes(self) -> bool {
        match self {
            Self::BadRequest | Self::MethodNotAllowed => true,
            Self::RequestTimeout | Self::BodyTooLong | Self::Overloaded => true,
            Self::BadGateway | Self::GatewayTimeout | Self::Internal => false,
        }
    }
}

/// `headers` is a map to fill: the request's, emptied, so that no new one has to be made.
pub(crate) fn failure(failure: Failure, request_id: &str, headers: HeaderMap) -> Response<Body> {
    let mut body = Vec::with_capacity(96);
    body.extend_from_slice(b"{\"error\":");
    json::string(&mut body, failure.word());
    finish_body(&mut body, request_id);
    let mut answer = answer(failure.status(), body.into(), headers);
    match failure {
        Failure::Overloaded => answer.headers_mut().insert(RETRY_AFTER, SOON),
        Failure::MethodNotAllowed => answer.headers_mut().insert(ALLOW, METHODS),
        _ => None,
    };
    if failure.closes() {
        answer.headers_mut().insert(CONNECTION, CLOSE);
    }
    answer
}

/// 401, after which the connection closes, or 403 with the caller's name.
pub(crate) fn denial(reason: Reason, caller: Option<&str>, request_id: &str, headers: HeaderMap) -> Response<Body> {
    let mut body = Vec::with_capacity(192);
    let status = if reason.status_code() == 401 {
        body.extend_from_slice(b"{\"error\":\"unauthorized\",\"reason\":");
        StatusCode::UNAUTHORIZED
    } else {
        body.extend_from_slice(b"{\"error\":\"forbidden\",\"caller\":");
        json::optional(&mut body, caller);
        body.extend_from_slice(b",\"reason\":");
        StatusCode::FORBIDDEN
    };
    json::string(&mut body, reason.as_str());
    finish_body(&mut body, request_id);
    let mut answer = answer(status, body.into(), headers);
    if status == StatusCode::UNAUTHORIZED {
        answer.headers_mut().insert(CONNECTION, CLOSE);
    }
    answer
}

fn finish_body(body: &mut Vec<u8>, request_id: &str) {
    body.extend_from_slice(b",\"requestId\":");
    json::string(body, request_id);
    body.push(b'}');
}

/// The answer where there is no upstream, as bytes: the same for every request of a connection.
pub(crate) fn built_in(caller: &str, endpoint: Option<&str>) -> Vec<u8> {
    let mut body = Vec::with_capacity(128);
    body.extend_from_slice(b"{\"ok\":true,\"caller\":");
    json::string(&mut body, caller);
    body.extend_from_slice(b",\"endpoint\":");
    json::optional(&mut body, endpoint);
    body.push(b'}');
    body
}

pub(crate) fn answer(status: StatusCode, body: Body, mut headers: HeaderMap) -> Response<Body> {
    headers.clear();
    headers.insert(CONTENT_TYPE, JSON);
    let mut answer = Response::new(body);
    *answer.status_mut() = status;
    *answer.headers_mut() = headers;
    answer
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt;

    async fn text(answer: Response<Body>) -> String {
        String::from_utf8(answer.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
    }

    #[tokio::test]
    async fn a_401_names_the_reason_and_closes() {
        let answer = denial(Reason::CertificateRevoked, Some("spiffe://a/b"), "id", HeaderMap::new());
        assert_eq!((answer.status().as_u16(), &answer.headers()["connection"]), (401, &CLOSE));
        assert_eq!(text(answer).await, r#"{"error":"unauthorized","reason":"certificateRevoked","requestId":"id"}"#);
    }

    #[tokio::test]
    async fn a_403_names_the_caller_and_leaves_the_connection_open() {
        let answer = denial(Reason::NoMatchingRule, Some("spiffe://a/b"), "id", HeaderMap::new());
        assert_eq!((answer.status().as_u16(), answer.headers().get("connection")), (403, None));
        let expected = r#"{"error":"forbidden","caller":"spiffe://a/b","reason":"noMatchingRule","requestId":"id"}"#;
        assert_eq!(text(answer).await, expected);
    }

    #[tokio::test]
    async fn an_overloaded_runtime_says_when_to_come_back() {
        let mut old = HeaderMap::new();
        old.insert("x-of-the-request", JSON);
        let answer = failure(Failure::Overloaded, "id", old);
        assert_eq!((answer.status().as_u16(), &answer.headers()["retry-after"]), (503, &SOON));
        assert!(!answer.headers().contains_key("x-of-the-request"));
        assert_eq!(text(answer).await, r#"{"error":"overloaded","requestId":"id"}"#);
    }

    #[test]
    fn a_refused_method_is_told_which_are_not() {
        let answer = failure(Failure::MethodNotAllowed, "id", HeaderMap::new());
        assert_eq!((answer.status().as_u16(), &answer.headers()["allow"]), (405, &METHODS));
        assert!(!failure(Failure::BadRequest, "id", HeaderMap::new()).headers().contains_key("allow"));
    }

    #[test]
    fn the_built_in_answer_says_null_without_an_endpoint() {
        assert_eq!(built_in("spiffe://a/b", None), br#"{"ok":true,"caller":"spiffe://a/b","endpoint":null}"#);
        assert_eq!(built_in("c", Some("vpce-1")), br#"{"ok":true,"caller":"c","endpoint":"vpce-1"}"#);
    }
}
