//! Spans: one of ours for each request that is kept, and below it one for the upstream's share.
//! <https://opentelemetry.io/docs/specs/semconv/http/http-spans/>

use super::{Sender, attribute, nanos, resource, scope, text};
use crate::config::{OtlpEndpoint, Telemetry};
use crate::connection::Gate;
use crate::spans::Span;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span as Exported, Status};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// So many spans leave together, or what came within a second.
const BATCH: usize = 512;
const PAUSE: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(in crate::export) struct Traces {
    sender: Sender,
    resource: Resource,
}

impl Traces {
    pub(in crate::export) fn new(endpoint: &OtlpEndpoint, telemetry: &Telemetry) -> Self {
        Self { sender: Sender::new(endpoint.signal("traces")), resource: resource(telemetry) }
    }

    /// False if the collector did not take them, tried twice.
    async fn send(&self, spans: impl Iterator<Item = Span>) -> bool {
        let spans = spans.flat_map(exported).collect();
        let scope_spans = vec![ScopeSpans { scope: Some(scope()), spans, ..ScopeSpans::default() }];
        let resource = Some(self.resource.clone());
        let resource_spans = vec![ResourceSpans { resource, scope_spans, ..ResourceSpans::default() }];
        let request = ExportTraceServiceRequest { resource_spans };
        self.sender.send(&request).await || {
            tokio::time::sleep(PAUSE).await;
            self.sender.send(&request).await
        }
    }
}

/// Sends what comes, until the end and what waits then.
pub(in crate::export) async fn trace(
    gate: Arc<Gate>,
    traces: Traces,
    mut waiting: mpsc::Receiver<Span>,
    mut end: oneshot::Receiver<()>,
) {
    let mut batch = Vec::new();
    loop {
        let ended = tokio::select! {
            _ = &mut end => true,
            () = tokio::time::sleep(PAUSE) => false,
            () = full(&waiting) => false,
        };
        while let Ok(span) = waiting.try_recv() {
            batch.push(span);
            if batch.len() == BATCH {
                pass(&gate, &traces, &mut batch).await;
            }
        }
        if !batch.is_empty() {
            pass(&gate, &traces, &mut batch).await;
        }
        if ended {
            return;
        }
    }
}

/// Ready once there is a whole batch, as far as a look every now and then can tell.
async fn full(waiting: &mpsc::Receiver<Span>) {
    while waiting.len() < BATCH {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn pass(gate: &Gate, traces: &Traces, batch: &mut Vec<Span>) {
    let count = batch.len();
    if !traces.send(batch.drain(..)).await
        && let Some(spans) = &gate.spans
    {
        spans.lost(count);
    }
}

/// The span of a request, and of the upstream's share if it was asked.
fn exported(mut span: Span) -> impl Iterator<Item = Exported> {
    let [ours, upstream] = span.trace.spans();
    let started = nanos(span.at);
    let mut attributes = vec![
        text("http.request.method", &span.method),
        attribute("http.response.status_code", Value::IntValue(span.status.into())),
    ];
    let texts = std::mem::take(&mut span.texts).into_iter();
    attributes.extend(texts.map(|(name, value)| attribute(name, Value::StringValue(value))));
    let server = Exported {
        span_id: ours.to_be_bytes().to_vec(),
        parent_span_id: span.trace.parent().map(|parent| bytes(parent.as_bytes())).unwrap_or_default(),
        kind: SpanKind::Server.into(),
        end_time_unix_nano: started.saturating_add(length(span.latency)),
        attributes,
        ..common(&span, span.status >= 500)
    };
    let client = span.upstream.map(|duration| Exported {
        span_id: upstream.to_be_bytes().to_vec(),
        parent_span_id: ours.to_be_bytes().to_vec(),
        kind: SpanKind::Client.into(),
        end_time_unix_nano: started.saturating_add(length(duration)),
        attributes: vec![text("http.request.method", &span.method)],
        ..common(&span, span.status >= 500)
    });
    std::iter::once(server).chain(client)
}

fn common(span: &Span, failed: bool) -> Exported {
    let code = if failed { StatusCode::Error } else { StatusCode::Unset };
    Exported {
        trace_id: bytes(span.trace.as_bytes()),
        name: span.method.clone(),
        start_time_unix_nano: nanos(span.at),
        status: Some(Status { code: code.into(), ..Status::default() }),
        ..Exported::default()
    }
}

fn length(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// Hexadecimal digits as bytes.
fn bytes(digits: &[u8]) -> Vec<u8> {
    let pairs = digits.chunks(2).filter_map(|pair| std::str::from_utf8(pair).ok());
    pairs.filter_map(|pair| u8::from_str_radix(pair, 16).ok()).collect()
}
