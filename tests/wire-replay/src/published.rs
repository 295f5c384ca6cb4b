//! What a function published of its run.

use std::collections::BTreeMap;

use serde_json::Value;

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
        entries.map(|e| (text(&e["DetailType"]), serde_json::from_str(&text(&e["Detail"])).unwrap())).collect()
    }
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
