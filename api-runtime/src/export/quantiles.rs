//! Quantiles as those find them who get our histograms, at each of the three ways out.

use super::emf::Emf;
use super::otlp;
use crate::config::Telemetry;
use crate::metrics::{CallerSlot, Metrics, Request, State, render};
use crate::outcome::Outcome;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use policy::Timestamp;
use policy::access::Reason;
use prost::Message as _;
use std::time::Duration;

const QUANTILES: [f64; 3] = [0.5, 0.95, 0.99];

/// Micros, drawn alike on every machine: many doublings; two heaps with nothing between; few and far between; one.
fn shapes() -> [Vec<u64>; 4] {
    let mut seed = 7_u64;
    let mut draw = move || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 11) as f64 / (1_u64 << 53) as f64
    };
    // From 50 µs to 50 s.
    let wide = (0..5000).map(|_| (50.0 * 1e6_f64.powf(draw())) as u64).collect();
    let heaps = (0..1000).map(|n| if n < 940 { 900 + n } else { 2_000_000 + 900 * n }).collect();
    // Below the 95th percentile a hundred buckets and more, above it a few, each a doubling from the next.
    let sparse = (0..400).map(|n| if n < 385 { 1000 + 40 * n } else { 20_000 << (n - 385) }).collect();
    [wide, heaps, sparse, vec![1234]]
}

fn exact(micros: &[u64], part: f64) -> f64 {
    let mut sorted = micros.to_vec();
    sorted.sort_unstable();
    sorted[(sorted.len() as f64 * part).ceil() as usize - 1] as f64 / 1e6
}

/// Of values with their counts, the least first.
fn quantile(values: &[(f64, u64)], part: f64) -> f64 {
    let all: u64 = values.iter().map(|(_, count)| count).sum();
    let (wanted, mut seen) = ((all as f64 * part).ceil() as u64, 0);
    let found = values.iter().find(|(_, count)| {
        seen += count;
        seen >= wanted
    });
    found.unwrap().0
}

fn of_cloudwatch(metrics: &Metrics) -> Vec<(f64, u64)> {
    let mut emf = Emf::new(&Telemetry::default(), None);
    let mut values = Vec::new();
    metrics.collect(&State::default(), &mut |definition, attributes, value| {
        for line in emf.lines(definition, attributes, &value, Timestamp::UNIX_EPOCH) {
            let line: serde_json::Value = serde_json::from_str(&line).unwrap();
            let Some(duration) = line.get("RequestDuration") else { continue };
            let [held, counts] = ["Values", "Counts"].map(|name| duration[name].as_array().unwrap().clone());
            assert!(held.len() <= 100, "CloudWatch takes no more");
            values.extend(held.iter().zip(&counts).map(|(v, c)| (v.as_f64().unwrap(), c.as_u64().unwrap())));
        }
    });
    values.sort_by(|one, other| one.0.total_cmp(&other.0));
    values
}

/// The ends of each bucket, by the specification of OpenTelemetry: it holds what is above `base^index` and at most
/// `base^(index + 1)`, where the base is `2^(2^-scale)`.
fn of_a_collector(metrics: &Metrics) -> [Vec<(f64, u64)>; 2] {
    let span = otlp::Span { from: 0, to: 1 };
    let sent = otlp::request(otlp::resource(&Telemetry::default()), metrics, &State::default(), span).encode_to_vec();
    let request = ExportMetricsServiceRequest::decode(&*sent).unwrap();
    let mut all = request.resource_metrics[0].scope_metrics[0].metrics.iter();
    let metric = all.find(|metric| metric.name == "linkward.request_duration").unwrap();
    let Some(Data::ExponentialHistogram(histogram)) = &metric.data else { panic!("{metric:?}") };
    let point = &histogram.data_points[0];
    let buckets = point.positive.as_ref().unwrap();
    assert_eq!(point.count, point.zero_count + buckets.bucket_counts.iter().sum::<u64>());
    [0, 1].map(|end| {
        let edge = |index: usize| ((f64::from(buckets.offset) + index as f64 + f64::from(end)) / 32.0).exp2();
        let held = buckets.bucket_counts.iter().enumerate().filter(|(_, count)| **count > 0);
        assert_eq!(point.scale, 5);
        held.map(|(index, count)| (edge(index), *count)).collect()
    })
}

fn of_prometheus(metrics: &Metrics, part: f64) -> f64 {
    let text = render(metrics, &State::default());
    let sample = format!("linkward_request_duration_quantile_seconds{{quantile=\"{part}\"}} ");
    text.lines().find_map(|line| line.strip_prefix(&sample)).unwrap().parse().unwrap()
}

#[test]
fn every_way_out_gives_quantiles_within_five_percent() {
    for (shape, micros) in shapes().iter().enumerate() {
        let metrics = Metrics::new();
        for latency in micros.iter().copied().map(Duration::from_micros) {
            let reason = Some(Reason::Permitted);
            let (outcome, caller) = (Outcome::Allow, CallerSlot::NONE);
            metrics.request(Request { outcome, reason, status: 200, latency, upstream: None, caller });
        }
        let (cloudwatch, collector) = (of_cloudwatch(&metrics), of_a_collector(&metrics));
        for part in QUANTILES {
            let exact = exact(micros, part);
            let found = [
                ("CloudWatch", quantile(&cloudwatch, part)),
                ("OTLP, the bucket's lower end", quantile(&collector[0], part)),
                ("OTLP, the bucket's upper end", quantile(&collector[1], part)),
                ("Prometheus", of_prometheus(&metrics, part)),
            ];
            for (way, found) in found {
                assert!((found / exact - 1.0).abs() < 0.05, "shape {shape}, p{part}, {way}: {found} for {exact}");
            }
        }
    }
}
