//! What happens when a snapshot is replaced: open connections check themselves, and the change is counted.

use crate::gate::Gate;
use policy::Timestamp;
use std::sync::Arc;
use tokio::task::AbortHandle;

/// Starts watching; for as long as the tasks are not aborted.
pub(crate) fn start(gate: &Arc<Gate>) -> [AbortHandle; 2] {
    [
        tokio::spawn(recheck(Arc::clone(gate))).abort_handle(),
        tokio::spawn(count_policies(Arc::clone(gate))).abort_handle(),
    ]
}

async fn recheck(gate: Arc<Gate>) {
    let mut changes = gate.snapshots.changes();
    while changes.changed().await.is_ok() {
        gate.connections.recheck(Timestamp::now()).await;
    }
}

async fn count_policies(gate: Arc<Gate>) {
    let mut revisions = gate.snapshots.policy.subscribe();
    while revisions.changed().await.is_ok() {
        gate.metrics.policy_changed();
    }
}
