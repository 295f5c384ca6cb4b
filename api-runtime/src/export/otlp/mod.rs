//! OTLP over HTTP, as protobuf: <https://opentelemetry.io/docs/specs/otlp/#otlphttp>.

mod metrics;
mod traces;

pub(super) use metrics::Metrics;
#[cfg(test)]
pub(super) use metrics::{Span, request};
pub(super) use traces::{Traces, trace};

use crate::config::Telemetry;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Request};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use policy::Timestamp;
use prost::Message;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// A collector on the same host that takes longer is in trouble.
const PATIENCE: Duration = Duration::from_secs(5);
/// More of an answer is not read.
const ANSWER: usize = 4 << 10;

/// The way to a collector, for one signal.
#[derive(Debug)]
struct Sender {
    client: Client<HttpConnector, Full<Bytes>>,
    url: String,
    /// Whether the last batch was refused: said once, and once when it is over.
    failing: AtomicBool,
}

impl Sender {
    fn new(url: String) -> Self {
        Self { client: Client::builder(TokioExecutor::new()).build_http(), url, failing: AtomicBool::new(false) }
    }

    /// Sends a batch. False if the collector did not take it.
    async fn send(&self, message: &impl Message) -> bool {
        let sent = tokio::time::timeout(PATIENCE, self.post(message.encode_to_vec())).await;
        let problem = match sent {
            Ok(Ok(())) => None,
            Ok(Err(problem)) => Some(problem),
            Err(_) => Some("no answer within 5 s".to_owned()),
        };
        let failing = problem.is_some();
        if self.failing.swap(failing, Ordering::Relaxed) != failing {
            match &problem {
                Some(problem) => tracing::warn!(url = self.url, problem, "the collector does not take our signals"),
                None => tracing::info!(url = self.url, "the collector takes our signals again"),
            }
        }
        !failing
    }

    async fn post(&self, body: Vec<u8>) -> Result<(), String> {
        let mut request = Request::post(&self.url).body(Full::from(body)).map_err(|error| error.to_string())?;
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/x-protobuf"));
        let answer = self.client.request(request).await.map_err(|error| error.to_string())?;
        let status = answer.status();
        // Read, so that the connection can be used again.
        let _ = Limited::new(answer.into_body(), ANSWER).collect().await;
        if status.is_success() { Ok(()) } else { Err(format!("it answered {status}")) }
    }
}

/// Who speaks.
pub(super) fn resource(telemetry: &Telemetry) -> Resource {
    let attributes = [("service.name", &*telemetry.service_name), ("service.version", env!("CARGO_PKG_VERSION"))];
    let attributes = attributes.into_iter().map(|(name, value)| text(name, value)).collect();
    Resource { attributes, ..Resource::default() }
}

fn scope() -> InstrumentationScope {
    InstrumentationScope { name: "linkward".to_owned(), ..InstrumentationScope::default() }
}

fn text(name: &str, value: &str) -> KeyValue {
    attribute(name, Value::StringValue(value.to_owned()))
}

fn attribute(name: &str, value: Value) -> KeyValue {
    KeyValue { key: name.to_owned(), value: Some(AnyValue { value: Some(value) }), ..KeyValue::default() }
}

fn nanos(at: Timestamp) -> u64 {
    u64::try_from(at.as_nanosecond()).unwrap_or(0)
}
