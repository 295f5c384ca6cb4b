//! Answers by a function instead of a script: a whole service may stand behind it.

use std::fmt;
use std::sync::Arc;

use aws_config::SdkConfig;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;

use crate::{Answer, Call};

/// What becomes of a call.
#[derive(Clone, Debug)]
pub enum Reaction {
    /// It is answered.
    Answer(Answer),
    /// The connection breaks: whether the call arrived, its caller does not know.
    Lost,
    /// Nothing ever comes back: whoever waits for it has to be dropped.
    Never,
}

#[derive(Clone)]
struct Responder(Arc<dyn Fn(&Call) -> Reaction + Send + Sync>);

/// A configuration whose clients are answered by `respond`; their retries do not wait.
#[must_use]
pub fn answered_by(respond: impl Fn(&Call) -> Reaction + Send + Sync + 'static) -> SdkConfig {
    crate::sdk_config(Responder(Arc::new(respond)))
}

impl fmt::Debug for Responder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Responder")
    }
}

impl HttpClient for Responder {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Responder {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        match (self.0)(&Call::of(&request)) {
            Reaction::Answer(answer) => HttpConnectorFuture::ready(Ok(answer.into_response())),
            Reaction::Lost => HttpConnectorFuture::ready(Err(ConnectorError::io("the connection broke".into()))),
            Reaction::Never => HttpConnectorFuture::new(std::future::pending()),
        }
    }
}
