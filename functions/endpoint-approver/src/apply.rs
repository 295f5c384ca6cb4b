//! Does what was planned, and looks whether it happened.

use std::collections::{BTreeMap, HashMap};

use policy::VpcEndpointId;
use policy::endpoint::{Connection, ConnectionState};
use telemetry::Deadline;

use crate::connections::{Connections, Goal};
use crate::plan::{Planned, Step};

/// EC2 may show a change a moment late.
const LOOKS: u32 = 4;

/// What became of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Settled {
    /// It happened.
    Done(ConnectionState),
    /// The endpoint's owner was faster: there is nothing left to change.
    Gone(Option<ConnectionState>),
    /// It did not, and why.
    Unsuccessful(String),
}

struct Change<'a> {
    connection: &'a Connection,
    goal: Goal,
}

/// Applies the steps that change something; rejections first. Gives what became of each.
pub(crate) async fn apply(
    connections: &Connections,
    planned: &[Planned<'_>],
    by: Deadline,
) -> HashMap<VpcEndpointId, Settled> {
    let changes: Vec<_> = planned.iter().filter_map(change).collect();
    let mut batches: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for Change { connection, goal } in &changes {
        batches.entry((*goal, &connection.service_id)).or_default().push(connection.endpoint_id.clone());
    }
    let mut refused = HashMap::new();
    for ((goal, service), endpoints) in batches {
        refused.extend(connections.change(goal, service, &endpoints, by).await);
    }
    verify(connections, changes, &refused, by).await
}

/// An answer of EC2 is not yet a change: only the state says so.
async fn verify(
    connections: &Connections,
    mut open: Vec<Change<'_>>,
    refused: &HashMap<VpcEndpointId, String>,
    by: Deadline,
) -> HashMap<VpcEndpointId, Settled> {
    let mut settled = HashMap::new();
    let mut code = "stateUnchanged".to_owned();
    for look in 1..=LOOKS {
        let ids: Vec<_> =
            open.iter().map(|c| (c.connection.service_id.clone(), c.connection.endpoint_id.clone())).collect();
        let states = match connections.states(&ids, by).await {
            Ok(states) => states,
            Err(error) => {
                tracing::error!(%error, "what was changed could not be verified");
                code = error.code;
                break;
            }
        };
        open.retain(|change| {
            let id = &change.connection.endpoint_id;
            let outcome = settle(change.goal, refused.get(id), states.get(id).copied());
            outcome.map(|outcome| settled.insert(id.clone(), outcome)).is_none()
        });
        if open.is_empty() || look == LOOKS || !by.pause(look).await {
            break;
        }
    }
    settled.extend(open.into_iter().map(|change| {
        let id = &change.connection.endpoint_id;
        (id.clone(), Settled::Unsuccessful(refused.get(id).unwrap_or(&code).clone()))
    }));
    settled
}

/// The state now decides, and only then EC2's code: "already accepted" has none that we could rely on. `None`: EC2
/// promised and does not show it yet.
fn settle(goal: Goal, refused: Option<&String>, state: Option<ConnectionState>) -> Option<Settled> {
    use ConnectionState::{Available, Deleted, Deleting, Expired, Failed, Partial, Pending, Rejected};
    match (goal, state) {
        (Goal::Accepted, Some(state @ (Pending | Available | Partial))) => Some(Settled::Done(state)),
        (Goal::Rejected, Some(state @ Rejected)) => Some(Settled::Done(state)),
        (_, None | Some(Deleting | Deleted | Failed | Expired)) => Some(Settled::Gone(state)),
        _ => refused.cloned().map(Settled::Unsuccessful),
    }
}

fn change<'a>(planned: &Planned<'a>) -> Option<Change<'a>> {
    let goal = match planned.step {
        Step::Accept => Goal::Accepted,
        Step::Reject | Step::Remove => Goal::Rejected,
        Step::Hold | Step::Keep => return None,
    };
    Some(Change { connection: planned.connection, goal })
}

#[cfg(test)]
mod tests {
    use ConnectionState::{Available, Deleted, Pending, PendingAcceptance, Rejected, Unknown};

    use super::*;

    #[test]
    fn the_state_decides_before_the_code() {
        let code = "InvalidVpcEndpointId.NotFound".to_owned();
        let unsuccessful = Some(Settled::Unsuccessful(code.clone()));
        for (goal, refused, state, settled) in [
            (Goal::Accepted, None, Some(Pending), Some(Settled::Done(Pending))),
            (Goal::Accepted, Some(&code), Some(Available), Some(Settled::Done(Available))),
            (Goal::Accepted, Some(&code), Some(PendingAcceptance), unsuccessful.clone()),
            (Goal::Accepted, None, Some(PendingAcceptance), None),
            (Goal::Accepted, None, Some(Unknown), None),
            (Goal::Accepted, None, Some(Rejected), None),
            (Goal::Accepted, Some(&code), None, Some(Settled::Gone(None))),
            (Goal::Rejected, None, Some(Rejected), Some(Settled::Done(Rejected))),
            (Goal::Rejected, Some(&code), Some(Available), unsuccessful),
            (Goal::Rejected, Some(&code), Some(Deleted), Some(Settled::Gone(Some(Deleted)))),
        ] {
            assert_eq!(settle(goal, refused, state), settled, "{goal:?} {refused:?} {state:?}");
        }
    }
}
