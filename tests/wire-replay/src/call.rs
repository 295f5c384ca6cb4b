use std::collections::BTreeMap;

use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use minicbor::data::Type;
use minicbor::decode::Decoder;
use serde_json::{Map, Value};

/// One call as it went over the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The operation's name, whatever the protocol writes it in; in the REST protocols `METHOD /path`.
    pub operation: String,
    /// The whole address.
    pub uri: String,
    /// The bytes of the body.
    pub body: Vec<u8>,
}

/// Hosts that IAM has another word for.
const PREFIXES: &[(&str, &str)] = &[("monitoring", "cloudwatch"), ("appconfigdata", "appconfig")];
/// What IAM calls the operations of REST services.
const REST: &[(&str, &str)] =
    &[("POST /configurationsessions", "StartConfigurationSession"), ("GET /configuration", "GetLatestConfiguration")];

impl Call {
    pub(crate) fn of(request: &HttpRequest) -> Self {
        let body = request.body().bytes().unwrap_or_default().to_vec();
        let target = request.headers().get("x-amz-target").and_then(|target| target.rsplit('.').next());
        let path = request.uri().split("/operation/").nth(1);
        let operation = match target.or(path) {
            Some(operation) => operation.to_owned(),
            None => form(&body).remove("Action").unwrap_or_else(|| rest(request)),
        };
        Self { operation, uri: request.uri().to_owned(), body }
    }

    /// What IAM calls it, such as `dynamodb:PutItem`; the service is the first label of the host.
    #[must_use]
    pub fn action(&self) -> String {
        let host = self.uri.split("://").nth(1).unwrap_or_default();
        let label = host.split(['.', '/', ':']).next().unwrap_or_default();
        let prefix = PREFIXES.iter().find(|(host, _)| *host == label).map_or(label, |(_, prefix)| prefix);
        let rest = REST.iter().find(|(rest, _)| *rest == self.operation);
        format!("{prefix}:{}", rest.map_or(self.operation.as_str(), |(_, operation)| operation))
    }

    /// A parameter of the query.
    #[must_use]
    pub fn query(&self, name: &str) -> Option<String> {
        form(self.uri.split_once('?')?.1.as_bytes()).remove(name)
    }

    /// The body of the JSON protocols.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The body of EC2's query protocol.
    #[must_use]
    pub fn form(&self) -> BTreeMap<String, String> {
        form(&self.body)
    }

    /// The body of rpc-v2-cbor.
    #[must_use]
    pub fn cbor(&self) -> Value {
        value(&mut Decoder::new(&self.body))
    }
}

fn rest(request: &HttpRequest) -> String {
    let uri: http::Uri = request.uri().parse().unwrap();
    format!("{} {}", request.method(), uri.path())
}

fn form(body: &[u8]) -> BTreeMap<String, String> {
    let text = String::from_utf8_lossy(body);
    text.split('&').filter_map(|pair| pair.split_once('=')).map(|(name, value)| (decode(name), decode(value))).collect()
}

fn decode(text: &str) -> String {
    let mut parts = text.split('%');
    let mut bytes = parts.next().unwrap_or_default().replace('+', " ").into_bytes();
    for part in parts {
        let (digits, rest) = part.split_at(2);
        bytes.push(u8::from_str_radix(digits, 16).unwrap());
        bytes.extend(rest.replace('+', " ").bytes());
    }
    String::from_utf8(bytes).unwrap()
}

/// As much of CBOR as a request has.
fn value(decoder: &mut Decoder<'_>) -> Value {
    match decoder.datatype().unwrap() {
        Type::Map | Type::MapIndef => Value::Object(map(decoder)),
        Type::Array | Type::ArrayIndef => Value::Array(array(decoder)),
        Type::String | Type::StringIndef => decoder.str_iter().unwrap().map(Result::unwrap).collect::<String>().into(),
        Type::Bool => decoder.bool().unwrap().into(),
        Type::F16 | Type::F32 | Type::F64 => decoder.f64().unwrap().into(),
        Type::Tag => {
            decoder.tag().unwrap();
            value(decoder)
        }
        Type::U8 | Type::U16 | Type::U32 | Type::U64 | Type::I8 | Type::I16 | Type::I32 | Type::I64 => {
            decoder.i64().unwrap().into()
        }
        other => panic!("{other} is in no request"),
    }
}

fn map(decoder: &mut Decoder<'_>) -> Map<String, Value> {
    let mut left = decoder.map().unwrap();
    let mut map = Map::new();
    while more(decoder, &mut left) {
        let name = decoder.str().unwrap().to_owned();
        map.insert(name, value(decoder));
    }
    map
}

fn array(decoder: &mut Decoder<'_>) -> Vec<Value> {
    let mut left = decoder.array().unwrap();
    let mut array = Vec::new();
    while more(decoder, &mut left) {
        array.push(value(decoder));
    }
    array
}

/// Whether an element follows: by the count, or up to the break.
fn more(decoder: &mut Decoder<'_>, left: &mut Option<u64>) -> bool {
    match left {
        Some(0) => false,
        Some(count) => {
            *count -= 1;
            true
        }
        None if decoder.datatype().unwrap() == Type::Break => {
            decoder.skip().unwrap();
            false
        }
        None => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_decoded() {
        let call = Call {
            operation: String::new(),
            uri: String::new(),
            body: b"Action=A&Filter.1.Value.1=a%2Fb+c%20d".to_vec(),
        };
        assert_eq!(call.form()["Filter.1.Value.1"], "a/b c d");
    }

    #[test]
    fn iam_has_its_own_words() {
        for (host, operation, action) in [
            ("ec2", "AcceptVpcEndpointConnections", "ec2:AcceptVpcEndpointConnections"),
            ("monitoring", "PutMetricData", "cloudwatch:PutMetricData"),
            ("appconfigdata", "GET /configuration", "appconfig:GetLatestConfiguration"),
        ] {
            let uri = format!("https://{host}.eu-west-1.amazonaws.com/x?y=z");
            assert_eq!(Call { operation: operation.to_owned(), uri, body: Vec::new() }.action(), action);
        }
    }

    #[test]
    fn cbor_of_both_lengths_is_decoded() {
        // {"a": [1, 2.5, true], "b": -1}, once with counts and once with breaks.
        let counted = [0xa2, 0x61, b'a', 0x83, 0x01, 0xf9, 0x41, 0x00, 0xf5, 0x61, b'b', 0x20];
        let broken = [0xbf, 0x61, b'a', 0x9f, 0x01, 0xf9, 0x41, 0x00, 0xf5, 0xff, 0x61, b'b', 0x20, 0xff];
        for body in [counted.to_vec(), broken.to_vec()] {
            let call = Call { operation: String::new(), uri: String::new(), body };
            assert_eq!(call.cbor(), serde_json::json!({"a": [1, 2.5, true], "b": -1}));
        }
    }
}
