//! For tests of SDK adapters at the SDK's seam: answers are wire bytes, queued by operation, and every call is kept.
//!
//! No feature of the SDKs is needed for it, so that tests and product share one build of them.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code: a test that cannot go on fails"
)]

mod answer;
mod call;
pub mod events;
mod mutations;
mod permissions;
mod published;
mod responder;
mod schema;

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

pub use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use aws_config::{BehaviorVersion, Region};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;

pub use answer::Answer;
pub use call::Call;
pub use permissions::Permissions;
pub use responder::{Reaction, answered_by};

/// Answers by operation, in the order given; a call without an answer fails at the connector.
#[derive(Clone, Debug, Default)]
pub struct Replay(Arc<Mutex<Script>>);

#[derive(Debug, Default)]
struct Script {
    answers: HashMap<String, VecDeque<Answer>>,
    service: Option<Service>,
    always: HashMap<String, Answer>,
    calls: Vec<Call>,
    permissions: Option<Permissions>,
}

/// Something that remembers what it was asked, where queued answers do not reach.
#[derive(Clone)]
struct Service(Arc<Ask>);

type Ask = dyn Fn(&Call) -> Option<Answer> + Send + Sync;

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Service")
    }
}

impl Replay {
    /// No answers: any call fails.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// One more answer for `operation`, such as `PutItem`.
    #[must_use]
    pub fn on(self, operation: &str, answer: Answer) -> Self {
        self.script().answers.entry(operation.to_owned()).or_default().push_back(answer);
        self
    }

    /// Asked for every call whose queue is empty. It may panic: then the process under test has crashed at this call.
    #[must_use]
    pub fn served_by(self, service: impl Fn(&Call) -> Option<Answer> + Send + Sync + 'static) -> Self {
        self.script().service = Some(Service(Arc::new(service)));
        self
    }

    /// What `operation` is answered once its queue is empty.
    #[must_use]
    pub fn always(self, operation: &str, answer: Answer) -> Self {
        self.script().always.insert(operation.to_owned(), answer);
        self
    }

    /// Every call so far, in order.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.script().calls.clone()
    }

    /// The calls of one operation so far, in order.
    #[must_use]
    pub fn calls_of(&self, operation: &str) -> Vec<Call> {
        self.calls().into_iter().filter(|call| call.operation == operation).collect()
    }

    /// A configuration whose clients talk to this; its retries do not wait.
    #[must_use]
    pub fn sdk_config(&self) -> SdkConfig {
        sdk_config(self.clone())
    }

    fn script(&self) -> MutexGuard<'_, Script> {
        self.0.lock().unwrap()
    }
}

fn sdk_config(client: impl HttpClient + 'static) -> SdkConfig {
    let backoff = Duration::from_millis(1);
    let credentials = Credentials::new("key", "secret", None, None, "replay");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-west-1"))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .retry_config(RetryConfig::standard().with_initial_backoff(backoff).with_max_backoff(backoff))
        .disable_request_compression(true)
        .http_client(client)
        .build()
}

impl HttpClient for Replay {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Replay {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let call = Call::of(&request);
        let permissions = self.script().permissions.clone();
        if let Some(permissions) = permissions {
            permissions.check(&call.action());
        }
        let missing = format!("no answer is left for {}", call.operation);
        let (queued, service, always) = {
            let mut script = self.script();
            script.calls.push(call.clone());
            let queued = script.answers.get_mut(&call.operation).and_then(VecDeque::pop_front);
            (queued, script.service.clone(), script.always.get(&call.operation).cloned())
        };
        let answer = queued.or_else(|| service.and_then(|Service(service)| service(&call))).or(always);
        let Some(answer) = answer else {
            return HttpConnectorFuture::ready(Err(ConnectorError::user(missing.into())));
        };
        HttpConnectorFuture::new(async move {
            if !answer.delay.is_zero() {
                tokio::time::sleep(answer.delay).await;
            }
            Ok(answer.into_response())
        })
    }
}
