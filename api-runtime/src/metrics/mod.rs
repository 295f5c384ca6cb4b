//! What is counted. A request touches its own thread's counters only; everything rarer has one counter for all.

mod callers;
mod history;
mod prometheus;
mod state;
mod table;
mod window;

pub(crate) use callers::CallerSlot;
pub(crate) use history::Interval;
pub(crate) use prometheus::render;
pub(crate) use state::{Request, SnapshotState, State};
pub(crate) use table::{Definition, Kind, Unit};
pub(crate) use window::QUANTILES;

use crate::handshake::HandshakeCause;
use crate::histogram::{Distribution, Histogram};
use crate::outcome::{End, Fault, Outcome};
use crate::sharded::Sharded;
use crate::snapshots::DenyListState;
use callers::Callers;
use history::History;
use policy::access::Reason;
use policy::{SpiffeId, Timestamp};
use std::sync::atomic::{AtomicU64, Ordering};
use window::Window;

const REASONS: usize = Reason::ALL.len() + 1;
const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];
const REQUESTS: usize = Outcome::ALL.len() * REASONS * CLASSES.len();

#[derive(Debug)]
pub(crate) struct Metrics {
    shards: Sharded<Shard>,
    callers: Callers,
    handshakes: AtomicU64,
    handshake_failures: [AtomicU64; HandshakeCause::ALL.len()],
    protocol_errors: AtomicU64,
    ended: [AtomicU64; End::ALL.len()],
    upstream_errors: [AtomicU64; Fault::ALL.len()],
    policy_changes: AtomicU64,
    recent_latency: Window,
    recent_upstream: Window,
    history: History,
}

#[derive(Debug)]
struct Shard {
    requests: [AtomicU64; REQUESTS],
    latency: Histogram,
    upstream: Histogram,
    callers: callers::Counters,
}

#[derive(Debug)]
pub(crate) enum Value<'a> {
    Count(u64),
    Seconds(f64),
    Distribution(&'a Distribution),
}

type Visit<'a> = dyn FnMut(&'static Definition, &[&str], Value<'_>) + 'a;

impl Metrics {
    pub(crate) fn new() -> Self {
        Self {
            shards: Sharded::new(|| Shard {
                requests: [const { AtomicU64::new(0) }; REQUESTS],
                latency: Histogram::default(),
                upstream: Histogram::default(),
                callers: callers::Counters::default(),
            }),
            callers: Callers::default(),
            handshakes: AtomicU64::new(0),
            handshake_failures: Default::default(),
            protocol_errors: AtomicU64::new(0),
            ended: Default::default(),
            upstream_errors: Default::default(),
            policy_changes: AtomicU64::new(0),
            recent_latency: Window::default(),
            recent_upstream: Window::default(),
            history: History::default(),
        }
    }

    pub(crate) fn request(&self, request: Request) {
        let shard = self.shards.here();
        let reason = request.reason.map_or(0, |reason| reason as usize + 1);
        let class = usize::from(request.status / 100).clamp(1, CLASSES.len()) - 1;
        add(shard.requests.get((request.outcome as usize * REASONS + reason) * CLASSES.len() + class));
        shard.latency.record(request.latency);
        if let Some(upstream) = request.upstream {
            shard.upstream.record(upstream);
        }
        shard.callers.count(request.caller, request.outcome == Outcome::Deny);
    }

    /// The counters of a caller that the policy names.
    pub(crate) fn caller(&self, identity: &SpiffeId) -> CallerSlot {
        self.callers.slot(identity)
    }

