//! All numbers of the table, cumulative since the start.

use super::{Sender, nanos, resource, scope, text};
use crate::config::{OtlpEndpoint, Telemetry};
use crate::connection::Gate;
use crate::histogram::Distribution;
use crate::metrics::{self, Definition, Kind, State, Unit, Value};
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::metrics::v1::exponential_histogram_data_point::Buckets;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value as Number;
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, ExponentialHistogram, ExponentialHistogramDataPoint, Gauge, Metric, NumberDataPoint,
    ResourceMetrics, ScopeMetrics, Sum,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use policy::Timestamp;
use std::collections::BTreeMap;

/// 2^5 buckets for each doubling, each 2.2 % wide: as fine as what is counted.
const SCALE: i32 = 5;

#[derive(Debug)]
pub(in crate::export) struct Metrics {
    sender: Sender,
    resource: Resource,
}

/// The times between which something was counted.
#[derive(Clone, Copy)]
pub(in crate::export) struct Span {
    pub(in crate::export) from: u64,
    pub(in crate::export) to: u64,
}

impl Metrics {
    pub(in crate::export) fn new(endpoint: &OtlpEndpoint, telemetry: &Telemetry) -> Self {
        Self { sender: Sender::new(endpoint.signal("metrics")), resource: resource(telemetry) }
    }

    /// A batch that is not taken is not repeated: the next one says it all again.
    pub(in crate::export) async fn send(&self, gate: &Gate, state: &State, now: Timestamp) {
        let span = Span { from: nanos(gate.started), to: nanos(now) };
        let request = request(self.resource.clone(), &gate.metrics, state, span);
        self.sender.send(&request).await;
    }
}

pub(in crate::export) fn request(
    resource: Resource,
    numbers: &metrics::Metrics,
    state: &State,
    span: Span,
) -> ExportMetricsServiceRequest {
    let mut metrics: Vec<(&'static Definition, Metric)> = Vec::new();
    numbers.collect(state, &mut |definition, attributes, value| {
        if !metrics.last().is_some_and(|(last, _)| std::ptr::eq(*last, definition)) {
            metrics.push((definition, empty(definition)));
        }
        if let Some((_, metric)) = metrics.last_mut() {
            add(metric, definition, attributes, &value, span);
        }
    });
    let metrics = metrics.into_iter().map(|(_, metric)| metric).collect();
    let scope_metrics = vec![ScopeMetrics { scope: Some(scope()), metrics, ..ScopeMetrics::default() }];
    let resource_metrics = ResourceMetrics { resource: Some(resource), scope_metrics, ..ResourceMetrics::default() };
    ExportMetricsServiceRequest { resource_metrics: vec![resource_metrics] }
}

fn empty(definition: &Definition) -> Metric {
    let aggregation_temporality = AggregationTemporality::Cumulative.into();
    let data_points = Vec::new();
    let data = match definition.kind {
        Kind::Counter => Data::Sum(Sum { data_points, aggregation_temporality, is_monotonic: true }),
        Kind::Gauge => Data::Gauge(Gauge { data_points }),
        Kind::Histogram => {
            Data::ExponentialHistogram(ExponentialHistogram { data_points: Vec::new(), aggregation_temporality })
        }
    };
    Metric {
        name: format!("linkward.{}", definition.name),
        description: definition.help.to_owned(),
        unit: if definition.unit == Unit::Seconds { "s" } else { "1" }.to_owned(),
        data: Some(data),
        ..Metric::default()
    }
}

fn add(metric: &mut Metric, definition: &Definition, values: &[&str], value: &Value<'_>, span: Span) {
    let attributes = definition.attributes.iter().zip(values).map(|(name, value)| text(name, value)).collect();
    let number = match value {
        Value::Count(count) => Number::AsInt(i64::try_from(*count).unwrap_or(i64::MAX)),
        Value::Seconds(seconds) => Number::AsDouble(*seconds),
        Value::Distribution(distribution) => {
            if let Some(Data::ExponentialHistogram(histogram)) = &mut metric.data {
                histogram.data_points.push(histogram_point(attributes, distribution, span));
            }
            return;
        }
    };
    let Span { from, to } = span;
    let point = NumberDataPoint {
        attributes,
        start_time_unix_nano: from,
        time_unix_nano: to,
        value: Some(number),
        ..NumberDataPoint::default()
    };
    match &mut metric.data {
        Some(Data::Sum(sum)) => sum.data_points.push(point),
        Some(Data::Gauge(gauge)) => gauge.data_points.push(point),
        _ => {}
    }
}

fn histogram_point(
    attributes: Vec<KeyValue>,
    distribution: &Distribution,
    Span { from, to }: Span,
) -> ExponentialHistogramDataPoint {
    let mut held: BTreeMap<i32, u64> = BTreeMap::new();
    for (value, count) in distribution.values() {
        // The bucket of index i ends at 2^((i + 1) / 2^SCALE).
        let index = (value.log2() * f64::from(1 << SCALE)).ceil() as i32 - 1;
        *held.entry(index).or_default() += count;
    }
    let (first, last) = (held.keys().next().copied(), held.keys().next_back().copied());
    let buckets = first.zip(last).map(|(first, last)| Buckets {
        offset: first,
        bucket_counts: (first..=last).map(|index| held.get(&index).copied().unwrap_or(0)).collect(),
    });
    ExponentialHistogramDataPoint {
        attributes,
        start_time_unix_nano: from,
        time_unix_nano: to,
        count: distribution.count(),
        sum: Some(distribution.sum()),
        scale: SCALE,
        positive: buckets,
        ..ExponentialHistogramDataPoint::default()
    }
}
