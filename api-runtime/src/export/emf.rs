//! CloudWatch's embedded metric format: a JSON line for each number that changed, which the log agent turns into
//! metrics in the namespace `Linkward`.
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>

use crate::config::Telemetry;
use crate::connection::Gate;
use crate::histogram::Distribution;
use crate::log_writer::LogWriter;
use crate::metrics::{Definition, Kind, State, Unit, Value};
use policy::Timestamp;
use serde_json::{Map, json};
use std::collections::HashMap;

/// The most values that a metric of one line may have; more are written as several lines, which CloudWatch adds up.
const VALUES: usize = 100;
/// Attributes that are no dimensions: a caller's name would cost without bound, and CloudWatch reckons quantiles itself.
const NO_DIMENSIONS: [&str; 2] = ["caller", "quantile"];

/// What was written already, for what is counted is written as what came since.
#[derive(Debug)]
pub(super) struct Emf {
    service: String,
    counts: HashMap<(&'static str, Vec<String>), u64>,
    distributions: HashMap<&'static str, Distribution>,
    /// `None` if the access log goes to standard output: then its writer writes these lines too.
    out: Option<LogWriter>,
}

impl Emf {
    pub(super) fn new(telemetry: &Telemetry, out: Option<LogWriter>) -> Self {
        let service = telemetry.service_name.clone();
        Self { service, counts: HashMap::new(), distributions: HashMap::new(), out }
    }

    pub(super) fn write(&mut self, gate: &Gate, state: &State, now: Timestamp) {
        let mut lines = Vec::new();
        gate.metrics.collect(state, &mut |definition, attributes, value| {
            lines.extend(self.lines(definition, attributes, &value, now));
        });
        let Some(out) = self.out.as_ref().or(gate.log.as_ref()) else { return };
        lines.iter().for_each(|line| out.line(|buffer| buffer.extend_from_slice(line.as_bytes())));
    }

    /// None if there is nothing to say.
    pub(super) fn lines(
        &mut self,
        definition: &'static Definition,
        attributes: &[&str],
        value: &Value<'_>,
        now: Timestamp,
    ) -> Vec<String> {
        if definition.attributes.iter().any(|attribute| NO_DIMENSIONS.contains(attribute)) {
            return Vec::new();
        }
        let values = match value {
            Value::Count(count) if definition.kind == Kind::Counter => {
                self.increase(definition, attributes, *count).into_iter().collect()
            }
            Value::Count(count) => vec![json!(count)],
            Value::Seconds(seconds) => vec![json!(seconds)],
            Value::Distribution(distribution) => self.values(definition, distribution),
        };
        values.into_iter().map(|value| self.line(definition, attributes, value, now)).collect()
    }

    fn line(&self, definition: &Definition, attributes: &[&str], value: serde_json::Value, now: Timestamp) -> String {
        let (name, service) = (pascal(definition.name), "Service".to_owned());
        let mut dimensions = vec![service.clone()];
        dimensions.extend(definition.attributes.iter().map(|attribute| pascal(attribute)));
        let mut sets = vec![dimensions.clone()];
        // Sums of parts are the whole; gauges of parts are not.
        if dimensions.len() > 1 && definition.kind == Kind::Counter {
            sets.push(vec![service]);
        }
        let unit = if definition.unit == Unit::Seconds { "Seconds" } else { "Count" };
        let metrics =
            json!([{ "Namespace": "Linkward", "Dimensions": sets, "Metrics": [{ "Name": name, "Unit": unit }] }]);
        let mut line = Map::new();
        line.insert("_aws".to_owned(), json!({ "Timestamp": now.as_millisecond(), "CloudWatchMetrics": metrics }));
        let named = dimensions.into_iter().zip(std::iter::once(&*self.service).chain(attributes.iter().copied()));
        line.extend(named.map(|(name, value)| (name, json!(value))));
        line.insert(name, value);
        serde_json::Value::Object(line).to_string()
    }

    fn increase(
        &mut self,
        definition: &'static Definition,
        attributes: &[&str],
        count: u64,
    ) -> Option<serde_json::Value> {
        let key = (definition.name, attributes.iter().map(|&value| value.to_owned()).collect());
        let before = self.counts.insert(key, count).unwrap_or(0);
        let increase = count.saturating_sub(before);
        (increase > 0).then(|| json!(increase))
    }

    /// Each bucket is a value of its own: a mean of several would be no value of any, and quantiles would be wrong.
    fn values(&mut self, definition: &'static Definition, now: &Distribution) -> Vec<serde_json::Value> {
        let since = match self.distributions.insert(definition.name, now.clone()) {
            Some(before) => now.since(&before),
            None => now.clone(),
        };
        let held: Vec<(f64, u64)> = since.values().collect();
        let sum = |part: &[(f64, u64)]| part.iter().map(|(value, count)| value * *count as f64).sum::<f64>();
        // The sum of all is known better than those of buckets.
        let exact = since.sum() / sum(&held);
        let part = |part: &[(f64, u64)]| {
            let (values, counts): (Vec<f64>, Vec<u64>) = part.iter().copied().unzip();
            let count: u64 = counts.iter().sum();
            json!({
                "Min": values.first(), "Max": values.last(), "Count": count, "Sum": sum(part) * exact,
                "Values": values, "Counts": counts,
            })
        };
        held.chunks(VALUES).map(part).collect()
    }
}

/// `request_duration` as CloudWatch writes it: `RequestDuration`.
fn pascal(name: &str) -> String {
    name.split('_')
        .flat_map(|word| {
            let (first, rest) = word.split_at_checked(1).unwrap_or((word, ""));
            [first.to_ascii_uppercase(), rest.to_owned()]
        })
        .collect()
}

#[cfg(test)]
mod tests;
