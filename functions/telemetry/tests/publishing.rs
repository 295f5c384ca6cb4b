//! What a run sends, as wire bytes.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "test code")]

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};
use telemetry::{Deadline, DetailType, Run, Telemetry, metrics};
use wire_replay::{Answer, Replay};

const SERVICE: &str = "vpce-svc-0123456789abcdef0";

fn deadline() -> Deadline {
    Deadline::after(Duration::from_secs(20))
}

fn telemetry(replay: &Replay) -> Telemetry {
    Telemetry::new(&replay.sdk_config(), Some("linkward".to_owned()))
}

fn run(events: usize) -> Run {
    let mut run = Run::new("endpoint-approver", "run-1");
    for number in 0..events {
        run.audit(DetailType::EndpointAccepted, &json!({"runId": run.id(), "number": number}));
    }
    run
}

/// The dimensions of a datum as `name=value`.
fn dimensions(datum: &Value) -> BTreeSet<String> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let dimensions = datum["Dimensions"].as_array().unwrap().iter();
    dimensions.map(|d| format!("{}={}", text(&d["Name"]), text(&d["Value"]))).collect()
}

fn accepted(answers: usize) -> Answer {
    let entries: Vec<_> = (0..answers).map(|n| json!({"EventId": n.to_string()})).collect();
    Answer::json(&json!({"FailedEntryCount": 0, "Entries": entries}))
}

#[tokio::test]
async fn a_run_is_one_request_of_metrics() {
    let replay = Replay::new().on("PutMetricData", Answer::cbor());
    let mut run = run(0);
    run.count(&metrics::CONNECTIONS_REMOVED, [SERVICE, "unlisted"]);
    run.count(&metrics::CONNECTIONS_REMOVED, [SERVICE, "unlisted"]);
    run.add(&metrics::CONNECTIONS, [SERVICE, "reject", "unlisted"], 3.0);
    run.add(&metrics::CONNECTIONS, [SERVICE, "reject", "unlisted"], 2.0);
    run.count(&metrics::CONNECTIONS, [SERVICE, "accept", "listed"]);
    run.count(&metrics::CONNECTIONS, [SERVICE, "accept", "listed"]);
    telemetry(&replay).publish(run, deadline()).await.unwrap();

    let [call] = &replay.calls()[..] else { panic!("{:?}", replay.calls()) };
    let body = call.cbor();
    assert_eq!(body["Namespace"], "Linkward");
    let data = body["MetricData"].as_array().unwrap();
    let names: Vec<_> = data.iter().map(|datum| datum["MetricName"].as_str().unwrap()).collect();
    assert_eq!(names, ["Connections", "Connections", "ConnectionsRemoved", "RunDuration", "Runs"]);
    let values: Vec<_> = data.iter().take(3).map(|datum| datum["Value"].as_f64().unwrap()).collect();
    assert_eq!(values, [2.0, 2.0, 2.0], "a gauge sees how many there are, or the last value; a counter is added up");
    let removed =
        BTreeSet::from(["Function=endpoint-approver", "Reason=unlisted", "Service=vpce-svc-0123456789abcdef0"]);
    assert_eq!(dimensions(&data[2]), removed.into_iter().map(str::to_owned).collect());
    assert_eq!(data[3]["Unit"], "Milliseconds");
}

#[tokio::test]
async fn at_most_a_thousand_metrics_go_into_one_request() {
    let replay = Replay::new().always("PutMetricData", Answer::cbor());
    let mut run = run(0);
    for number in 0..1_500 {
        run.count(&metrics::CONNECTIONS_ACCEPTED, [&format!("vpce-svc-{number:x}")]);
    }
    telemetry(&replay).publish(run, deadline()).await.unwrap();
    let sizes: Vec<_> = replay.calls().iter().map(|c| c.cbor()["MetricData"].as_array().unwrap().len()).collect();
    assert_eq!(sizes, [1_000, 502]);
}

#[tokio::test]
async fn events_go_out_by_tens_with_source_and_bus() {
    let answers = Replay::new().always("PutMetricData", Answer::cbor());
    let replay = answers.on("PutEvents", accepted(10)).on("PutEvents", accepted(2));
    telemetry(&replay).publish(run(12), deadline()).await.unwrap();
    let calls = replay.calls_of("PutEvents");
    let sizes: Vec<_> = calls.iter().map(|call| call.json()["Entries"].as_array().unwrap().len()).collect();
    assert_eq!(sizes, [10, 2]);
    let entry = &calls[1].json()["Entries"][1];
    assert_eq!(entry["Source"], "linkward");
    assert_eq!(entry["DetailType"], "Endpoint Accepted");
    assert_eq!(entry["EventBusName"], "linkward");
    assert_eq!(entry["Detail"], r#"{"number":11,"runId":"run-1"}"#);
}

#[tokio::test]
async fn an_event_that_failed_within_a_success_is_put_again() {
    let partly = json!({"FailedEntryCount": 1, "Entries": [{"EventId": "1"}, {"ErrorCode": "ThrottlingException"}]});
    let replay = Replay::new()
        .always("PutMetricData", Answer::cbor())
        .on("PutEvents", Answer::json(&partly))
        .on("PutEvents", accepted(1));
    telemetry(&replay).publish(run(2), deadline()).await.unwrap();
    let again = replay.calls_of("PutEvents")[1].json();
    assert_eq!(again["Entries"].as_array().unwrap().len(), 1);
    assert_eq!(again["Entries"][0]["Detail"], r#"{"number":1,"runId":"run-1"}"#);
}

#[tokio::test]
async fn a_gap_in_the_audit_trail_is_an_error_and_lost_metrics_are_not() {
    let replay = Replay::new()
        .always("PutMetricData", Answer::json_error(403, "AccessDenied"))
        .on("PutEvents", Answer::json_error(400, "AccessDeniedException"))
        .on("PutEvents", accepted(1));
    let error = telemetry(&replay).publish(run(11), deadline()).await.unwrap_err();
    assert_eq!((error.lost, error.cause.code.as_str()), (10, "AccessDeniedException"));
    assert_eq!(replay.calls_of("PutEvents").len(), 2, "the other batch is put all the same");

    let replay = Replay::new().always("PutMetricData", Answer::json_error(403, "AccessDenied"));
    telemetry(&replay).publish(run(0), deadline()).await.unwrap();
    assert_eq!(replay.calls_of("PutEvents").len(), 0, "no events, no call");
}

#[tokio::test]
async fn without_a_bus_there_are_no_events() {
    let replay = Replay::new().always("PutMetricData", Answer::cbor());
    Telemetry::new(&replay.sdk_config(), None).publish(run(1), deadline()).await.unwrap();
    assert_eq!(replay.calls_of("PutEvents").len(), 0);
}
