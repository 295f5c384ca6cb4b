use super::*;
use crate::metrics::{Metrics, Request, SnapshotState};
use crate::outcome::Outcome;
use policy::access::Reason;
use std::time::Duration;

fn lines(emf: &mut Emf, metrics: &Metrics, state: &State) -> Vec<serde_json::Value> {
    let mut lines = Vec::new();
    metrics.collect(state, &mut |definition, attributes, value| {
        lines.extend(emf.line(definition, attributes, &value, Timestamp::UNIX_EPOCH));
    });
    lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn emf() -> Emf {
    Emf::new(&Telemetry { service_name: "invoices".to_owned(), ..Telemetry::default() }, None)
}

fn request(metrics: &Metrics, millis: u64) {
    let caller = metrics.caller(&"spiffe://a/b".parse().unwrap());
    let latency = Duration::from_millis(millis);
    let reason = Some(Reason::Permitted);
    metrics.request(Request { outcome: Outcome::Allow, reason, status: 200, latency, upstream: None, caller });
}

fn find<'a>(lines: &'a [serde_json::Value], name: &str) -> Vec<&'a serde_json::Value> {
    lines.iter().filter(|line| line.get(name).is_some()).collect()
}

#[test]
fn a_counter_is_written_as_what_came_since() {
    let (mut emf, metrics) = (emf(), Metrics::new());
    request(&metrics, 1);
    request(&metrics, 1);
    let first = lines(&mut emf, &metrics, &State::default());
    let requests = find(&first, "Requests");
    assert_eq!(requests.len(), 1);
    let line = requests[0];
    assert_eq!((line["Requests"].as_u64(), line["Service"].as_str()), (Some(2), Some("invoices")));
    assert_eq!((line["Decision"].as_str(), line["Reason"].as_str()), (Some("allow"), Some("permitted")));
    let directive = &line["_aws"]["CloudWatchMetrics"][0];
    assert_eq!(directive["Namespace"], "Linkward");
    assert_eq!(directive["Dimensions"], json!([["Service", "Decision", "Reason", "Status"], ["Service"]]));
    assert_eq!(directive["Metrics"], json!([{ "Name": "Requests", "Unit": "Count" }]));
    assert!(find(&lines(&mut emf, &metrics, &State::default()), "Requests").is_empty(), "nothing came");
    request(&metrics, 1);
    assert_eq!(find(&lines(&mut emf, &metrics, &State::default()), "Requests")[0]["Requests"], 1);
}

#[test]
fn a_caller_is_no_dimension() {
    let (mut emf, metrics) = (emf(), Metrics::new());
    request(&metrics, 1);
    let text = format!("{:?}", lines(&mut emf, &metrics, &State::default()));
    assert!(!text.contains("spiffe:"), "{text}");
}

#[test]
fn durations_are_values_with_their_counts() {
    let (mut emf, metrics) = (emf(), Metrics::new());
    (1..=1000).for_each(|millis| request(&metrics, millis));
    let lines = lines(&mut emf, &metrics, &State::default());
    let duration = &find(&lines, "RequestDuration")[0]["RequestDuration"];
    let values = duration["Values"].as_array().unwrap();
    let counts: Vec<u64> = duration["Counts"].as_array().unwrap().iter().map(|count| count.as_u64().unwrap()).collect();
    assert_eq!((values.len(), counts.iter().sum::<u64>()), (counts.len(), 1000));
    assert!(values.len() <= VALUES, "{}", values.len());
    let mut seen = 0;
    let p95 = counts.iter().position(|count| {
        seen += count;
        seen >= 950
    });
    let p95 = values[p95.unwrap()].as_f64().unwrap();
    assert!((p95 / 0.95 - 1.0).abs() < 0.05, "{p95}");
}

#[test]
fn gauges_are_written_each_time() {
    let (mut emf, metrics) = (emf(), Metrics::new());
    let age = Duration::from_secs(3);
    let at = Timestamp::UNIX_EPOCH;
    let snapshot = SnapshotState { kind: "policy", revision: "1".into(), loaded_at: at, age, error: None };
    let state = State { snapshots: vec![snapshot], ..State::default() };
    for _ in 0..2 {
        let lines = lines(&mut emf, &metrics, &state);
        let line = find(&lines, "SnapshotAge")[0];
        assert_eq!((line["SnapshotAge"].as_f64(), line["Kind"].as_str()), (Some(3.0), Some("policy")));
        assert_eq!(line["_aws"]["CloudWatchMetrics"][0]["Dimensions"], json!([["Service", "Kind"]]));
    }
}
