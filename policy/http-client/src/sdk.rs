//! The client as the AWS SDKs want it.

use std::sync::atomic::Ordering;

use aws_smithy_runtime_api::client::connection::{CaptureSmithyConnection, ConnectionMetadata};
use aws_smithy_runtime_api::client::http::{
    HttpClient as SdkClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::retry::ErrorKind;
use http_body_util::{BodyExt, Full};

use crate::{HttpClient, HttpError, Limits};

impl SdkClient for HttpClient {
    fn http_connector(&self, settings: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        let limits = Limits { connect: settings.connect_timeout(), answer: settings.read_timeout() };
        SharedHttpConnector::new(Connector { client: self.clone(), limits })
    }
}

#[derive(Debug)]
struct Connector {
    client: HttpClient,
    limits: Limits,
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (client, limits) = (self.client.clone(), self.limits);
        HttpConnectorFuture::new(async move { call(&client, limits, request).await })
    }
}

async fn call(client: &HttpClient, limits: Limits, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
    let request = request.try_into_http1x().map_err(|error| ConnectorError::user(error.into()))?;
    let capture = request.extensions().get::<CaptureSmithyConnection>().cloned();
    let (parts, body) = request.into_parts();
    if body.bytes().is_none() {
        return Err(ConnectorError::user(HttpError::Streaming.into()));
    }
    // To its end: the SDK takes an upload that nobody reads for one that stalls, and gives up on the answer.
    let body = body.collect().await.map_err(ConnectorError::user)?.to_bytes();
    let request = http::Request::from_parts(parts, Full::new(body));
    let (response, avoided) = client.exchange(request, limits).await.map_err(in_sdks_words)?;
    if let Some(capture) = capture {
        let avoid = move || avoided.store(true, Ordering::Relaxed);
        let metadata = ConnectionMetadata::builder().proxied(false).poison_fn(avoid).build();
        capture.set_connection_retriever(move || Some(metadata.clone()));
    }
    let response = response.map(SdkBody::from_body_1_x);
    HttpResponse::try_from(response).map_err(|error| ConnectorError::other(error.into(), None))
}

/// What the SDK tries again is told apart by these words.
fn in_sdks_words(error: HttpError) -> ConnectorError {
    match &error {
        HttpError::Address(_) | HttpError::Streaming => ConnectorError::user(error.into()),
        HttpError::Connect { .. } => ConnectorError::io(error.into()),
        HttpError::ConnectTimeout { .. } | HttpError::AnswerTimeout { .. } => ConnectorError::timeout(error.into()),
        HttpError::Exchange { cause, .. } if cause.is_user() => ConnectorError::user(error.into()),
        HttpError::Exchange { .. } => ConnectorError::other(error.into(), Some(ErrorKind::TransientError)),
    }
}
