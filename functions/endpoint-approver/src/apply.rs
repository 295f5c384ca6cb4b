//! Does what was planned, and looks whether it happened.

use std::collections::{BTreeMap, HashMap};

use policy::VpcEndpointId;
use policy::endpoint::{Connection, ConnectionState};
use telemetry::Deadline;

use crate::connections::{Connections, Goal, Refusal};
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
    refused: &HashMap<VpcEndpointId, Refusal>,
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
            let outcome = settle(change.goal, refused.get(id), states.get(id).copied(), look == LOOKS);
            outcome.map(|outcome| settled.insert(id.clone(), outcome)).is_none()
        });
        if open.is_empty() || look == LOOKS || !by.pause(look).await {
            break;
        }
    }
    settled.extend(open.into_iter().map(|change| {
        let id = &change.connection.endpoint_id;
        (id.clone(), Settled::Unsuccessful(refused.get(id).map_or(code.as_str(), Refusal::code).to_owned()))
    }));
    settled
}

/// The state now decides, and only then EC2's code: "already accepted" has none that we could rely on. `None`: EC2
/// promised and does not show it yet.
///
/// Gone is what its owner ended, not what we failed at: where the call itself failed nothing was said of the endpoint, and
/// one that is missing from a single description may only be late.
fn settle(goal: Goal, refused: Option<&Refusal>, state: Option<ConnectionState>, last_look: bool) -> Option<Settled> {
    use ConnectionState::{Available, Deleted, Deleting, Expired, Failed, Partial, Pending, Rejected};
    let unsuccessful = || refused.map(|refusal| Settled::Unsuccessful(refusal.code().to_owned()));
    match (goal, state) {
        (Goal::Accepted, Some(state @ (Pending | Available | Partial))) => Some(Settled::Done(state)),
        (Goal::Rejected, Some(state @ Rejected)) => Some(Settled::Done(state)),
        _ if matches!(refused, Some(Refusal::Call(_))) => unsuccessful(),
        // Accepted, and then no connection came of it.
        (Goal::Accepted, Some(Failed)) => unsuccessful().or(Some(Settled::Unsuccessful("connectionFailed".to_owned()))),
        (_, Some(Deleting | Deleted | Failed | Expired)) => Some(Settled::Gone(state)),
        (_, None) if refused.is_some_and(says_not_found) => Some(Settled::Gone(None)),
        (_, None) if last_look => unsuccessful().or(Some(Settled::Gone(None))),
        (_, None) => None,
        _ => unsuccessful(),
    }
}

/// `InvalidVpcEndpointId.NotFound`, `InvalidVpcEndpoint.NotFound`; not that the service is not found.
fn says_not_found(refusal: &Refusal) -> bool {
    refusal.code().ends_with(".NotFound") && !refusal.code().starts_with("InvalidVpcEndpointService")
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
    use ConnectionState::{Available, Deleted, Expired, Failed, Pending, PendingAcceptance, Rejected, Unknown};

    use super::*;

    fn endpoint(code: &str) -> Option<Refusal> {
        Some(Refusal::Endpoint(code.to_owned()))
    }

    fn unsuccessful(code: &str) -> Option<Settled> {
        Some(Settled::Unsuccessful(code.to_owned()))
    }

    #[test]
    fn the_state_decides_before_the_code() {
        for (goal, refused, state, settled) in [
            (Goal::Accepted, None, Some(Pending), Some(Settled::Done(Pending))),
            (Goal::Accepted, endpoint("X"), Some(Available), Some(Settled::Done(Available))),
            (Goal::Accepted, Some(Refusal::Call("X".into())), Some(Available), Some(Settled::Done(Available))),
            (Goal::Accepted, endpoint("X"), Some(PendingAcceptance), unsuccessful("X")),
            (Goal::Accepted, None, Some(PendingAcceptance), None),
            (Goal::Accepted, None, Some(Unknown), None),
            (Goal::Accepted, None, Some(Rejected), None),
            (Goal::Rejected, None, Some(Rejected), Some(Settled::Done(Rejected))),
            (Goal::Rejected, endpoint("X"), Some(Available), unsuccessful("X")),
        ] {
            for last_look in [false, true] {
                assert_eq!(settle(goal, refused.as_ref(), state, last_look), settled, "{goal:?} {refused:?} {state:?}");
            }
        }
    }

    #[test]
    fn gone_is_what_its_owner_ended_and_not_what_we_failed_at() {
        let not_found = || endpoint("InvalidVpcEndpointId.NotFound");
        let (gone, call) = (|state| Some(Settled::Gone(state)), || Some(Refusal::Call("RequestLimitExceeded".into())));
        for (goal, refused, state, first, last) in [
            // Missing from one description is not gone: EC2 may show things late.
            (Goal::Accepted, None, None, None, gone(None)),
            (Goal::Rejected, None, None, None, gone(None)),
            (Goal::Accepted, not_found(), None, gone(None), gone(None)),
            // A code that does not say why it is missing is a failure; so is a service that there is not.
            (Goal::Accepted, endpoint("Unauthorized"), None, None, unsuccessful("Unauthorized")),
            (
                Goal::Rejected,
                endpoint("InvalidVpcEndpointService.NotFound"),
                None,
                None,
                unsuccessful("InvalidVpcEndpointService.NotFound"),
            ),
            // Of a call that failed nothing is taken for granted, gone or not.
            (Goal::Rejected, call(), None, unsuccessful("RequestLimitExceeded"), unsuccessful("RequestLimitExceeded")),
            (
                Goal::Rejected,
                call(),
                Some(Deleted),
                unsuccessful("RequestLimitExceeded"),
                unsuccessful("RequestLimitExceeded"),
            ),
            (Goal::Rejected, endpoint("X"), Some(Deleted), gone(Some(Deleted)), gone(Some(Deleted))),
            (Goal::Rejected, None, Some(Failed), gone(Some(Failed)), gone(Some(Failed))),
            (Goal::Accepted, None, Some(Expired), gone(Some(Expired)), gone(Some(Expired))),
            // What was accepted and came to nothing did not succeed.
            (Goal::Accepted, None, Some(Failed), unsuccessful("connectionFailed"), unsuccessful("connectionFailed")),
        ] {
            let looks = [false, true].map(|last_look| settle(goal, refused.as_ref(), state, last_look));
            assert_eq!(looks, [first, last], "{goal:?} {refused:?} {state:?}");
        }
    }
}
