//! What a function published of its run.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};

use crate::Replay;

impl Replay {
    /// The metrics that were published: the name and the values of the dimensions but `Function`, and the value.
    #[must_use]
    pub fn metrics(&self) -> BTreeMap<String, f64> {
        let calls = self.calls_of("PutMetricData");
        calls.iter().flat_map(|call| list(&call.cbor()["MetricData"])).map(|datum| metric(&datum)).collect()
    }

    /// The audit events that were put: detail-type and detail.
    #[must_use]
    pub fn audit_events(&self) -> Vec<(String, Value)> {
        let calls = self.calls_of("PutEvents");
        let entries = calls.iter().flat_map(|call| list(&call.json()["Entries"]));
        let events = entries.map(|e| (text(&e["DetailType"]), serde_json::from_str(&text(&e["Detail"])).unwrap()));
        let events: Vec<(String, Value)> = events.collect();
        events.iter().for_each(|(kind, detail)| hold(kind, detail));
        events
    }
}

/// Fails where an audit event is not what its schema in `events/` says, for consumers read that.
fn hold(kind: &str, detail: &Value) {
    let folder = kind.to_lowercase().replace(' ', "-");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../events").join(folder).join("schema.json");
    let schema = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("`{kind}` has no schema: {error}"));
    let schema = jsonschema::validator_for(&serde_json::from_str(&schema).unwrap()).unwrap();
    // What EventBridge puts around it.
    let event = json!({
        "version": "0", "id": "1", "detail-type": kind, "source": "linkward", "account": "123456789012",
        "time": "2026-11-23T10:00:00Z", "region": "eu-west-1", "resources": [], "detail": detail,
    });
    let problems: Vec<String> = schema.iter_errors(&event).map(|error| error.to_string()).collect();
    assert!(problems.is_empty(), "`{kind}`: {problems:?} in {detail}");
}

fn metric(datum: &Value) -> (String, f64) {
    let dimensions = list(&datum["Dimensions"]).into_iter().filter(|dimension| dimension["Name"] != "Function");
    let mut words = vec![text(&datum["MetricName"])];
    words.extend(dimensions.map(|dimension| text(&dimension["Value"])));
    (words.join(" "), datum["Value"].as_f64().unwrap())
}

fn list(value: &Value) -> Vec<Value> {
    value.as_array().unwrap().clone()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}
