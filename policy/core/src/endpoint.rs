//! The outer gate: may this endpoint connect to this service?

mod consumer;
mod listing;
mod state;
mod verdict;

use std::collections::HashMap;

use jiff::Timestamp;

pub use consumer::{Consumer, ConsumerSubject};
pub use listing::{Endpoints, Unlisted, UnlistedError};
pub use state::ConnectionState;
pub use verdict::{Action, Verdict, VerdictReason};

use crate::{AccountId, Policy, ServiceId, VpcEndpointId};

/// One endpoint connection, as EC2 describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection {
    /// The consumer's endpoint.
    pub endpoint_id: VpcEndpointId,
    /// Our endpoint service.
    pub service_id: ServiceId,
    /// The account that owns the endpoint.
    pub owner: AccountId,
    /// Where it stands.
    pub state: ConnectionState,
    /// The Region of the endpoint; none when EC2 does not say.
    pub region: Option<String>,
    /// When the connection was asked for; none when EC2 does not say, which counts as newest.
    pub created_at: Option<Timestamp>,
}

/// What a verdict depends on besides the policy and the connection.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The time of the verdict.
    pub now: Timestamp,
    /// How many connections of the same consumer entry hold a place before this one.
    pub older: usize,
    /// The organizational units above the owner; none when they are not known.
    pub organizational_units: Option<&'a [String]>,
}

/// How many connections hold a place of a consumer entry.
#[derive(Debug, Clone, Copy, Default)]
struct Places {
    taken: usize,
    /// By owners whose organizational units are not known.
    perhaps: usize,
}

/// Decides one connection.
///
/// Of several consumer entries for the owner, any that admits the connection does; if none does, the reason is that of
/// the one that came nearest.
#[must_use]
pub fn decide(policy: &Policy, connection: &Connection, context: &Context<'_>) -> Verdict {
    let places = Places { taken: context.older, perhaps: 0 };
    judge(policy, connection, context.now, context.organizational_units, |_| places).0
}

/// Decides all connections together, in the order given: the oldest keep their places.
///
/// `units` gives the organizational units above an account, `None` when they are not known. It is asked once for each
/// owner, and only if the policy names a unit.
#[must_use]
pub fn decide_all(
    policy: &Policy,
    connections: &[Connection],
    now: Timestamp,
    units: &dyn Fn(&AccountId) -> Option<Vec<String>>,
) -> Vec<Verdict> {
    let endpoints = policy.endpoints();
    let mut units_of: HashMap<AccountId, Option<Vec<String>>> = HashMap::new();
    let mut places = vec![Places::default(); endpoints.consumers().len()];
    let mut verdicts: Vec<(usize, Verdict)> = Vec::with_capacity(connections.len());
    for (index, connection) in by_seniority(connections) {
        let ask = || if endpoints.names_units() { units(&connection.owner) } else { Some(Vec::new()) };
        let units = units_of.entry(connection.owner).or_insert_with(ask);
        let before = |consumer: usize| places.get(consumer).copied().unwrap_or_default();
        let (verdict, consumer) = judge(policy, connection, now, units.as_deref(), before);
        // The approver lets in who was turned away and is allowed now: then there is one more.
        let comes_back = connection.state == ConnectionState::Rejected && verdict.action == Action::Accept;
        if connection.state.holds_a_place() || comes_back {
            match (verdict.action, consumer.and_then(|consumer| places.get_mut(consumer))) {
                (Action::Accept, Some(place)) => place.taken += 1,
                (Action::Hold, _) if units.is_none() => {
                    places.iter_mut().skip(endpoints.first_unit()).for_each(|place| place.perhaps += 1);
                }
                _ => {}
            }
        }
        verdicts.push((index, verdict));
    }
    verdicts.sort_unstable_by_key(|(index, _)| *index);
    verdicts.into_iter().map(|(_, verdict)| verdict).collect()
}

/// The verdict, and the index of the consumer entry it comes from.
fn judge(
    policy: &Policy,
    connection: &Connection,
    now: Timestamp,
    units: Option<&[String]>,
    before: impl Fn(usize) -> Places,
) -> (Verdict, Option<usize>) {
    let unknown = Verdict { action: Action::Hold, reason: VerdictReason::StateUnknown, consumer: None };
    if connection.state == ConnectionState::Unknown {
        return (unknown, None);
    }
    let endpoints = policy.endpoints();
    let judged = endpoints.for_owner(&connection.owner, units.unwrap_or_default()).map(|(index, consumer)| {
        let reason = consumer.judge(connection, now, before(index));
        (reason, index, consumer)
    });
    // Of equals the first.
    let nearest = judged.reduce(|best, next| if next.0 > best.0 { next } else { best });
    let (reason, index) = match nearest {
        Some((reason, index, _)) => (reason, Some(index)),
        None => (VerdictReason::Unlisted, None),
    };
    if units.is_none() && endpoints.names_units() && reason != VerdictReason::Allowed {
        // An entry for a unit may admit it: nobody knows.
        return (unknown, None);
    }
    let action = match reason {
        VerdictReason::Allowed => Action::Accept,
        VerdictReason::StateUnknown | VerdictReason::PolicyUnavailable => Action::Hold,
        VerdictReason::Unlisted if endpoints.unlisted() == Unlisted::Hold => Action::Hold,
        _ => Action::Reject,
    };
    let consumer = nearest.and_then(|(_, _, consumer)| consumer.name()).map(str::to_owned);
    (Verdict { action, reason, consumer }, index)
}

/// The connections with their indices: first those that hold places, the oldest before the others, of equal age those
/// already accepted before those that wait.
fn by_seniority(connections: &[Connection]) -> Vec<(usize, &Connection)> {
    let mut ordered: Vec<(usize, &Connection)> = connections.iter().enumerate().collect();
    ordered.sort_by_key(|(_, connection)| {
        (
            !connection.state.holds_a_place(),
            connection.created_at.is_none(),
            connection.created_at,
            !connection.state.is_accepted(),
            &connection.endpoint_id,
        )
    });
    ordered
}
