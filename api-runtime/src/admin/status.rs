//! `/status`: what a machine wants to know about this process.

use crate::audit::AuditedCaller;
use crate::gate::Gate;
use crate::log_writer::LogWriter;
use crate::metrics::SnapshotState;
use policy::Timestamp;
use serde_json::{Value, json};
use std::time::Duration;

/// The status as JSON.
pub(super) fn json(gate: &Gate, now: Timestamp) -> String {
    let trust = gate.snapshots.trust.load();
    let latency = gate.metrics.recent_latency();
    let snapshots: Value =
        gate.snapshot_states().iter().map(|state| (state.kind.to_owned(), snapshot(state))).collect();
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "startedAt": gate.started,
        "now": now,
        "draining": gate.is_draining(),
        "policyMode": format!("{:?}", gate.config.policy.mode).to_lowercase(),
        "snapshots": snapshots,
        "policyCallers": gate.snapshots.policy.load().value.callers_len(),
        "denyListEntries": gate.snapshots.deny_list.as_ref().map(|live| live.load().value.len()),
        "crlEntries": trust.value.crl_entries(),
        "crlNextUpdate": trust.value.crl_next_update(),
        "certificateExpires": trust.value.certificate_not_after(),
        "connections": {
            "open": gate.connections.len(),
            "parked": gate.connections.parked_len(),
            "limit": gate.config.limits.connections,
        },
        "requests": gate.metrics.latency().count(),
        "latencyMicros": {
            "p50": micros(latency.quantile(0.5)),
            "p95": micros(latency.quantile(0.95)),
            "p99": micros(latency.quantile(0.99)),
        },
        "accessLogDropped": gate.log.as_ref().map(LogWriter::dropped),
        "auditDenials": gate.audit.callers().iter().map(AuditedCaller::json).collect::<Vec<_>>(),
        "recentDenials": denials(gate),
    })
    .to_string()
}

fn snapshot(state: &SnapshotState) -> Value {
    json!({
        "revision": state.revision.as_str(),
        "loadedAt": state.loaded_at,
        "ageSeconds": state.age.as_secs_f64(),
        "error": state.error,
    })
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
