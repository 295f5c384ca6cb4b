//! The text format of Prometheus (exposition format 0.0.4).

use super::table::{Definition, Kind, Unit};
use super::{Metrics, State, Value};
use crate::histogram::Distribution;
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
    for (bound, count) in distribution.cumulative() {
        sample(out, definition, "_bucket", attributes, Some(&bound.to_string()), count);
    }
    sample(out, definition, "_bucket", attributes, Some("+Inf"), distribution.count());
    sample(out, definition, "_sum", attributes, None, distribution.sum());
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
        let histogram_of_two = crate::histogram::Histogram::default();
        for micros in [64, 60_000_000] {
            histogram_of_two.record(std::time::Duration::from_micros(micros));
        }
        let mut distribution = Distribution::default();
        distribution.add(&histogram_of_two);
        let mut out = String::new();
        histogram(&mut out, &table::REQUEST_DURATION, &[], &distribution);
        assert!(out.starts_with("linkward_request_duration_seconds_bucket{le=\"0.000064\"} 1\n"), "{out}");
        assert!(out.contains("_bucket{le=\"33.554432\"} 1\n"));
        assert!(out.ends_with("_bucket{le=\"+Inf\"} 2\nlinkward_request_duration_seconds_sum 60.000064\nlinkward_request_duration_seconds_count 2\n"));
    }
}
