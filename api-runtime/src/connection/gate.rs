//! What all connections of a listener share.

use super::Connections;
use crate::audit::AuditDenials;
use crate::config::{AccessLog, Config};
use crate::log_writer::LogWriter;
use crate::metrics::{Metrics, SnapshotState, State};
use crate::recent::RecentDenials;
use crate::sightings::{Expectations, Finding, Sightings};
use crate::snapshots::{Now, Snapshots, Took};
use crate::spans::Spans;
use crate::trust::Peer;
use policy::{AccountId, SpiffeId, Timestamp, VpcEndpointId};
use policy_source::Live;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

/// Snapshots, counters, log and the list of open connections. Requests read; nobody holds a lock while a request waits.
#[derive(Debug)]
pub(crate) struct Gate {
    pub(crate) config: Config,
    pub(crate) snapshots: Snapshots,
    pub(crate) metrics: Metrics,
    pub(crate) log: Option<LogWriter>,
    /// None if nobody takes them.
    pub(crate) spans: Option<Spans>,
    pub(crate) connections: Connections,
    pub(crate) denials: RecentDenials,
    pub(crate) audit: AuditDenials,
    pub(crate) sightings: Sightings,
    pub(crate) policy_errors: OnceASecond,
    pub(crate) started: Timestamp,
    draining: AtomicBool,
    /// Whether those who are served may take their time to go.
    slowly: AtomicBool,
}

impl Gate {
    /// # Errors
    /// The access log cannot be opened.
    pub(crate) fn new(config: Config, snapshots: Snapshots) -> io::Result<Self> {
        let log = match &config.telemetry.access_log {
            AccessLog::Off => None,
            AccessLog::Stdout => Some(LogWriter::to_stdout()?),
            AccessLog::File(path) => Some(LogWriter::to_file(path)?),
        };
        let spans = config.telemetry.otlp_endpoint.as_ref().map(|_| Spans::new(config.telemetry.trace_sampling));
        Ok(Self {
            connections: Connections::new(config.limits.connections_per_endpoint),
            config,
            snapshots,
            metrics: Metrics::new(),
            log,
            spans,
            denials: RecentDenials::default(),
            audit: AuditDenials::new(),
            sightings: Sightings::default(),
            policy_errors: OnceASecond::default(),
            started: Timestamp::now(),
            draining: AtomicBool::new(false),
            slowly: AtomicBool::new(false),
        })
    }

    /// Whether the balancer should send no new connections here.
    pub(crate) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    pub(crate) fn is_draining_slowly(&self) -> bool {
        self.slowly.load(Ordering::Relaxed)
    }

    pub(crate) fn start_draining(&self, slowly: bool) {
        self.slowly.store(slowly, Ordering::Relaxed);
        self.draining.store(true, Ordering::Relaxed);
    }

    /// Each snapshot in force, by the name that metrics and status give it.
    pub(crate) fn snapshot_states(&self) -> Vec<SnapshotState> {
        let Snapshots { policy, trust, deny_list, endpoints, .. } = &self.snapshots;
        let mut states = vec![state("policy", policy), state("trust", trust)];
        states.extend(deny_list.as_ref().map(|live| state("denyList", live)));
        states.extend(endpoints.as_ref().map(|live| state("endpoints", live)));
        states
    }

    /// Notes through which endpoint a connection came, and says what that tells of its certificate.
    pub(crate) fn sight(&self, peer: Option<&Peer>, endpoint: Option<&VpcEndpointId>) {
        let Some((peer, endpoint)) = peer.zip(endpoint) else { return };
        let expected = Expected { gate: self, now: Now::read() };
        if let Some(finding) = self.sightings.see(peer, endpoint, &expected, expected.now.steady) {
            finding.say();
        }
    }

    /// Looks again at who uses which certificate, by the inventory and the policy in force.
    pub(crate) fn review_sightings(&self) {
        let expected = Expected { gate: self, now: Now::read() };
        self.sightings.review(&expected, expected.now.steady).iter().for_each(Finding::say);
    }

    /// How long changes of the deny list take; `None` without one.
    pub(crate) fn deny_list_took(&self) -> Option<&Took> {
        self.snapshots.deny_list.as_ref().map(|_| self.snapshots.denials().in_force())
    }

    /// What the metrics do not count themselves.
    pub(crate) fn state(&self, now: Timestamp) -> State {
        let trust = self.snapshots.trust.load();
        let seconds = |at: Timestamp| at.duration_since(now).as_secs_f64();
        State {
            open_connections: self.connections.len(),
            snapshots: self.snapshot_states(),
            crl_next_update: trust.value.crl_next_update().map(seconds),
            certificate_expiry: seconds(trust.value.certificate_not_after()),
            policy_propagation: self.snapshots.propagation().policy.distribution(),
            deny_list: self.snapshots.deny_list_state(),
            shared_certificates: self.sightings.counts(),
            access_log_dropped: self.log.as_ref().map_or(0, LogWriter::dropped),
            spans_dropped: self.spans.as_ref().map(Spans::dropped),
        }
    }
}

/// What the snapshots say of endpoints and of those who come through them.
struct Expected<'a> {
    gate: &'a Gate,
    now: Now,
}

impl Expectations for Expected<'_> {
    fn account(&self, endpoint: &VpcEndpointId) -> Option<AccountId> {
        self.gate.snapshots.account(endpoint, self.now)
    }

    fn max_endpoints(&self, identity: &SpiffeId) -> usize {
        let said = self.gate.snapshots.policy.load().value.max_endpoints(identity);
        said.map_or(self.gate.config.identity.max_endpoints, |limit| usize::try_from(limit).unwrap_or(usize::MAX))
    }
}

/// Lets one thing a second be said, for those that each request could bring about.
#[derive(Debug, Default)]
pub(crate) struct OnceASecond(AtomicI64);

impl OnceASecond {
    pub(crate) fn may_say(&self, now: Timestamp) -> bool {
        self.0.swap(now.as_second(), Ordering::Relaxed) != now.as_second()
    }
}

fn state<T: Send + Sync + 'static>(kind: &'static str, live: &Live<T>) -> SnapshotState {
    let loaded = live.load();
    SnapshotState {
        kind,
        revision: loaded.revision.clone(),
        loaded_at: loaded.loaded_at,
        age: live.age(),
        error: live.last_error(),
    }
}
