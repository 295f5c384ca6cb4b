//! What leaves for CloudWatch and for a collector.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "test code")]

mod support;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::metrics::v1::Metric;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use support::{ORDERS, Setup, eventually, upstream};
use tokio::net::TcpListener;

/// A collector that keeps what it gets; it answers with this status.
#[derive(Clone, Default)]
struct Collector(Arc<Mutex<Vec<(String, Bytes)>>>);

impl Collector {
    async fn start(status: u16) -> (SocketAddr, Self) {
        let (listener, collector) = (TcpListener::bind("127.0.0.1:0").await.unwrap(), Self::default());
        let (addr, kept) = (listener.local_addr().unwrap(), collector.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let kept = kept.clone();
                let service = service_fn(move |request| answer(kept.clone(), request, status));
                let http = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
                tokio::spawn(http);
            }
        });
        (addr, collector)
    }

    fn bodies(&self, path: &str) -> Vec<Bytes> {
        let kept = self.0.lock().unwrap();
        kept.iter().filter(|(at, _)| at == path).map(|(_, body)| body.clone()).collect()
    }

    fn spans(&self) -> Vec<Span> {
        let decoded =
            self.bodies("/v1/traces").into_iter().map(|body| ExportTraceServiceRequest::decode(body).unwrap());
        let resources = decoded.flat_map(|request| request.resource_spans);
        resources.flat_map(|resource| resource.scope_spans).flat_map(|scope| scope.spans).collect()
    }

    /// Of the last batch.
    fn metrics(&self) -> Vec<Metric> {
        let Some(body) = self.bodies("/v1/metrics").pop() else { return Vec::new() };
        let request = ExportMetricsServiceRequest::decode(body).unwrap();
        let resource = &request.resource_metrics[0];
        assert_eq!(text(&resource.resource.as_ref().unwrap().attributes, "service.name"), Some("invoices"));
        resource.scope_metrics[0].metrics.clone()
    }
}

async fn answer(kept: Collector, request: Request<Incoming>, status: u16) -> Result<Response<Full<Bytes>>, Infallible> {
    assert_eq!(request.headers()["content-type"], "application/x-protobuf");
    let path = request.uri().path().to_owned();
    let body = request.into_body().collect().await.unwrap().to_bytes();
    kept.0.lock().unwrap().push((path, body));
    Ok(Response::builder().status(status).body(Full::default()).unwrap())
}

fn text<'a>(attributes: &'a [KeyValue], name: &str) -> Option<&'a str> {
    let found = attributes.iter().find(|attribute| attribute.key == name)?;
    match found.value.as_ref()?.value.as_ref()? {
        Value::StringValue(text) => Some(text),
        other => panic!("{other:?}"),
    }
}

fn telemetry(collector: SocketAddr, more: &str) -> String {
    format!(
        "telemetry: {{ accessLog: access.log, serviceName: invoices, metricsInterval: 1s, \
         otlpEndpoint: \"http://{collector}\"{more} }}"
    )
}

const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

