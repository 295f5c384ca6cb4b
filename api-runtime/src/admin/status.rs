//! `/status`: what a machine wants to know about this process.

use super::View;
use super::components::Component;
use super::dates::Dated;
use crate::audit::AuditedCaller;
use crate::connection::Gate;
use crate::log_writer::LogWriter;
use crate::metrics::{Interval, SnapshotState};
use crate::sightings::Shared;
use crate::snapshots::Took;
use crate::spans::Spans;
use policy::Timestamp;
use serde_json::{Value, json};
use std::time::Duration;

/// The status as JSON.
pub(super) fn json(gate: &Gate, view: &View, now: Timestamp) -> String {
    let trust = gate.snapshots.trust.load();
    let latency = gate.metrics.recent_latency();
    let snapshots: Value = view.snapshots.iter().map(|state| (state.kind.to_owned(), snapshot(state))).collect();
    let (crls, certificates): (Vec<&Dated>, Vec<&Dated>) = view.dates.iter().partition(|dated| dated.crl.is_some());
    let mut status = json!({
        "version": env!("CARGO_PKG_VERSION"),
        "serviceName": gate.config.telemetry.service_name,
        "startedAt": gate.started,
        "now": now,
        "draining": gate.is_draining(),
        "policyMode": format!("{:?}", gate.config.policy.mode).to_lowercase(),
        "components": view.components.iter().map(Component::json).collect::<Vec<_>>(),
        "snapshots": snapshots,
        "policyCallers": gate.snapshots.policy.load().value.callers_len(),
        "denyListEntries": gate.snapshots.deny_list.as_ref().map(|live| live.load().value.len()),
        "propagation": {
            "policy": propagation(&gate.snapshots.propagation().policy),
            "denyList": gate.deny_list_took().map(propagation),
        },
        "crlEntries": trust.value.crl_entries(),
        "crlNextUpdate": trust.value.crl_next_update(),
        "crls": crls.into_iter().map(Dated::json).collect::<Vec<_>>(),
        "certificateExpires": trust.value.certificate_not_after(),
        "certificates": certificates.into_iter().map(Dated::json).collect::<Vec<_>>(),
        "connections": {
            "open": gate.connections.len(),
            "parked": gate.connections.parked_len(),
            "limit": gate.config.limits.connections,
        },
        "requests": gate.metrics.latency().count(),
        "latencyMicros": quantiles([0.5, 0.95, 0.99].map(|part| latency.quantile(part))),
        "latencyHistory": view.intervals.iter().map(interval).collect::<Vec<_>>(),
        "accessLogDropped": gate.log.as_ref().map(LogWriter::dropped),
        "spansDropped": gate.spans.as_ref().map(Spans::dropped),
        "sharedCertificates": view.shared.iter().map(Shared::json).collect::<Vec<_>>(),
        "auditDenials": gate.audit.callers().iter().map(AuditedCaller::json).collect::<Vec<_>>(),
        "recentDenials": denials(gate),
    });
    if let Some(fields) = status.as_object_mut() {
        fields.extend(view.numbers.json());
    }
    status.to_string()
}

fn snapshot(state: &SnapshotState) -> Value {
    json!({
        "revision": state.revision.as_str(),
        "loadedAt": state.loaded_at,
        "ageSeconds": state.age.as_secs_f64(),
        "error": state.error,
    })
}

/// In seconds; null where nothing changed since the start.
fn propagation(took: &Took) -> Value {
    let changes = took.changes();
    let seconds = |duration: Option<Duration>| duration.map(|duration| duration.as_secs_f64());
    json!({
        "changes": changes,
        "lastSeconds": seconds(took.last()),
        "p50Seconds": seconds(took.quantile(0.5)),
        "p95Seconds": seconds(took.quantile(0.95)),
        "slowestSeconds": seconds((changes > 0).then(|| took.slowest())),
    })
}

fn interval(interval: &Interval) -> Value {
    let latencies = interval.latencies.map_or([None; 3], |latencies| latencies.map(Some));
    json!({ "at": interval.at, "requests": interval.requests, "latencyMicros": quantiles(latencies) })
}

fn quantiles([p50, p95, p99]: [Option<Duration>; 3]) -> Value {
    json!({ "p50": micros(p50), "p95": micros(p95), "p99": micros(p99) })
}

fn micros(duration: Option<Duration>) -> Option<u64> {
    duration.and_then(|duration| u64::try_from(duration.as_micros()).ok())
}

fn denials(gate: &Gate) -> Vec<Value> {
    let rendered = gate.denials.list().into_iter().map(|denial| {
        let mut out = Vec::new();
        denial.json(&mut out);
        serde_json::from_slice(&out).unwrap_or(Value::Null)
    });
    rendered.collect()
}
