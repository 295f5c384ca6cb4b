use std::time::Duration;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use serde_json::{Value, json};

/// One answer as it goes over the wire.
#[derive(Clone, Debug)]
pub struct Answer {
    status: u16,
    headers: &'static [(&'static str, &'static str)],
    also: Vec<(&'static str, String)>,
    body: Vec<u8>,
    pub(crate) delay: Duration,
}

impl Answer {
    /// EC2's query protocol.
    #[must_use]
    pub fn xml(body: &str) -> Self {
        Self {
            status: 200,
            headers: &[("content-type", "text/xml;charset=UTF-8")],
            also: Vec::new(),
            body: body.into(),
            delay: Duration::ZERO,
        }
    }

    /// An error in EC2's query protocol.
    #[must_use]
    pub fn xml_error(status: u16, code: &str) -> Self {
        let body = format!(
            "<Response><Errors><Error><Code>{code}</Code><Message>said by the replay</Message></Error></Errors>\
             <RequestID>0</RequestID></Response>"
        );
        Self { status, ..Self::xml(&body) }
    }

    /// The JSON protocols of DynamoDB, EventBridge and Private CA.
    #[must_use]
    pub fn json(body: &Value) -> Self {
        Self {
            status: 200,
            headers: &[("content-type", "application/x-amz-json-1.1")],
            also: Vec::new(),
            body: body.to_string().into(),
            delay: Duration::ZERO,
        }
    }

    /// An error in the JSON protocols.
    #[must_use]
    pub fn json_error(status: u16, code: &str) -> Self {
        Self::json_fault(status, &json!({"__type": code, "message": "said by the replay"}))
    }

    /// An error in the JSON protocols that says more.
    #[must_use]
    pub fn json_fault(status: u16, body: &Value) -> Self {
        Self { status, ..Self::json(body) }
    }

    /// Success without content in CloudWatch's rpc-v2-cbor.
    #[must_use]
    pub fn cbor() -> Self {
        let headers = &[("content-type", "application/cbor"), ("smithy-protocol", "rpc-v2-cbor")];
        Self { status: 200, headers, also: Vec::new(), body: vec![0xbf, 0xff], delay: Duration::ZERO }
    }

    /// Content as it is, as the REST protocols send some.
    #[must_use]
    pub fn bytes(status: u16, body: &[u8]) -> Self {
        Self { status, headers: &[], also: Vec::new(), body: body.to_vec(), delay: Duration::ZERO }
    }

    /// With one more header.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        self.also.push((name, value.to_owned()));
        self
    }

    /// The same, but only after a while.
    #[must_use]
    pub fn after(self, delay: Duration) -> Self {
        Self { delay, ..self }
    }

    pub(crate) fn into_response(self) -> HttpResponse {
        let status = StatusCode::try_from(self.status).unwrap();
        let mut response = HttpResponse::new(status, SdkBody::from(self.body));
        for (name, value) in self.headers {
            response.headers_mut().insert(*name, *value);
        }
        for (name, value) in self.also {
            response.headers_mut().insert(name, value);
        }
        response
    }
}
