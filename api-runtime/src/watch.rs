//! What happens when a snapshot is replaced: open connections check themselves, and the change is counted.

use crate::connection::Gate;
use crate::snapshots::Now;
use policy::Timestamp;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::AbortHandle;

/// How often connections check themselves while nothing vouches for the deny list.
const AGAIN: Duration = Duration::from_secs(1);

/// Starts watching; for as long as the tasks are not aborted.
pub(crate) fn start(gate: &Arc<Gate>) -> [AbortHandle; 2] {
    [
        tokio::spawn(recheck(Arc::clone(gate))).abort_handle(),
        tokio::spawn(count_policies(Arc::clone(gate))).abort_handle(),
    ]
}

async fn recheck(gate: Arc<Gate>) {
    let mut changes = gate.snapshots.changes();
    loop {
        tokio::select! {
            changed = changes.changed() => if changed.is_err() { return },
            () = next_update(&gate) => {}
            () = deny_list_staleness(&gate) => {}
        }
        let put = gate.snapshots.denials().take_unchecked();
        gate.connections.recheck(Now::read(), put).await;
        gate.review_sightings();
    }
}

/// Until the first CRL passes its nextUpdate: that no snapshot changed is what is wrong then.
async fn next_update(gate: &Gate) {
    let next_update = gate.snapshots.trust.load().value.crl_next_update();
    let left = next_update.and_then(|at| Duration::try_from(at.duration_since(Timestamp::now())).ok());
    match left {
        // It is valid through that second.
        Some(left) => tokio::time::sleep(left + Duration::from_millis(1)).await,
        None => std::future::pending().await,
    }
}

/// Until the deny list is older than it may be; then every second, for as long as it is.
async fn deny_list_staleness(gate: &Gate) {
    loop {
        let Some(left) = gate.snapshots.deny_list_freshness() else { return std::future::pending().await };
        tokio::time::sleep(left.max(AGAIN)).await;
        if gate.snapshots.deny_list_freshness().is_some_and(|left| left.is_zero()) {
            return;
        }
    }
}

async fn count_policies(gate: Arc<Gate>) {
    let mut revisions = gate.snapshots.policy.subscribe();
    while revisions.changed().await.is_ok() {
        gate.metrics.policy_changed();
    }
}
