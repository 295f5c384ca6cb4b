//! The text format of Prometheus (exposition format 0.0.4).

use super::histogram::{BOUNDS, Distribution};
use super::table::{Definition, Kind, Unit};
use super::{Metrics, State, Value};
use std::fmt::Write;

/// All metrics as text.
pub(crate) fn render(metrics: &Metrics, state: &State) -> String {
    let mut out = String::with_capacity(16 << 10);
    let mut current: Option<&'static Definition> = None;
    metrics.collect(state, &mut |definition, attributes, value| {
        if !current.is_some_and(|shown| std::ptr::eq(shown, definition)) {
            head(&mut out, definition);
            current = Some(definition);
        }
        match value {
            Value::Count(count) => sample(&mut out, definition, "", attributes, None, count),
            Value::Seconds(seconds) => sample(&mut out, definition, "", attributes, None, seconds),
            Value::Distribution(distribution) => histogram(&mut out, definition, attributes, distribution),
        }
    });
    out
}

fn name(definition: &Definition) -> String {
    let unit = if definition.unit == Unit::Seconds { "_seconds" } else { "" };
    let total = if definition.kind == Kind::Counter { "_total" } else { "" };
    format!("linkward_{}{unit}{total}", definition.name)
}

fn head(out: &mut String, definition: &Definition) {
    let kind = match definition.kind {
        Kind::Counter => "counter",
        Kind::Gauge => "gauge",
        Kind::Histogram => "histogram",
    };
    let name = name(definition);
    // Writing to a string cannot fail.
    let _ = write!(out, "# HELP {name} {}\n# TYPE {name} {kind}\n", definition.help);
}

fn sample(
    out: &mut String,
    definition: &Definition,
    suffix: &str,
    attributes: &[&str],
    bound: Option<&str>,
    value: impl std::fmt::Display,
) {
    out.push_str(&name(definition));
    out.push_str(suffix);
    let labels = definition.attributes.iter().zip(attributes).map(|(label, value)| (*label, *value));
    let mut open = '{';
    for (label, value) in labels.chain(bound.map(|bound| ("le", bound))) {
        let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        let _ = write!(out, "{open}{label}=\"{value}\"");
        open = ',';
    }
    if open == ',' {
        out.push('}');
    }
    let _ = writeln!(out, " {value}");
}

fn histogram(out: &mut String, definition: &Definition, attributes: &[&str], distribution: &Distribution) {
    let mut cumulative = 0;
    for (count, bound) in distribution.buckets.iter().zip(&BOUNDS) {
        cumulative += count;
        let bound = (*bound as f64 / 1e6).to_string();
        sample(out, definition, "_bucket", attributes, Some(&bound), cumulative);
    }
    sample(out, definition, "_bucket", attributes, Some("+Inf"), distribution.count());
    sample(out, definition, "_sum", attributes, None, distribution.sum_micros as f64 / 1e6);
    sample(out, definition, "_count", attributes, None, distribution.count());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::table;

    fn rendered(attributes: &[&str], value: f64) -> String {
        let mut out = String::new();
        sample(&mut out, &table::SNAPSHOT_AGE, "", attributes, None, value);
        out
    }

    #[test]
    fn a_sample_has_name_labels_and_value() {
        assert_eq!(rendered(&["policy"], 1.5), "linkward_snapshot_age_seconds{kind=\"policy\"} 1.5\n");
        assert_eq!(rendered(&["a\"b\\\n"], 0.0), "linkward_snapshot_age_seconds{kind=\"a\\\"b\\\\\\n\"} 0\n");
    }

    #[test]
    fn buckets_are_cumulative_and_end_with_all() {
        let mut distribution = Distribution::default();
        distribution.buckets[0] = 1;
        distribution.buckets[18] = 2;
        let mut out = String::new();
        histogram(&mut out, &table::REQUEST_DURATION, &[], &distribution);
        assert!(out.starts_with("linkward_request_duration_seconds_bucket{le=\"0.00005\"} 1\n"), "{out}");
        assert!(out.contains("_bucket{le=\"30\"} 1\n"));
        assert!(out.ends_with("_bucket{le=\"+Inf\"} 3\nlinkward_request_duration_seconds_sum 0\nlinkward_request_duration_seconds_count 3\n"));
    }
}