    pub(crate) fn handshake(&self) {
        self.handshakes.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn handshake_failure(&self, cause: HandshakeCause) {
        add(self.handshake_failures.get(cause as usize));
    }

    pub(crate) fn protocol_error(&self) {
        self.protocol_errors.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn ended(&self, end: End) {
        add(self.ended.get(end as usize));
    }

    pub(crate) fn upstream_error(&self, fault: Fault) {
        add(self.upstream_errors.get(fault as usize));
    }

    pub(crate) fn policy_changed(&self) {
        self.policy_changes.fetch_add(1, Ordering::Relaxed);
    }

    /// All latencies so far.
    pub(crate) fn latency(&self) -> Distribution {
        self.sum(|shard| &shard.latency)
    }

    /// The latencies of the last whole `metricsInterval`.
    pub(crate) fn recent_latency(&self) -> Distribution {
        self.recent_latency.last(self.latency())
    }

    /// Begins a new interval of latencies.
    pub(crate) fn turn_window(&self, now: Timestamp) {
        let latency = self.latency();
        self.recent_latency.turn(latency.clone());
        self.recent_upstream.turn(self.sum(|shard| &shard.upstream));
        self.history.keep(now, &self.recent_latency.last(latency));
    }

    /// The last intervals, the oldest first.
    pub(crate) fn history(&self) -> Vec<Interval> {
        self.history.list()
    }

    fn sum(&self, histogram: impl Fn(&Shard) -> &Histogram) -> Distribution {
        let mut total = Distribution::default();
        self.shards.iter().for_each(|shard| total.add(histogram(shard)));
        total
    }

    /// Shows every number there is, in the order of the table.
    pub(crate) fn collect(&self, state: &State, visit: &mut Visit<'_>) {
        self.collect_requests(visit);
        self.collect_connections(state, visit);
        for snapshot in &state.snapshots {
            visit(&table::SNAPSHOT_AGE, &[snapshot.kind], Value::Seconds(snapshot.age.as_secs_f64()));
        }
        for snapshot in &state.snapshots {
            visit(&table::SNAPSHOT_FAILING, &[snapshot.kind], Value::Count(snapshot.error.is_some().into()));
        }
        visit(&table::POLICY_CHANGES, &[], Value::Count(self.policy_changes.load(Ordering::Relaxed)));
        visit(&table::POLICY_PROPAGATION, &[], Value::Distribution(&state.policy_propagation));
        if let Some(seconds) = state.crl_next_update {
            visit(&table::CRL_NEXT_UPDATE, &[], Value::Seconds(seconds));
        }
        visit(&table::CERTIFICATE_EXPIRY, &[], Value::Seconds(state.certificate_expiry));
        if let Some(DenyListState { entries, propagation, closing }) = &state.deny_list {
            visit(&table::DENY_LIST_ENTRIES, &[], Value::Count(*entries as u64));
            visit(&table::DENY_LIST_PROPAGATION, &[], Value::Distribution(propagation));
            visit(&table::DENIAL_CLOSING, &[], Value::Distribution(closing));
        }
        for (sign, count) in ["accounts", "endpoints"].into_iter().zip(state.shared_certificates) {
            visit(&table::SHARED_CERTIFICATES, &[sign], Value::Count(count as u64));
        }
        visit(&table::ACCESS_LOG_DROPPED, &[], Value::Count(state.access_log_dropped));
        if let Some(dropped) = state.spans_dropped {
            visit(&table::SPANS_DROPPED, &[], Value::Count(dropped));
        }
        self.callers.collect(self.shards.iter().map(|shard| &shard.callers), visit);
    }

    fn collect_requests(&self, visit: &mut Visit<'_>) {
        for (at, [decision, reason, class]) in request_attributes().enumerate() {
            let counters = self.shards.iter().filter_map(|shard| shard.requests.get(at));
            let total: u64 = counters.map(|counter| counter.load(Ordering::Relaxed)).sum();
            // Hundreds of combinations never happen.
            if total > 0 {
                visit(&table::REQUESTS, &[decision, reason, class], Value::Count(total));
            }
        }
        let (latency, upstream) = (self.latency(), self.sum(|shard| &shard.upstream));
        visit(&table::REQUEST_DURATION, &[], Value::Distribution(&latency));
        quantiles(&table::REQUEST_QUANTILE, &self.recent_latency.last(latency), visit);
        visit(&table::UPSTREAM_DURATION, &[], Value::Distribution(&upstream));
        quantiles(&table::UPSTREAM_QUANTILE, &self.recent_upstream.last(upstream), visit);
        let errors = Fault::ALL.iter().map(|error| error.as_str());
        counts(&table::UPSTREAM_ERRORS, errors, &self.upstream_errors, visit);
    }

    fn collect_connections(&self, state: &State, visit: &mut Visit<'_>) {
        visit(&table::HANDSHAKES, &[], Value::Count(self.handshakes.load(Ordering::Relaxed)));
        let causes = HandshakeCause::ALL.iter().map(|cause| cause.as_str());
        counts(&table::HANDSHAKE_FAILURES, causes, &self.handshake_failures, visit);
        visit(&table::PROTOCOL_ERRORS, &[], Value::Count(self.protocol_errors.load(Ordering::Relaxed)));
        visit(&table::OPEN_CONNECTIONS, &[], Value::Count(state.open_connections as u64));
        counts(&table::CLOSED_CONNECTIONS, End::ALL.iter().map(|end| end.as_str()), &self.ended, visit);
    }
}

/// The attributes of the counters of a shard, in their order.
fn request_attributes() -> impl Iterator<Item = [&'static str; 3]> {
    Outcome::ALL.into_iter().flat_map(|outcome| {
        let reasons = std::iter::once("none").chain(Reason::ALL.into_iter().map(Reason::as_str));
        reasons.flat_map(move |reason| CLASSES.map(|class| [outcome.as_str(), reason, class]))
    })
}

fn quantiles(definition: &'static Definition, recent: &Distribution, visit: &mut Visit<'_>) {
    for (part, name) in QUANTILES {
        if let Some(at) = recent.quantile(part) {
            visit(definition, &[name], Value::Seconds(at.as_secs_f64()));
        }
    }
}

fn counts(
    definition: &'static Definition,
    attributes: impl Iterator<Item = &'static str>,
    counters: &[AtomicU64],
    visit: &mut Visit<'_>,
) {
    for (attribute, counter) in attributes.zip(counters) {
        visit(definition, &[attribute], Value::Count(counter.load(Ordering::Relaxed)));
    }
}

fn add(counter: Option<&AtomicU64>) {
    if let Some(counter) = counter {
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests;
