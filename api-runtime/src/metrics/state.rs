//! What the metrics are told, and what they show besides.

use super::CallerSlot;
use crate::histogram::Distribution;
use crate::outcome::Outcome;
use crate::snapshots::DenyListState;
use policy::access::Reason;
use policy::{Revision, Timestamp};
use std::time::Duration;

/// What is not counted but looked up when somebody asks.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) open_connections: usize,
    pub(crate) snapshots: Vec<SnapshotState>,
    /// Seconds to the first nextUpdate; negative once it has passed.
    pub(crate) crl_next_update: Option<f64>,
    /// Seconds to the end of the runtime's own certificate; negative once it has passed.
    pub(crate) certificate_expiry: f64,
    pub(crate) policy_propagation: Distribution,
    /// `None` without a deny list.
    pub(crate) deny_list: Option<DenyListState>,
    /// Client certificates seen through several accounts, and through too many endpoints.
    pub(crate) shared_certificates: [usize; 2],
    pub(crate) access_log_dropped: u64,
    /// `None` if no spans are exported.
    pub(crate) spans_dropped: Option<u64>,
}

/// A snapshot in force.
#[derive(Debug)]
pub(crate) struct SnapshotState {
    pub(crate) kind: &'static str,
    pub(crate) revision: Revision,
    pub(crate) loaded_at: Timestamp,
    /// Since its source last confirmed it.
    pub(crate) age: Duration,
    /// Why the last refresh failed, if it did.
    pub(crate) error: Option<String>,
}

/// One request, as far as it is counted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request {
    pub(crate) outcome: Outcome,
    pub(crate) reason: Option<Reason>,
    pub(crate) status: u16,
    pub(crate) latency: Duration,
    pub(crate) upstream: Option<Duration>,
    pub(crate) caller: CallerSlot,
}
