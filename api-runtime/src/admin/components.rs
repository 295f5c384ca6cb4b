//! Whether each part of the process does what it should, and if not, why.

use super::words::{Level, age, count, until};
use crate::connection::Gate;
use crate::log_writer::LogWriter;
use crate::metrics::{SnapshotState, State};
use crate::spans::Spans;
use policy::Timestamp;
use serde_json::{Value, json};
use std::time::Duration;

/// What ends sooner needs a person: the alarms say the same.
const SOON: Duration = Duration::from_secs(2 * 24 * 3600);

/// A part of the process.
#[derive(Debug)]
pub(super) struct Component {
    pub(super) name: &'static str,
    pub(super) level: Level,
    pub(super) detail: String,
}

impl Component {
    fn new(name: &'static str, level: Level, detail: impl Into<String>) -> Self {
        Self { name, level, detail: detail.into() }
    }

    pub(super) fn json(&self) -> Value {
        json!({ "name": self.name, "state": self.level.as_str(), "detail": self.detail })
    }
}

/// All of them, in the order of a request's way.
pub(super) fn list(gate: &Gate, state: &State, upstream_errors: u64, now: Timestamp) -> Vec<Component> {
    let mut components = vec![listener(gate), certificate(gate, now)];
    components.extend(revocation_lists(gate, now));
    components.extend(state.snapshots.iter().map(|snapshot| of_snapshot(gate, snapshot)));
    components.push(upstream(gate, upstream_errors));
    components.push(certificates_shared(state));
    components.push(access_log(gate));
    components.push(traces(gate));
    components
}

fn listener(gate: &Gate) -> Component {
    let (open, limit) = (gate.connections.len(), gate.config.limits.connections);
    let detail = format!("{} of {} connections", count(open as u64), count(limit as u64));
    match (gate.is_draining(), open * 10 >= limit * 9) {
        (true, _) => Component::new("listener", Level::Bad, format!("draining; {detail}")),
        (false, true) => Component::new("listener", Level::Warn, format!("nearly full: {detail}")),
        (false, false) => Component::new("listener", Level::Good, detail),
    }
}

/// How pressing an end is.
pub(super) fn pressing(at: Timestamp, now: Timestamp) -> Level {
    match Duration::try_from(at.duration_since(now)) {
        Err(_) => Level::Bad,
        Ok(left) if left < SOON => Level::Warn,
        Ok(_) => Level::Good,
    }
}

fn certificate(gate: &Gate, now: Timestamp) -> Component {
    let at = gate.snapshots.trust.load().value.certificate_not_after();
    let word = if at < now { "expired" } else { "expires" };
    Component::new("server certificate", pressing(at, now), format!("{word} {}", until(at, now)))
}

fn revocation_lists(gate: &Gate, now: Timestamp) -> Option<Component> {
    let trust = gate.snapshots.trust.load();
    let at = trust.value.crl_next_update()?;
    Some(Component::new("CRLs", pressing(at, now), format!("first nextUpdate {}", until(at, now))))
}

fn of_snapshot(gate: &Gate, snapshot: &SnapshotState) -> Component {
    let config = &gate.config;
    let (name, limit) = match snapshot.kind {
        "policy" => ("policy", Some(config.policy.max_staleness)),
        "denyList" => ("deny list", config.deny_list.as_ref().map(|settings| settings.max_staleness)),
        "endpoints" => ("endpoint inventory", config.endpoints.as_ref().map(|settings| settings.max_staleness)),
        _ => ("certificates and CRLs", None),
    };
    let stale = limit.is_some_and(|limit| snapshot.age > limit);
    let confirmed = format!("confirmed {} ago", age(snapshot.age));
    let failed = snapshot.error.as_ref().map(|error| format!("; the last refresh failed: {error}")).unwrap_or_default();
    let whom = if snapshot.kind == "endpoints" { "callers bound to accounts" } else { "callers" };
    match (failed.is_empty(), stale) {
        (_, true) => {
            let detail = format!("{confirmed}: too old to be believed, {whom} are denied{failed}");
            Component::new(name, Level::Bad, detail)
        }
        (false, false) => Component::new(name, Level::Warn, format!("{confirmed}{failed}")),
        (true, false) => Component::new(name, Level::Good, confirmed),
    }
}

fn upstream(gate: &Gate, errors: u64) -> Component {
    match (&gate.config.upstream, errors) {
        (None, _) => Component::new("upstream", Level::Good, "none: answered here"),
        (Some(_), 0) => Component::new("upstream", Level::Good, "no errors since the start"),
        (Some(_), errors) => {
            Component::new("upstream", Level::Warn, format!("{} errors since the start", count(errors)))
        }
    }
}

fn certificates_shared(state: &State) -> Component {
    let [accounts, endpoints] = state.shared_certificates;
    match accounts.max(endpoints) {
        0 => Component::new("client certificates", Level::Good, "each with one user, as far as endpoints tell"),
        _ => Component::new(
            "client certificates",
            Level::Warn,
            format!("{accounts} used from several accounts, {endpoints} from too many endpoints"),
        ),
    }
}

fn access_log(gate: &Gate) -> Component {
    match gate.log.as_ref().map(LogWriter::dropped) {
        None => Component::new("access log", Level::Warn, "off"),
        Some(0) => Component::new("access log", Level::Good, "no line lost"),
        Some(lost) => Component::new("access log", Level::Warn, format!("{} lines lost", count(lost))),
    }
}

fn traces(gate: &Gate) -> Component {
    match gate.spans.as_ref().map(Spans::dropped) {
        None => Component::new("traces", Level::Good, "off: no otlpEndpoint"),
        Some(0) => Component::new("traces", Level::Good, "no span lost"),
        Some(lost) => Component::new("traces", Level::Warn, format!("{} spans lost", count(lost))),
    }
}
