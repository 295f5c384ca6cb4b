//! What answers a request once it has a permit: the upstream, the built-in answer, or whatever a library user mounts.

use crate::answer;
use crate::authorization::Permit;
use crate::body::{Body, BodyError};
use crate::meter::Meter;
use crate::outcome::Fault;
use crate::record::Record;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body::Body as HttpBody;
use hyper::upgrade::{OnUpgrade, Upgraded};
use std::future::Ready;
use std::sync::Arc;
use std::time::Duration;
use tower::{Service, ServiceExt};

/// Answers permitted requests. There is no way in without a [`Permit`].
pub(crate) trait Application: Clone + Unpin + Send + 'static {
    /// `record` is what is known of the request beside itself: its names, its host.
    fn call(
        &self,
        permitted: Permitted,
        permit: &Permit,
        record: &Record,
    ) -> Reply<impl Future<Output = Answer> + Send + 'static + use<Self>>;

    /// Whether it can answer a request to go on in WebSocket.
    fn takes_websocket(&self) -> bool {
        false
    }
}

/// A request with what the application may need to know of it.
#[derive(Debug)]
pub(crate) struct Permitted {
    /// In origin form, with the path as it was authorized.
    pub(crate) request: Request<Body>,
    pub(crate) meter: Option<Arc<Meter>>,
    /// The client asks to go on in WebSocket.
    pub(crate) upgrade: Option<Upgrade>,
}

/// What becomes the client's side of a WebSocket.
#[derive(Debug)]
pub(crate) struct Upgrade {
    pub(crate) client: OnUpgrade,
    /// Whether it is a stream of HTTP/2, which is agreed to with 200 and has no key (RFC 8441).
    pub(crate) is_stream: bool,
}

pub(crate) enum Reply<F> {
    Now(Response<Body>),
    Later(F),
}

/// How a permitted request ended.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) response: Result<Response<Body>, Fault>,
    /// From sending the request to the headers of the answer.
    pub(crate) upstream: Option<Duration>,
    /// Once agreed: both ends of what the connection, or the stream, becomes.
    pub(crate) upgraded: Option<(OnUpgrade, Upgraded)>,
}

impl Answer {
    pub(crate) fn new(response: Response<Body>) -> Self {
        Self { response: Ok(response), upstream: None, upgraded: None }
    }

    pub(crate) fn failed(fault: Fault) -> Self {
        Self { response: Err(fault), upstream: None, upgraded: None }
    }
}

/// Says who called.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BuiltIn;

impl Application for BuiltIn {
    fn call(
        &self,
        permitted: Permitted,
        permit: &Permit,
        _: &Record,
    ) -> Reply<impl Future<Output = Answer> + Send + 'static + use<>> {
        let body = permit.connection().built_in_answer();
        // The map of the request's headers becomes that of the answer, so that none has to be made.
        let headers = permitted.request.into_parts().0.headers;
        Reply::<Ready<Answer>>::Now(answer::answer(StatusCode::OK, body.into(), headers))
    }
}

/// A service of the library's user.
#[derive(Clone, Debug)]
pub(crate) struct Mounted<S>(Box<S>);

impl<S> Mounted<S> {
    pub(crate) fn new(service: S) -> Self {
        Self(Box::new(service))
    }
}

impl<S, B> Application for Mounted<S>
where
    S: Service<Request<Body>, Response = Response<B>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Into<BodyError>,
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BodyError>,
{
    fn call(
        &self,
        permitted: Permitted,
        permit: &Permit,
        _: &Record,
    ) -> Reply<impl Future<Output = Answer> + Send + 'static + use<S, B>> {
        let mut request = permitted.request;
        let extensions = request.extensions_mut();
        extensions.insert(permit.clone());
        if let Some(peer) = permit.connection().peer() {
            extensions.insert(Arc::clone(peer));
        }
        let service = (*self.0).clone();
        Reply::Later(async move {
            match service.oneshot(request).await {
                Ok(response) => Answer::new(response.map(Body::stream)),
                Err(error) => {
                    let error: BodyError = error.into();
                    tracing::error!(%error, "the application failed");
                    Answer::failed(Fault::Failed)
                }
            }
        })
    }
}
