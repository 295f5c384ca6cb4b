//! Faults on request, and the log of the calls that the EC2 and PCA emulator answered.

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use http_body_util::Full;
use serde_json::{Value, json};

use crate::account::Account;
use crate::wire::{self, WireError};

/// What the next calls of an action meet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// `RequestLimitExceeded` with 503 (EC2, ELB), `ThrottlingException` with 400 (PCA).
    Throttle,
    /// HTTP 500 `InternalError` (EC2, ELB), `InternalFailure` (PCA).
    ServerError,
    /// The call is answered as usual, this much later.
    Latency(Duration),
    /// Accept and Reject answer 200 with this code in `Unsuccessful` for every endpoint, and change nothing.
    Unsuccessful(String),
    /// This error code with HTTP 400.
    Error(String),
}

/// A call that the EC2 and PCA emulator saw.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
pub struct Call {
    /// The signing name: `ec2`, `acm-pca`, `elasticloadbalancing` …
    pub service: String,
    /// `DescribeVpcEndpointConnections` …
    pub action: String,
    /// The caller's account.
    pub account: String,
    /// The caller's access key.
    pub principal: String,
    /// The HTTP status of the answer.
    pub status: u16,
}

/// Why the control route did not do it.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    #[error(transparent)]
    Wire(#[from] WireError),
    #[error("the control route `{route}` answered {status}: {said}")]
    Refused { route: String, status: StatusCode, said: String },
    #[error("the control route answered what is not expected")]
    Answer(#[from] serde_json::Error),
}

/// The control routes of a stack.
#[derive(Debug, Clone)]
pub struct Control {
    endpoint: String,
    ec2_endpoint: String,
    region: String,
}

impl Control {
    pub(crate) fn new(endpoint: &str, ec2_endpoint: &str, region: &str) -> Self {
        Self { endpoint: endpoint.to_owned(), ec2_endpoint: ec2_endpoint.to_owned(), region: region.to_owned() }
    }

    /// The next `times` calls of `action` (`AcceptVpcEndpointConnections`, `RevokeCertificate` …) meet `fault`, after those that
    /// earlier requests for the same action still have to meet.
    pub async fn fault(&self, action: &str, fault: Fault, times: u32) -> Result<(), ControlError> {
        let (kind, code, later) = match fault {
            Fault::Throttle => ("throttle", String::new(), Duration::ZERO),
            Fault::ServerError => ("serverError", String::new(), Duration::ZERO),
            Fault::Latency(later) => ("latency", String::new(), later),
            Fault::Unsuccessful(code) => ("unsuccessful", code, Duration::ZERO),
            Fault::Error(code) => ("error", code, Duration::ZERO),
        };
        let seconds = later.as_secs_f64();
        let wanted = json!({"action": action, "kind": kind, "times": times, "code": code, "seconds": seconds});
        self.ec2_side(Method::POST, "/_local/faults", Some(wanted)).await.map(drop)
    }

    /// Takes all faults back.
    pub async fn clear_faults(&self) -> Result<(), ControlError> {
        self.ec2_side(Method::DELETE, "/_local/faults", None).await.map(drop)
    }

    /// All calls so far, oldest first.
    pub async fn calls(&self) -> Result<Vec<Call>, ControlError> {
        Ok(serde_json::from_slice(&self.ec2_side(Method::GET, "/_local/calls", None).await?)?)
    }

    /// Forgets the calls so far.
    pub async fn forget_calls(&self) -> Result<(), ControlError> {
        self.ec2_side(Method::DELETE, "/_local/calls", None).await.map(drop)
    }

    /// The most connections that a page of `DescribeVpcEndpointConnections` holds (1000 at start), whatever `MaxResults` asks for.
    pub async fn page_size(&self, connections: u32) -> Result<(), ControlError> {
        self.setting("page_size", json!(connections)).await
    }

    /// Switches connection notifications on or off.
    pub async fn connection_notifications(&self, on: bool) -> Result<(), ControlError> {
        self.setting("connection_notifications", json!(on)).await
    }

    /// The bus that consumers forward `CreateVpcEndpoint` to; `None`: they forward nothing.
    pub async fn cloudtrail_bus(&self, bus: Option<&str>) -> Result<(), ControlError> {
        self.setting("cloudtrail_bus", json!(bus.unwrap_or_default())).await
    }

    /// Puts an event with any source, also `aws.*`, on a bus of the provider: as an AWS service would.
    pub async fn emit(&self, bus: &str, source: &str, detail_type: &str, detail: Value) -> Result<(), ControlError> {
        let (account, region) = (Account::PROVIDER, &self.region);
        let event = json!({
            "busAccount": account, "bus": bus, "account": account, "region": region,
            "source": source, "detailType": detail_type, "detail": detail,
        });
        request(&self.endpoint, Method::POST, "/_local/events", Some(event)).await.map(drop)
    }

    async fn setting(&self, name: &str, value: Value) -> Result<(), ControlError> {
        self.ec2_side(Method::POST, "/_local/settings", Some(json!({name: value}))).await.map(drop)
    }

    async fn ec2_side(&self, method: Method, route: &str, body: Option<Value>) -> Result<Bytes, ControlError> {
        request(&self.ec2_endpoint, method, route, body).await
    }
}

async fn request(endpoint: &str, method: Method, route: &str, body: Option<Value>) -> Result<Bytes, ControlError> {
    let body = body.map(|value| value.to_string()).unwrap_or_default();
    let request = Request::builder().method(method).uri(route).header("content-type", "application/json");
    let request = request.body(Full::from(body)).map_err(WireError::from)?;
    let (status, said) = wire::send(endpoint, request).await?;
    if status.is_success() {
        return Ok(said);
    }
    Err(ControlError::Refused { route: route.to_owned(), status, said: String::from_utf8_lossy(&said).into_owned() })
}
