//! One GET by HTTP, bounded in time and size.

use std::time::Duration;

use http::header::{
    ACCEPT, AGE, CONTENT_LENGTH, DATE, ETAG, HeaderName, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED,
    USER_AGENT,
};
use http::{HeaderMap, Request, Response, Uri};
use http_body_util::{BodyExt, Full};
use http_client::{HttpClient, HttpError, Incoming, Limits, trusted_authorities};
use hyper::body::Bytes;
use policy::Timestamp;
use tokio::time::timeout;

use super::{Bound, Received, RemoteError, RemoteUri, Validator};

const CONNECT: Duration = Duration::from_secs(5);
/// From the request to the headers of the answer, and between two pieces of its body.
const SILENCE: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub(super) struct Web {
    client: HttpClient,
}

impl Web {
    pub(super) fn new(named: &RemoteUri) -> Result<Self, RemoteError> {
        let without = |cause: String| RemoteError::NoAuthorities { name: named.to_string(), cause };
        let authorities = trusted_authorities().map_err(|error| without(error.0))?;
        let client = HttpClient::new(authorities).map_err(|error| without(error.to_string()))?;
        Ok(Self { client })
    }

    /// The answer's headers; its body is still to be read.
    pub(super) async fn send(
        &self,
        request: Request<Full<Bytes>>,
        bound: &Bound,
    ) -> Result<Response<Incoming>, RemoteError> {
        let limits = Limits { connect: Some(CONNECT), answer: Some(SILENCE) };
        self.client.send(request, limits).await.map_err(|error| match error {
            HttpError::AnswerTimeout { .. } => silent(bound),
            error => bound.unreachable(&error),
        })
    }
}

/// A question for what is not the known object, by the stronger of what is known (RFC 9110, 13.2.2).
pub(super) fn question(
    uri: &Uri,
    known: Option<&Validator>,
    bound: &Bound,
) -> Result<Request<Full<Bytes>>, RemoteError> {
    let mut request = Request::get(uri.clone()).body(Full::default()).map_err(|error| bound.unreachable(&error))?;
    let headers = request.headers_mut();
    headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
    headers.insert(USER_AGENT, HeaderValue::from_static(concat!("linkward/", env!("CARGO_PKG_VERSION"))));
    let tag = known.and_then(|known| Some((IF_NONE_MATCH, known.etag.as_deref()?)));
    let time = known.and_then(|known| Some((IF_MODIFIED_SINCE, known.last_modified.as_deref()?)));
    if let Some((name, value)) = tag.or(time)
        && let Ok(value) = value.parse()
    {
        headers.insert(name, value);
    }
    Ok(request)
}

/// The object that an answer holds.
pub(super) async fn read(response: Response<Incoming>, bound: &Bound) -> Result<Received, RemoteError> {
    let text = |name: HeaderName| Some(response.headers().get(name)?.to_str().ok()?.to_owned());
    let validator = Validator { etag: text(ETAG), last_modified: text(LAST_MODIFIED) };
    let announced = text(CONTENT_LENGTH).and_then(|length| length.parse::<usize>().ok());
    if announced.is_some_and(|length| length > bound.limit) {
        return Err(bound.too_large());
    }
    let mut body = response.into_body();
    let mut bytes = Vec::new();
    while let Some(frame) = timeout(SILENCE, body.frame()).await.map_err(|_| silent(bound))? {
        let frame = frame.map_err(|error| bound.unreachable(&error))?;
        let chunk = frame.data_ref().map(AsRef::as_ref).unwrap_or_default();
        if bytes.len().saturating_add(chunk.len()) > bound.limit {
            return Err(bound.too_large());
        }
        bytes.extend_from_slice(chunk);
    }
    Ok(Received { bytes, validator })
}

/// When a server answered, by its own clock; a cache between adds how long it has had the answer (RFC 9111, 5.1).
pub(super) fn answered_at(headers: &HeaderMap) -> Option<Timestamp> {
    let date = time(headers.get(DATE)?.to_str().ok()?)?;
    match headers.get(AGE) {
        Some(age) => date.checked_add(Duration::from_secs(age.to_str().ok()?.trim().parse::<u32>().ok()?.into())).ok(),
        None => Some(date),
    }
}

/// A time as HTTP writes it: `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110, 5.6.7).
pub(super) fn time(text: &str) -> Option<Timestamp> {
    jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text.strip_suffix("GMT").map(|_| text)?).ok()
}

fn silent(bound: &Bound) -> RemoteError {
    RemoteError::TooSlow { name: bound.name.clone(), within: SILENCE }
}
