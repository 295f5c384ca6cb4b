//! The function's traces, from outside: the real binary between a Lambda runtime, an AWS and a collector of this test. What
//! the collector is sent is decoded by OpenTelemetry's own crate.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "test code")]

use std::convert::Infallible;
use std::net::SocketAddr;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::process::Command;

const AUTHORITY: &str =
    "arn:aws:acm-pca:eu-west-1:123456789012:certificate-authority/11111111-2222-3333-4444-555555555555";
const XRAY: &str = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";
/// Generous: the machine may be busy.
const SOON: Duration = Duration::from_secs(60);

/// What came, in its order: to whom, and the body.
type Came = Arc<Mutex<Vec<(String, Bytes)>>>;

/// How the world of an invocation is.
#[derive(Clone, Copy, Default)]
struct World {
    /// Whether the authority refuses.
    refuses: bool,
    /// Whether the collector never answers.
    stuck: bool,
    /// Whether the function knows no collector.
    untold: bool,
}

/// One server for all three parts.
async fn start(world: World) -> (SocketAddr, Came) {
    let (listener, came) = (TcpListener::bind("127.0.0.1:0").await.unwrap(), Came::default());
    let (addr, kept) = (listener.local_addr().unwrap(), Arc::clone(&came));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let kept = Arc::clone(&kept);
            let service = service_fn(move |request| answer(Arc::clone(&kept), request, world));
            tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    (addr, came)
}

async fn answer(came: Came, request: Request<Incoming>, world: World) -> Result<Response<Full<Bytes>>, Infallible> {
    let target = request.headers().get("x-amz-target").map(|target| target.to_str().unwrap().to_owned());
    let path = request.uri().path().to_owned();
    let body = request.into_body().collect().await.unwrap().to_bytes();
    let name = target.unwrap_or_else(|| path.rsplit('/').next().unwrap().to_owned());
    let invoked_before = came.lock().unwrap().iter().any(|(name, _)| name == "next");
    came.lock().unwrap().push((name.clone(), body));
    let answer = Response::builder().header("smithy-protocol", "rpc-v2-cbor");
    let answer = match &*name {
        "next" if invoked_before => std::future::pending().await,
        "next" => {
            let deadline = jiff::Timestamp::now().as_millisecond() + 30_000;
            let answer =
                answer.header("lambda-runtime-aws-request-id", "run-1").header("lambda-runtime-trace-id", XRAY);
            let answer = answer.header("lambda-runtime-deadline-ms", deadline);
            answer.header("lambda-runtime-invoked-function-arn", "arn:aws:lambda:f").body(event().into())
        }
        "traces" if world.stuck => std::future::pending().await,
        "PutMetricData" => answer.header("content-type", "application/cbor").body(Bytes::from_static(&[0xa0]).into()),
        "ACMPrivateCA.RevokeCertificate" if world.refuses => {
            let error = json!({"__type": "AccessDeniedException", "message": "no"});
            answer.status(400).body(error.to_string().into())
        }
        "AWSEvents.PutEvents" => {
            answer.body(json!({"FailedEntryCount": 0, "Entries": [{"EventId": "1"}]}).to_string().into())
        }
        _ => answer.body("{}".into()),
    };
    Ok(answer.unwrap())
}

fn event() -> String {
    let detail = json!({
        "certificateAuthorityArn": AUTHORITY, "serialNumber": "0a1b2c", "reason": "KEY_COMPROMISE", "requestedBy": "alice",
    });
    json!({
        "version": "0", "id": "1", "detail-type": "Certificate Revocation Requested", "source": "linkward.operator",
        "account": "123456789012", "time": "2026-11-23T10:00:00Z", "region": "eu-west-1", "resources": [], "detail": detail,
    })
    .to_string()
}

