//! Services that are asked by signed requests of our own: EC2, load balancing, SNS, STS and IAM by the Query protocol, AppConfig by REST.
//! `aws-sdk-ec2` is the endpoint-approver's alone, and what the tool asks of the others is a handful of calls.

mod service;
mod xml;

use std::time::{Duration, SystemTime};

use aws_config::SdkConfig;
use aws_credential_types::provider::ProvideCredentials as _;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings, sign,
};
use aws_sigv4::sign::v4::SigningParams;
use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

pub(crate) use service::{APPCONFIG, EC2, ELB, IAM, SNS, STS, Service};
pub(crate) use xml::Element;

/// For one call, connecting included.
const WITHIN: Duration = Duration::from_secs(20);
/// Calls that are throttled, or meet trouble of the service's own, are tried so often.
const ATTEMPTS: u32 = 4;
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// The largest answer: a policy of AppConfig has a megabyte, a page of connections less.
const LARGEST: usize = 16 * 1024 * 1024;

/// Why a call gave no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CallError {
    /// The service refused it.
    #[error("{action}: {code}: {message}")]
    Refused { action: String, code: String, message: String },
    #[error("{action}: the service cannot be reached: {cause}")]
    Unreachable { action: String, cause: String },
    #[error("{action}: no answer within {} s", WITHIN.as_secs())]
    Silent { action: String },
    #[error("{action}: an answer that cannot be read")]
    Answer { action: String },
    #[error("no AWS Region is configured; set AWS_REGION")]
    NoRegion,
    #[error("no AWS credentials: {0}")]
    NoCredentials(String),
    #[error("{action}: cannot be asked: {cause}")]
    Malformed { action: String, cause: String },
}

impl CallError {
    /// The service's own code, if it was the service that refused.
    pub(crate) fn code(&self) -> Option<&str> {
        match self {
            Self::Refused { code, .. } => Some(code),
            _ => None,
        }
    }

    /// Whether it was refused for want of a permission.
    pub(crate) fn is_denied(&self) -> bool {
        self.code().is_some_and(|code| code.contains("AccessDenied") || code.contains("Unauthorized"))
    }
}

/// What an answer says beside its body.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// One request to a REST service.
#[derive(Debug)]
pub(crate) struct Rest<'a> {
    /// What the call is called, for messages and for whoever grants it.
    pub(crate) action: &'a str,
    pub(crate) method: Method,
    /// With the query, encoded.
    pub(crate) path: &'a str,
    pub(crate) headers: &'a [(&'a str, &'a str)],
    pub(crate) body: Vec<u8>,
}

/// Asks, with the credentials and the Region of the environment.
#[derive(Clone, Debug)]
pub(crate) struct Signed {
    sdk: SdkConfig,
    region: String,
    web: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
}

impl Signed {
    pub(crate) fn new(sdk: &SdkConfig) -> Result<Self, CallError> {
        let region = sdk.region().map(|region| region.as_ref().to_owned()).ok_or(CallError::NoRegion)?;
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        let connector = HttpsConnectorBuilder::new()
            .with_provider_and_native_roots(rustls::crypto::aws_lc_rs::default_provider())
            .map_err(|error| CallError::Unreachable { action: "TLS".to_owned(), cause: error.to_string() })?
            .https_or_http()
            .enable_http1()
            .wrap_connector(tcp);
        Ok(Self { sdk: sdk.clone(), region, web: Client::builder(TokioExecutor::new()).build(connector) })
    }

    /// Calls an action of the Query protocol, and gives the root of its answer.
    pub(crate) async fn query(
        &self,
        service: &Service,
        action: &str,
        parameters: &[(&str, &str)],
    ) -> Result<Element, CallError> {
        let rest = Rest {
            action,
            method: Method::POST,
            path: "/",
            headers: &[("content-type", "application/x-www-form-urlencoded; charset=utf-8")],
            body: form(service, action, parameters).into_bytes(),
        };
        let answer = self.rest(service, rest).await?;
        let text = String::from_utf8_lossy(&answer.body);
        Element::parse(&text).ok_or_else(|| CallError::Answer { action: action.to_owned() })
    }

    /// Calls a REST service whose answer is JSON.
    pub(crate) async fn json(&self, service: &Service, rest: Rest<'_>) -> Result<Value, CallError> {
        let action = rest.action.to_owned();
        let answer = self.rest(service, rest).await?;
        serde_json::from_slice(&answer.body).map_err(|_| CallError::Answer { action })
    }