#[tokio::test]
async fn a_sampled_request_is_a_span_between_the_caller_and_the_upstream() {
    let (addr, recorded) = upstream::canned(upstream::OK).await;
    let (collector, kept) = Collector::start(200).await;
    let runtime = Setup::new().upstream(addr).top(&telemetry(collector, ", traceSampling: 0")).start().await;
    let mut raw = runtime.orders().raw().await;
    raw.send(&format!("GET /v1/a HTTP/1.1\r\nhost: a\r\ntraceparent: {PARENT}\r\ntracestate: x=y\r\n\r\n")).await;
    assert_eq!(raw.answer().await.status, 200);
    let spans = eventually(|| Some(kept.spans()).filter(|spans| !spans.is_empty())).await;
    let [ours, upstreams] = spans.as_slice() else { panic!("{spans:?}") };
    assert_eq!(hex(&ours.trace_id), "4bf92f3577b34da6a3ce929d0e0e4736");
    assert_eq!((hex(&ours.parent_span_id), &upstreams.parent_span_id), ("00f067aa0ba902b7".to_owned(), &ours.span_id));
    assert_eq!((ours.kind, upstreams.kind), (2, 3), "server and client");
    for (name, value) in [
        ("linkward.caller", ORDERS),
        ("linkward.decision", "allow"),
        ("linkward.reason", "permitted"),
        ("linkward.rule", "read"),
        ("url.path", "/v1/a"),
    ] {
        assert_eq!(text(&ours.attributes, name), Some(value), "{name}");
    }
    assert!(ours.end_time_unix_nano >= upstreams.end_time_unix_nano && upstreams.end_time_unix_nano > 0);
    let told = format!("00-4bf92f3577b34da6a3ce929d0e0e4736-{}-01", hex(&upstreams.span_id));
    assert_eq!((recorded.header("traceparent"), recorded.header("tracestate")), (Some(told), Some("x=y".to_owned())));
}

#[tokio::test]
async fn a_denial_is_always_a_span_and_what_nobody_sampled_is_not() {
    let (collector, kept) = Collector::start(200).await;
    let runtime = Setup::new().top(&telemetry(collector, ", traceSampling: 0")).start().await;
    let mut raw = runtime.orders().raw().await;
    for (path, status) in [("/v1/a", 200), ("/v1/secret/a", 403)] {
        raw.send(&format!("GET {path} HTTP/1.1\r\nhost: a\r\n\r\n")).await;
        assert_eq!(raw.answer().await.status, status);
    }
    let spans = eventually(|| Some(kept.spans()).filter(|spans| !spans.is_empty())).await;
    let [denied] = spans.as_slice() else { panic!("{spans:?}") };
    assert_eq!(text(&denied.attributes, "linkward.reason"), Some("forbidden"));
}

#[tokio::test]
async fn the_collector_gets_every_number_with_its_quantiles() {
    let (collector, kept) = Collector::start(200).await;
    let runtime = Setup::new().top(&telemetry(collector, "")).start().await;
    let mut raw = runtime.orders().raw().await;
    for _ in 0..3 {
        raw.send("GET /v1/a HTTP/1.1\r\nhost: a\r\n\r\n").await;
        assert_eq!(raw.answer().await.status, 200);
    }
    let find = |name: &str| kept.metrics().into_iter().find(|metric| metric.name == name);
    let counted = eventually(|| {
        let Data::Sum(sum) = find("linkward.requests")?.data? else { panic!("a counter") };
        sum.data_points.into_iter().find(|point| text(&point.attributes, "decision") == Some("allow"))
    })
    .await;
    assert_eq!(format!("{:?}", counted.value), "Some(AsInt(3))");
    let Data::ExponentialHistogram(histogram) = find("linkward.request_duration").unwrap().data.unwrap() else {
        panic!("a histogram")
    };
    let point = &histogram.data_points[0];
    let buckets = point.positive.as_ref().unwrap();
    assert_eq!((point.count, buckets.bucket_counts.iter().sum::<u64>()), (3, 3));
    let Data::Sum(callers) = find("linkward.caller_requests").unwrap().data.unwrap() else { panic!("a counter") };
    assert_eq!(text(&callers.data_points[0].attributes, "caller"), Some(ORDERS));
}

#[tokio::test]
async fn what_the_collector_refuses_is_counted_and_delays_nobody() {
    let (collector, kept) = Collector::start(503).await;
    let runtime = Setup::new().top(&telemetry(collector, ", traceSampling: 1")).start().await;
    let mut raw = runtime.orders().raw().await;
    raw.send("GET /v1/a HTTP/1.1\r\nhost: a\r\n\r\n").await;
    assert_eq!(raw.answer().await.status, 200);
    runtime.until_metric("linkward_spans_dropped_total", 1.0).await;
    assert_eq!(kept.bodies("/v1/traces").len(), 2, "tried twice");
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