/// Runs one invocation; what came by the time it was answered, and what the function wrote.
async fn invoke(world: World) -> (Vec<(String, Bytes)>, String) {
    let (addr, came) = start(world).await;
    let mut command = Command::new(env!("CARGO_BIN_EXE_certificate-revoker"));
    command.env_clear().stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let url = format!("http://{addr}");
    command.envs([
        ("AWS_LAMBDA_RUNTIME_API", &*addr.to_string()),
        ("AWS_LAMBDA_FUNCTION_NAME", "f"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"),
        ("AWS_LAMBDA_FUNCTION_VERSION", "1"),
        ("AWS_LAMBDA_LOG_GROUP_NAME", "f"),
        ("AWS_LAMBDA_LOG_STREAM_NAME", "f"),
        ("AWS_ENDPOINT_URL", &url),
        ("AWS_REGION", "eu-west-1"),
        ("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", written::CANARY),
        ("AWS_SESSION_TOKEN", written::CANARY),
        ("AWS_EC2_METADATA_DISABLED", "true"),
        ("AWS_LAMBDA_LOG_LEVEL", "TRACE"),
        ("LINKWARD_DENY_LIST_TABLE", "deny-list"),
        ("LINKWARD_EVENT_BUS", "linkward"),
        ("LINKWARD_CERTIFICATE_AUTHORITY_ARNS", AUTHORITY),
    ]);
    if !world.untold {
        command.env("OTEL_EXPORTER_OTLP_ENDPOINT", &url);
    }
    let mut child = command.spawn().unwrap();
    let began = Instant::now();
    let answered = |came: &Came| came.lock().unwrap().iter().any(|(name, _)| name == "response" || name == "error");
    while !answered(&came) {
        assert!(began.elapsed() < SOON, "no answer: {:?}", came.lock().unwrap());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    child.start_kill().unwrap();
    let output = child.wait_with_output().await.unwrap();
    let text = String::from_utf8([&*output.stdout, &*output.stderr].concat()).unwrap();
    written::check("certificate-revoker", &text);
    let came = came.lock().unwrap().clone();
    (came, text)
}

fn spans(came: &[(String, Bytes)]) -> Vec<Span> {
    let [body] = &came.iter().filter(|(name, _)| name == "traces").map(|(_, body)| body).collect::<Vec<_>>()[..] else {
        panic!("one export, not {came:?}")
    };
    let request = ExportTraceServiceRequest::decode((*body).clone()).unwrap();
    let [resource] = &request.resource_spans[..] else { panic!("one resource") };
    let attributes = &resource.resource.as_ref().unwrap().attributes;
    assert!(attributes.iter().any(|each| each.key == "service.name"
        && each.value.as_ref().unwrap().value == Some(Value::StringValue("linkward-certificate-revoker".into()))));
    resource.scope_spans[0].spans.clone()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn text(span: &Span, name: &str) -> Option<String> {
    let found = span.attributes.iter().find(|attribute| attribute.key == name)?;
    match found.value.as_ref()?.value.as_ref()? {
        Value::StringValue(text) => Some(text.clone()),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_run_and_its_calls_are_spans_and_sent_before_the_answer() {
    let (came, _) = invoke(World::default()).await;
    let at = |wanted: &str| came.iter().position(|(name, _)| name == wanted).expect(wanted);
    assert!(at("PutMetricData") < at("traces") && at("traces") < at("response"), "{came:?}");
    let spans = spans(&came);
    let (run, calls) = spans.split_first().unwrap();
    assert_eq!(
        (&*run.name, run.kind, text(run, "faas.invocation_id")),
        ("certificate-revoker", 2, Some("run-1".into()))
    );
    assert_eq!(hex(&run.trace_id), "5759e988bd862e3fe1be46a994272793", "X-Ray's trace goes on");
    assert_eq!(hex(&run.parent_span_id), "53995c3f42cd8ad8");
    let mut names: Vec<&str> = calls.iter().map(|call| &*call.name).collect();
    names.sort_unstable();
    let expected =
        ["ACM PCA/RevokeCertificate", "CloudWatch/PutMetricData", "DynamoDB/PutItem", "EventBridge/PutEvents"];
    assert_eq!(names, expected);
    for call in calls {
        assert_eq!((&call.trace_id, &call.parent_span_id, call.kind), (&run.trace_id, &run.span_id, 3));
        assert!(
            run.start_time_unix_nano <= call.start_time_unix_nano && call.end_time_unix_nano <= run.end_time_unix_nano
        );
        assert!(call.start_time_unix_nano < call.end_time_unix_nano && call.status.is_none(), "{call:?}");
        assert_eq!(call.span_id.len(), 8);
    }
}

#[tokio::test]
async fn a_call_that_fails_and_its_run_are_marked() {
    let (came, _) = invoke(World { refuses: true, ..World::default() }).await;
    let spans = spans(&came);
    let failed: Vec<(&str, &str)> =
        spans.iter().filter_map(|span| span.status.as_ref().map(|status| (&*span.name, &*status.message))).collect();
    assert_eq!(failed.len(), 2, "{failed:?}");
    assert_eq!(failed[0].0, "certificate-revoker");
    assert_eq!(failed[1], ("ACM PCA/RevokeCertificate", "AccessDeniedException"));
    assert!(came.iter().any(|(name, _)| name == "error"));
}

#[tokio::test]
async fn a_collector_that_never_answers_delays_a_run_by_half_a_second_and_no_more() {
    let began = Instant::now();
    let (came, log) = invoke(World { stuck: true, ..World::default() }).await;
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    assert!(
        came.iter().any(|(name, _)| name == "response") && log.contains("the traces of this run are lost"),
        "{log}"
    );
}

#[tokio::test]
async fn without_the_variable_nothing_is_sent() {
    let (came, log) = invoke(World { untold: true, ..World::default() }).await;
    assert!(came.iter().all(|(name, _)| name != "traces") && came.iter().any(|(name, _)| name == "response"));
    assert!(!log.contains("traces"), "{log}");
}
