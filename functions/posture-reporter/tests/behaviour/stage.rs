//! A function between replayed AWS services.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use aws_config::SdkConfig;
use lambda_runtime::{Context, Diagnostic, LambdaEvent};
use policy::Timestamp;
use posture_reporter::{Answer, App, Configuration, FUNCTION, Failure, Fault, handle};
use serde_json::{Value, json};
use telemetry::{Environment, Fault as _};
use wire_replay::Replay;

pub(crate) const SERVICE: &str = "vpce-svc-0123456789abcdef0";

/// A function with a bus, and no table yet.
pub(crate) struct Stage {
    pub(crate) replay: Replay,
    variables: BTreeMap<String, String>,
}

impl Stage {
    pub(crate) fn new(replay: Replay) -> Self {
        let replay = replay
            .within(FUNCTION)
            .always("PutMetricData", wire_replay::Answer::cbor())
            .always("PutEvents", wire_replay::Answer::json(&json!({"FailedEntryCount": 0, "Entries": []})));
        Self { replay, variables: BTreeMap::new() }.with("LINKWARD_EVENT_BUS", "linkward")
    }

    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.to_owned(), value.to_owned());
        self
    }

    pub(crate) fn app(&self) -> App {
        self.app_with(&self.replay.sdk_config())
    }

    pub(crate) fn app_with(&self, sdk: &SdkConfig) -> App {
        App::new(Configuration::read(Environment::of(self.variables.clone())).unwrap(), sdk)
    }

    pub(crate) async fn handle(&self, event: Value) -> Result<Answer, Failure> {
        handle(&self.app(), invocation(event)).await
    }

    /// What a scheduled run measures, by metric and dimensions.
    pub(crate) async fn measured(&self) -> BTreeMap<String, f64> {
        self.handle(schedule()).await.unwrap();
        self.replay.metrics()
    }
}

pub(crate) fn failed(outcome: Result<Answer, Failure>) -> (Fault, Value) {
    let Err(Failure::Run { fault, answer }) = outcome else { panic!("{outcome:?}") };
    let diagnostic = Diagnostic::from(Failure::Run { fault, answer });
    assert_eq!(diagnostic.error_type, fault.as_str());
    (fault, serde_json::from_str(&diagnostic.error_message).unwrap())
}

pub(crate) fn invocation(event: Value) -> LambdaEvent<Value> {
    let mut context = Context::default();
    context.request_id = "run-1".to_owned();
    context.deadline = u64::try_from(Timestamp::now().as_millisecond()).unwrap() + 30_000;
    LambdaEvent::new(event, context)
}

pub(crate) fn schedule() -> Value {
    json!({"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}})
}

/// So many seconds from now, as tables hold it.
pub(crate) fn time(seconds: i64) -> Value {
    let time = Timestamp::from_second(Timestamp::now().as_second() + seconds).unwrap();
    json!({"S": policy::sortable_time(time)})
}

/// One page of a table; the texts of an item may be written without their type.
pub(crate) fn table(items: &[Value]) -> wire_replay::Answer {
    let typed = |value: &Value| if value.is_string() { json!({ "S": value }) } else { value.clone() };
    let item = |item: &Value| -> Value {
        item.as_object().unwrap().iter().map(|(name, value)| (name.clone(), typed(value))).collect()
    };
    wire_replay::Answer::json(&json!({"Items": items.iter().map(item).collect::<Vec<_>>()}))
}

/// A web server on a loopback port: what it serves, and the head of each request.
pub(crate) struct Server {
    pub(crate) address: String,
    pub(crate) body: Arc<Mutex<Vec<u8>>>,
    pub(crate) requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Serves `body` with an `ETag`; a request that knows the tag is answered 304.
    pub(crate) fn start(body: Vec<u8>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (body, requests) = (Arc::new(Mutex::new(body)), Arc::new(Mutex::new(Vec::new())));
        let (served, heard) = (Arc::clone(&body), Arc::clone(&requests));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    let mut byte = [0];
                    if stream.read(&mut byte).unwrap() == 0 {
                        break;
                    }
                    head.push(byte[0]);
                }
                let head = String::from_utf8(head).unwrap();
                let body = served.lock().unwrap().clone();
                let tag = format!("\"{}\"", body.len());
                let known = head.to_lowercase().contains(&format!("if-none-match: {tag}"));
                heard.lock().unwrap().push(head);
                let (status, body) = if known { ("304 Not Modified", Vec::new()) } else { ("200 OK", body) };
                let length = body.len();
                let head = format!(
                    "HTTP/1.1 {status}\r\netag: {tag}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
                );
                drop(stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body)));
            }
        });
        Self { address, body, requests }
    }
}
