//! OTLP's protobuf, as much of it as a run needs:
//! <https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/trace/v1/trace.proto>.
//! Written by hand: a function's package stays small.

use jiff::Timestamp;

use super::{Call, Told};

/// SPAN_KIND_SERVER and SPAN_KIND_CLIENT.
const SERVER: u64 = 2;
const CLIENT: u64 = 3;
/// STATUS_CODE_ERROR.
const ERROR: u64 = 2;

/// Fields of a message, one after the other.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push((value & 0x7f) as u8 | 0x80);
            value >>= 7;
        }
        self.0.push((value & 0x7f) as u8);
    }

    fn number(&mut self, field: u64, value: u64) {
        self.varint(field << 3);
        self.varint(value);
    }

    fn fixed(&mut self, field: u64, value: u64) {
        self.varint(field << 3 | 1);
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    fn bytes(&mut self, field: u64, bytes: &[u8]) {
        self.varint(field << 3 | 2);
        self.varint(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }

    fn message(&mut self, field: u64, write: impl FnOnce(&mut Self)) {
        let mut inner = Self::default();
        write(&mut inner);
        self.bytes(field, &inner.0);
    }

    /// A KeyValue with a text.
    fn attribute(&mut self, field: u64, name: &str, value: &str) {
        self.message(field, |pair| {
            pair.bytes(1, name.as_bytes());
            pair.message(2, |any| any.bytes(1, value.as_bytes()));
        });
    }
}

/// An ExportTraceServiceRequest with a run and its calls.
pub(super) fn request(told: &Told<'_>, ended: Timestamp, calls: &[Call], dropped: u64) -> Vec<u8> {
    let mut request = Message::default();
    request.message(1, |resource_spans| {
        resource_spans.message(1, |resource| {
            resource.attribute(1, "service.name", &format!("linkward-{}", told.function));
            resource.attribute(1, "service.version", env!("CARGO_PKG_VERSION"));
            resource.attribute(1, "cloud.provider", "aws");
            resource.attribute(1, "cloud.platform", "aws_lambda");
        });
        resource_spans.message(2, |scope_spans| {
            scope_spans.message(1, |scope| scope.bytes(1, b"linkward"));
            scope_spans.message(2, |span| run(span, told, ended, dropped));
            for each in calls {
                scope_spans.message(2, |span| call(span, told, each));
            }
        });
    });
    request.0
}

fn run(span: &mut Message, told: &Told<'_>, ended: Timestamp, dropped: u64) {
    let Told { context, function, run_id, errors, began } = told;
    common(span, context.trace_id, context.span_id, context.parent, function, SERVER, [*began, ended]);
    span.attribute(9, "faas.invocation_id", run_id);
    span.attribute(9, "faas.name", function);
    if dropped > 0 {
        span.attribute(9, "linkward.calls.dropped", &dropped.to_string());
    }
    if !errors.is_empty() {
        failed(span, &errors.join(" "));
    }
}

fn call(span: &mut Message, told: &Told<'_>, call: &Call) {
    let Told { context, .. } = told;
    let name = format!("{}/{}", call.service, call.method);
    let times = [call.began, call.ended];
    common(span, context.trace_id, call.id, Some(context.span_id), &name, CLIENT, times);
    span.attribute(9, "rpc.system", "aws-api");
    span.attribute(9, "rpc.service", &call.service);
    span.attribute(9, "rpc.method", &call.method);
    if let Some(error) = &call.error {
        span.attribute(9, "error.type", error);
        failed(span, error);
    }
}

fn common(span: &mut Message, trace: u128, id: u64, parent: Option<u64>, name: &str, kind: u64, times: [Timestamp; 2]) {
    span.bytes(1, &trace.to_be_bytes());
    span.bytes(2, &id.to_be_bytes());
    if let Some(parent) = parent {
        span.bytes(4, &parent.to_be_bytes());
    }
    span.bytes(5, name.as_bytes());
    span.number(6, kind);
    for (field, at) in [7, 8].into_iter().zip(times) {
        span.fixed(field, u64::try_from(at.as_nanosecond()).unwrap_or(0));
    }
}

fn failed(span: &mut Message, message: &str) {
    span.message(15, |status| {
        status.bytes(2, message.as_bytes());
        status.number(3, ERROR);
    });
}
