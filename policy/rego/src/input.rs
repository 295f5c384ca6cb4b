//! What a policy in Rego is told of a request: `input`.

use policy::access::AccessRequest;
use policy::{AccountId, SerialNumber, Timestamp, VpcEndpointId};
use regorus::Value;
use std::collections::BTreeMap;

/// An input of more bytes is not evaluated: its strings, which the caller chooses, would be copied in each step.
const MAX_BYTES: usize = 65_536;
/// Nor is one whose path has more segments.
const MAX_SEGMENTS: usize = 1_024;

/// One request, with what only Rego asks for.
#[derive(Clone, Copy, Debug)]
pub struct RegoRequest<'a> {
    /// What the declarative engine is told too.
    pub access: AccessRequest<'a>,
    /// The common name in the subject of the caller's certificate, if there is exactly one.
    pub common_name: Option<&'a str>,
    /// The serial number of the caller's certificate; none in a question without a certificate.
    pub serial_number: Option<&'a SerialNumber>,
    /// The notAfter of the caller's certificate.
    pub not_after: Option<Timestamp>,
    /// The host the request is for, as the client named it.
    pub host: Option<&'a str>,
}

impl RegoRequest<'_> {
    /// The value of `input`; none if it is larger than one may be.
    pub(crate) fn to_value(self) -> Option<Value> {
        let RegoRequest { access, common_name, serial_number, not_after, host } = self;
        let path = access.path.as_str();
        let bytes = [path, access.method, common_name.unwrap_or_default(), host.unwrap_or_default()];
        let segments: Vec<Value> = access.path.decoded_segments().map(|segment| Value::from(&*segment)).collect();
        if bytes.iter().map(|text| text.len()).sum::<usize>() > MAX_BYTES || segments.len() > MAX_SEGMENTS {
            return None;
        }
        Some(object([
            (
                "identity",
                object([
                    ("id", Value::from(access.identity.as_str())),
                    ("trustDomain", Value::from(access.identity.trust_domain())),
                    ("path", Value::from(access.identity.path())),
                    ("commonName", text(common_name)),
                ]),
            ),
            (
                "certificate",
                object([
                    ("serialNumber", text(serial_number.map(SerialNumber::as_str))),
                    ("notAfter", not_after.map_or(Value::Null, |time| Value::from(time.to_string()))),
                ]),
            ),
            (
                "endpoint",
                object([
                    ("id", text(access.endpoint.map(VpcEndpointId::as_str))),
                    ("account", text(access.account.map(AccountId::as_str))),
                ]),
            ),
            (
                "request",
                object([
                    ("method", Value::from(access.method)),
                    ("path", Value::from(path)),
                    ("segments", Value::from(segments)),
                    ("host", text(host)),
                ]),
            ),
        ]))
    }
}

fn object<const N: usize>(fields: [(&str, Value); N]) -> Value {
    Value::from(fields.into_iter().map(|(key, value)| (Value::from(key), value)).collect::<BTreeMap<_, _>>())
}

fn text(text: Option<&str>) -> Value {
    text.map_or(Value::Null, Value::from)
}
