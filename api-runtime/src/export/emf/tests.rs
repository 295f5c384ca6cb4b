use super::*;
use crate::metrics::{Metrics, Request, SnapshotState};
use crate::outcome::Outcome;
use policy::access::Reason;
use std::time::Duration;

fn lines(emf: &mut Emf, metrics: &Metrics, state: &State) -> Vec<serde_json::Value> {
    let mut lines = Vec::new();
    metrics.collect(state, &mut |definition, attributes, value| {
        lines.extend(emf.lines(definition, attributes, &value, Timestamp::UNIX_EPOCH));
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
fn durations_are_values_with_their_counts_on_as_many_lines_as_it_takes() {
    let (mut emf, metrics) = (emf(), Metrics::new());
    (1..=1000).for_each(|millis| request(&metrics, millis));
    let lines = lines(&mut emf, &metrics, &State::default());
    let durations: Vec<_> =
        find(&lines, "RequestDuration").iter().map(|line| line["RequestDuration"].clone()).collect();
    assert!(durations.len() > 1, "{durations:?}");
    let (mut all, mut sum, mut most) = (0, 0.0, 0.0);
    for duration in &durations {
        let numbers = |name: &str| -> Vec<f64> {
            duration[name].as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
        };
        let (values, counts) = (numbers("Values"), numbers("Counts"));
        assert!(values.len() == counts.len() && values.len() <= VALUES, "{}", values.len());
        assert!(values[0] > most && duration["Min"] == values[0] && duration["Max"] == values[values.len() - 1]);
        assert_eq!(duration["Count"].as_f64().unwrap(), counts.iter().sum::<f64>());
        most = values[values.len() - 1];
        all += duration["Count"].as_u64().unwrap();
        sum += duration["Sum"].as_f64().unwrap();
    }
    assert!(all == 1000 && (sum - 500.5).abs() < 1e-6, "{all} requests, {sum} s");
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

/// By the specification: a line that breaks one of these is a line of the log and no metric, and nobody is told.
#[test]
fn every_line_is_as_cloudwatch_takes_it() {
    let (mut emf, metrics) = (emf(), Metrics::new());
    (1..=1000).for_each(|millis| request(&metrics, millis));
    metrics.handshake_failure(crate::handshake::HandshakeCause::ALL[0]);
    let deny_list = Some(crate::snapshots::DenyListState { entries: 3, ..Default::default() });
    let state = State { crl_next_update: Some(-1.5), certificate_expiry: 3600.0, deny_list, ..State::default() };
    let lines = lines(&mut emf, &metrics, &state);
    assert!(lines.len() > 8, "{} lines", lines.len());
    for line in &lines {
        assert!(line.to_string().len() < 256 * 1024 && line["_aws"]["Timestamp"].is_i64(), "{line}");
        let [directive] = &line["_aws"]["CloudWatchMetrics"].as_array().unwrap()[..] else { panic!("{line}") };
        let [metric] = &directive["Metrics"].as_array().unwrap()[..] else { panic!("{line}") };
        assert!(["Seconds", "Count"].contains(&metric["Unit"].as_str().unwrap()), "{line}");
        let value = &line[metric["Name"].as_str().unwrap()];
        let numbers =
            |name: &str| value[name].as_array().is_some_and(|all| all.iter().all(serde_json::Value::is_number));
        let is_set = ["Min", "Max", "Count", "Sum"].iter().all(|name| value[*name].is_number());
        assert!(value.is_number() || is_set && numbers("Values") && numbers("Counts"), "{line}");
        let sets = directive["Dimensions"].as_array().unwrap();
        assert!(!sets.is_empty(), "{line}");
        for name in sets.iter().flat_map(|set| set.as_array().unwrap()) {
            let value = line[name.as_str().unwrap()].as_str().unwrap();
            assert!((1..=1024).contains(&value.len()) && value.is_ascii() && !value.starts_with(':'), "{line}");
        }
        assert!(sets.iter().all(|set| (1..=30).contains(&set.as_array().unwrap().len())), "{line}");
    }
}
