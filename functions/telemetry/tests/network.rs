//! The SDK over our HTTP client and a real socket.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "test code")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use http_client::{HttpClient, RootCertStore};
use serde_json::json;
use telemetry::{Deadline, DetailType, Run, Telemetry};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use wire_replay::Replay;

const TAKEN: &str =
    "HTTP/1.1 200 OK\r\ncontent-length: 53\r\n\r\n{\"FailedEntryCount\": 0, \"Entries\": [{\"EventId\":\"1\"}]}";
const LATE: &str = "late";
const FAILED: &str = "HTTP/1.1 500 Oh\r\ncontent-length: 2\r\n\r\n{}";
/// The connection ends.
const NOTHING: &str = "";

/// What was asked on which connection, in lower case.
type Heard = Arc<Mutex<Vec<(usize, String)>>>;

/// Answers PutEvents in this order; what it is told of metrics it takes.
async fn bus(answers: &[&'static str]) -> (Telemetry, Heard) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let answers = Arc::new(Mutex::new(answers.iter().rev().copied().collect::<Vec<_>>()));
    let heard = Heard::default();
    let ears = heard.clone();
    tokio::spawn(async move {
        for connection in 0.. {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(serve(stream, connection, answers.clone(), ears.clone()));
        }
    });
    let client = HttpClient::new(RootCertStore::empty()).unwrap();
    // As by default, but impatient.
    let stalls = StalledStreamProtectionConfig::enabled().grace_period(Duration::from_millis(100)).build();
    let sdk = Replay::new().sdk_config().into_builder().http_client(client).endpoint_url(address);
    let sdk = sdk.stalled_stream_protection(stalls).build();
    (Telemetry::new(&sdk, Some("linkward".to_owned())), heard)
}

async fn serve(mut stream: TcpStream, connection: usize, answers: Arc<Mutex<Vec<&'static str>>>, heard: Heard) {
    while let Some(head) = request(&mut stream).await {
        let answer = match head.contains("awsevents.putevents") {
            true => {
                heard.lock().unwrap().push((connection, head));
                answers.lock().unwrap().pop().unwrap()
            }
            false => "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
        };
        if answer.is_empty() {
            return;
        }
        let answer = if answer == LATE {
            tokio::time::sleep(Duration::from_secs(3)).await;
            TAKEN
        } else {
            answer
        };
        stream.write_all(answer.as_bytes()).await.unwrap();
    }
}

/// A request's head; its body is read too.
async fn request(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).to_lowercase();
        if let Some((head, _)) = text.split_once("\r\n\r\n") {
            let length = head.split("content-length: ").nth(1).and_then(|rest| rest.lines().next());
            let length: usize = length.unwrap_or("0").parse().unwrap();
            if bytes.len() >= head.len() + 4 + length {
                return Some(head.to_owned());
            }
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
}

async fn publish(telemetry: &Telemetry) {
    let mut run = Run::new("endpoint-approver", "run-1");
    run.audit(DetailType::EndpointAccepted, &json!({"runId": "run-1"}));
    telemetry.publish(run, Deadline::after(Duration::from_secs(60))).await.unwrap();
}

#[tokio::test]
async fn a_call_is_tried_again_when_its_connection_breaks() {
    let (telemetry, heard) = bus(&[NOTHING, TAKEN]).await;
    publish(&telemetry).await;
    assert_eq!(heard.lock().unwrap().len(), 2);
}

/// The SDK watches uploads, and would take one that was sent but not seen to be read for one that stalls.
#[tokio::test]
async fn an_answer_that_takes_its_time_is_waited_for() {
    let (telemetry, heard) = bus(&[LATE]).await;
    publish(&telemetry).await;
    assert_eq!(heard.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_call_that_failed_at_the_server_is_tried_again_on_another_connection() {
    let (telemetry, heard) = bus(&[FAILED, TAKEN]).await;
    publish(&telemetry).await;
    let connections: Vec<_> = heard.lock().unwrap().iter().map(|(connection, _)| *connection).collect();
    assert!(matches!(connections[..], [first, second] if first != second), "{connections:?}");
}

#[tokio::test]
async fn the_calls_of_one_run_after_the_other_share_their_connections() {
    let (telemetry, heard) = bus(&[TAKEN, TAKEN, TAKEN]).await;
    for _ in 0..3 {
        publish(&telemetry).await;
    }
    // Metrics and events go out at the same time.
    assert!(heard.lock().unwrap().iter().all(|(connection, _)| *connection < 2), "{heard:?}");
}