    /// Calls a REST service; throttled calls, and those that meet trouble of the service's own, are tried again.
    pub(crate) async fn rest(&self, service: &Service, rest: Rest<'_>) -> Result<Answer, CallError> {
        let mut pause = FIRST_PAUSE;
        for attempt in 1.. {
            let (status, answer) = self.once(service, &rest).await?;
            if status.is_success() {
                return Ok(answer);
            }
            let error = refusal(rest.action, status, &answer);
            let throttled = error.code().is_some_and(|code| code.contains("Throttl") || code == "RequestLimitExceeded");
            if attempt >= ATTEMPTS || !(throttled || status.is_server_error()) {
                return Err(error);
            }
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
        Err(CallError::Silent { action: rest.action.to_owned() })
    }

    async fn once(&self, service: &Service, rest: &Rest<'_>) -> Result<(StatusCode, Answer), CallError> {
        let action = || rest.action.to_owned();
        let request = self.request(service, rest).await?;
        let unreachable = |cause: String| CallError::Unreachable { action: action(), cause };
        let call = async {
            let response = self.web.request(request).await.map_err(|error| unreachable(with_causes(&error)))?;
            let (head, body) = response.into_parts();
            let body = Limited::new(body, LARGEST).collect().await.map_err(|error| unreachable(error.to_string()))?;
            Ok((head.status, Answer { headers: head.headers, body: body.to_bytes() }))
        };
        tokio::time::timeout(WITHIN, call).await.map_err(|_| CallError::Silent { action: action() })?
    }

    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html>
    async fn request(&self, service: &Service, rest: &Rest<'_>) -> Result<Request<Full<Bytes>>, CallError> {
        let malformed = |cause: String| CallError::Malformed { action: rest.action.to_owned(), cause };
        let uri = format!("{}{}", service.endpoint(&self.sdk, &self.region), rest.path);
        let provider = self.sdk.credentials_provider();
        let provider = provider.ok_or_else(|| CallError::NoCredentials("none are configured".to_owned()))?;
        let credentials = provider.provide_credentials().await;
        let credentials = credentials.map_err(|error| CallError::NoCredentials(with_causes(&error)))?;
        let mut settings = SigningSettings::default();
        settings.percent_encoding_mode = PercentEncodingMode::Double;
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        let identity = credentials.into();
        let parameters = SigningParams::builder()
            .identity(&identity)
            .region(service.signing_region(&self.region))
            .name(service.signing_name)
            .time(now())
            .settings(settings)
            .build()
            .map_err(|error| malformed(error.to_string()))?
            .into();
        let headers = rest.headers.iter().copied();
        let signable = SignableRequest::new(rest.method.as_str(), &uri, headers, SignableBody::Bytes(&rest.body));
        let signature = signable.and_then(|signable| sign(signable, &parameters));
        let signature = signature.map_err(|error| malformed(error.to_string()))?;
        let mut request = Request::builder().method(rest.method.clone()).uri(&uri);
        for (name, value) in rest.headers {
            request = request.header(*name, *value);
        }
        let body = Full::from(Bytes::copy_from_slice(&rest.body));
        let mut request = request.body(body).map_err(|error| malformed(error.to_string()))?;
        signature.into_parts().0.apply_to_request_http1x(&mut request);
        Ok(request)
    }
}

fn form(service: &Service, action: &str, parameters: &[(&str, &str)]) -> String {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("Action", action).append_pair("Version", service.version).extend_pairs(parameters);
    form.finish()
}

fn now() -> SystemTime {
    let since = policy::Timestamp::now().as_second();
    SystemTime::UNIX_EPOCH + Duration::from_secs(u64::try_from(since).unwrap_or_default())
}

/// Errors come as XML or as JSON; a code is in both, or in a header.
fn refusal(action: &str, status: StatusCode, answer: &Answer) -> CallError {
    let text = String::from_utf8_lossy(&answer.body);
    let xml = Element::parse(&text).filter(|root| !root.name().is_empty()).unwrap_or_default();
    let json: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let field = |names: [&str; 3]| names.iter().find_map(|name| json.get(*name)?.as_str()).map(str::to_owned);
    let header = answer.headers.get("x-amzn-errortype").and_then(|value| value.to_str().ok());
    let header = header.map(|value| value.split(':').next().unwrap_or(value).to_owned());
    let of_xml = |path: &str| Some(xml.text(path).to_owned()).filter(|text| !text.is_empty());
    let code = of_xml("Error/Code").or(header).or_else(|| field(["__type", "Code", "code"]));
    let message = of_xml("Error/Message").or_else(|| field(["Message", "message", "Details"])).unwrap_or_default();
    CallError::Refused { action: action.to_owned(), code: code.unwrap_or_else(|| status.to_string()), message }
}

fn with_causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |error| error.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(header: Option<&str>, body: &str) -> String {
        let mut headers = HeaderMap::new();
        if let Some(kind) = header {
            headers.insert("x-amzn-errortype", kind.parse().unwrap());
        }
        let answer = Answer { headers, body: Bytes::copy_from_slice(body.as_bytes()) };
        refusal("Describe", StatusCode::BAD_REQUEST, &answer).to_string()
    }

    #[test]
    fn a_refusal_is_read_in_each_protocol() {
        let ec2 = "<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>no</Message></Error></Errors></Response>";
        assert_eq!(said(None, ec2), "Describe: UnauthorizedOperation: no");
        let rest = said(Some("BadRequestException:http://x"), r#"{"Message": "bad"}"#);
        assert_eq!(rest, "Describe: BadRequestException: bad");
        assert_eq!(
            said(None, r#"{"__type": "ConflictException", "message": "busy"}"#),
            "Describe: ConflictException: busy"
        );
        assert_eq!(said(None, "<html>"), "Describe: 400 Bad Request: ");
    }

    #[test]
    fn a_missing_permission_is_told_apart() {
        let refused = |code: &str| CallError::Refused { action: "A".into(), code: code.into(), message: String::new() };
        assert!(refused("AccessDeniedException").is_denied() && refused("UnauthorizedOperation").is_denied());
        assert!(!refused("ValidationError").is_denied() && !CallError::NoRegion.is_denied());
    }
}
