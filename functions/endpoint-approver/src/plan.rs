//! From verdicts to steps. Pure: what is, what the policy says, what the inventory remembers.

use std::time::Duration;

use jiff::Timestamp;
use policy::endpoint::{Action, Connection, ConnectionState, Verdict, VerdictReason};

use crate::row::{Rows, waited};

/// All that a plan depends on.
#[derive(Debug)]
pub(crate) struct Situation<'a> {
    pub(crate) connections: &'a [Connection],
    /// One for each connection, in their order.
    pub(crate) verdicts: &'a [Verdict],
    pub(crate) rows: &'a Rows,
    pub(crate) removal: Removal,
    pub(crate) max_removals: usize,
    pub(crate) now: Timestamp,
}

/// Whether accepted connections that the policy no longer allows are rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Removal {
    /// After this time from `delistedSince`.
    After(Duration),
    /// Never: nobody remembers since when.
    Off,
}

/// What to do about one connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Accept,
    Reject,
    /// Reject what had been accepted.
    Remove,
    /// Leave it waiting for a person.
    Hold,
    /// Nothing.
    Keep,
}

#[derive(Clone, Debug)]
pub(crate) struct Planned<'a> {
    pub(crate) connection: &'a Connection,
    pub(crate) verdict: &'a Verdict,
    pub(crate) step: Step,
    pub(crate) delisted_since: Option<Timestamp>,
}

#[derive(Clone, Debug)]
pub(crate) struct Plan<'a> {
    pub(crate) planned: Vec<Planned<'a>>,
    /// More removals than one run may do: then it does nothing at all, for the policy itself may be wrong.
    pub(crate) stopped: bool,
}

pub(crate) fn plan<'a>(situation: &Situation<'a>) -> Plan<'a> {
    let pairs = situation.connections.iter().zip(situation.verdicts);
    let planned: Vec<_> = pairs.map(|(connection, verdict)| planned(situation, connection, verdict)).collect();
    let removals = planned.iter().filter(|planned| planned.step == Step::Remove).count();
    Plan { planned, stopped: removals > situation.max_removals }
}

fn planned<'a>(situation: &Situation<'_>, connection: &'a Connection, verdict: &'a Verdict) -> Planned<'a> {
    use ConnectionState::{PendingAcceptance, Rejected, Unknown};
    let (step, delisted_since) = match (connection.state, verdict.action) {
        (PendingAcceptance, Action::Accept) => (Step::Accept, None),
        (PendingAcceptance, Action::Reject) => (Step::Reject, None),
        (PendingAcceptance, Action::Hold) => (Step::Hold, None),
        // Its owner was turned away and is listed now.
        (Rejected, Action::Accept) => (Step::Accept, None),
        (state, Action::Reject) if is_accepted(state) => removal(situation, connection),
        (state, Action::Hold) if is_accepted(state) => (Step::Keep, kept(situation, connection, verdict)),
        // Whatever the verdict: a state that we do not know is never acted upon, nor does it stop the clock.
        (Unknown, _) => (Step::Hold, remembered(situation, connection)),
        // Accepted and allowed, rejected and not, or on its way out.
        _ => (Step::Keep, None),
    };
    Planned { connection, verdict, step, delisted_since }
}

/// Whether the connection carries traffic, or is about to.
pub(crate) fn is_accepted(state: ConnectionState) -> bool {
    matches!(state, ConnectionState::Pending | ConnectionState::Available | ConnectionState::Partial)
}

/// The grace is counted from the first run that saw the connection delisted.
fn removal(situation: &Situation<'_>, connection: &Connection) -> (Step, Option<Timestamp>) {
    let since = remembered(situation, connection).unwrap_or(situation.now);
    let step = match situation.removal {
        Removal::After(grace) if waited(since, situation.now, grace) => Step::Remove,
        _ => Step::Keep,
    };
    (step, Some(since))
}

/// Where the policy, or what it depends on, is not known, nobody knows whether the connection is allowed again: the
/// clock goes on. Held by the policy, it stops.
fn kept(situation: &Situation<'_>, connection: &Connection, verdict: &Verdict) -> Option<Timestamp> {
    let unknown = matches!(verdict.reason, VerdictReason::PolicyUnavailable | VerdictReason::StateUnknown);
    remembered(situation, connection).filter(|_| unknown)
}

/// A time in the future counts as now, or a grace would last until then.
fn remembered(situation: &Situation<'_>, connection: &Connection) -> Option<Timestamp> {
    situation.rows.get(&connection.endpoint_id)?.delisted_since.map(|since| since.min(situation.now))
}

#[cfg(test)]
mod tests {
    use ConnectionState::{Available, Deleted, Deleting, Expired, Failed, Partial, Pending};
    use ConnectionState::{PendingAcceptance, Rejected, Unknown};

    use super::*;
    use crate::row::Row;

    const GRACE: Duration = Duration::from_secs(900);

    fn now() -> Timestamp {
        "2026-11-23T10:00:00Z".parse().unwrap()
    }

    fn ago(seconds: i64) -> Timestamp {
        Timestamp::from_second(now().as_second() - seconds).unwrap()
    }

    fn connection(number: usize, state: ConnectionState) -> Connection {
        Connection {
            endpoint_id: format!("vpce-{number:x}").parse().unwrap(),
            service_id: "vpce-svc-1".parse().unwrap(),
            owner: "123456789012".parse().unwrap(),
            state,
            region: None,
            created_at: None,
        }
    }

    fn verdict(action: Action) -> Verdict {
        let reason = match action {
            Action::Accept => VerdictReason::Allowed,
            Action::Reject | Action::Hold => VerdictReason::Unlisted,
        };
        Verdict { action, reason, consumer: None }
    }

    /// The step and the clock of one connection, delisted so many seconds ago.
    fn one(
        state: ConnectionState,
        verdict: &Verdict,
        delisted: Option<i64>,
        removal: Removal,
    ) -> (Step, Option<Timestamp>) {
        let connections = [connection(1, state)];
        let row = Row::of(&connections[0], state, verdict, delisted.map(ago), None, None);
        let rows = Rows::from([(row.endpoint_id.clone(), row)]);
        let situation = Situation {
            connections: &connections,
            verdicts: std::slice::from_ref(verdict),
            rows: &rows,
            removal,
            max_removals: 5,
            now: now(),
        };
        let plan = plan(&situation);
        (plan.planned[0].step, plan.planned[0].delisted_since)
    }

    #[test]
    fn every_state_and_verdict_has_one_step() {
        use Step::{Accept, Hold, Keep, Reject, Remove};
        for (state, accept, reject, hold) in [
            (PendingAcceptance, Accept, Reject, Hold),
            (Pending, Keep, Remove, Keep),
            (Available, Keep, Remove, Keep),
            (Partial, Keep, Remove, Keep),
            (Rejected, Accept, Keep, Keep),
            (Deleting, Keep, Keep, Keep),
            (Deleted, Keep, Keep, Keep),
            (Failed, Keep, Keep, Keep),
            (Expired, Keep, Keep, Keep),
            (Unknown, Hold, Hold, Hold),
        ] {
            let step = |action| one(state, &verdict(action), None, Removal::After(Duration::ZERO)).0;
            let steps = (step(Action::Accept), step(Action::Reject), step(Action::Hold));
            assert_eq!(steps, (accept, reject, hold), "{state:?}");
        }
    }

    #[test]
    fn the_grace_is_counted_from_when_it_was_first_seen_delisted() {
        let reject = verdict(Action::Reject);
        for (delisted, removal, step, since) in [
            (None, Removal::After(GRACE), Step::Keep, ago(0)),
            (Some(899), Removal::After(GRACE), Step::Keep, ago(899)),
            (Some(900), Removal::After(GRACE), Step::Remove, ago(900)),
            (Some(900_000), Removal::Off, Step::Keep, ago(900_000)),
            (None, Removal::After(Duration::ZERO), Step::Remove, ago(0)),
        ] {
            assert_eq!(one(Available, &reject, delisted, removal), (step, Some(since)), "{delisted:?} {removal:?}");
        }
    }

    #[test]
    fn the_clock_stops_when_it_is_listed_or_held_and_not_when_nobody_knows() {
        let unavailable = Verdict { reason: VerdictReason::PolicyUnavailable, ..verdict(Action::Hold) };
        let clock = |verdict: &Verdict| one(Available, verdict, Some(60), Removal::After(GRACE));
        assert_eq!(clock(&verdict(Action::Accept)), (Step::Keep, None));
        assert_eq!(clock(&verdict(Action::Hold)), (Step::Keep, None));
        assert_eq!(clock(&unavailable), (Step::Keep, Some(ago(60))));
        let unknown = Verdict { reason: VerdictReason::StateUnknown, ..verdict(Action::Hold) };
        assert_eq!(clock(&unknown), (Step::Keep, Some(ago(60))));
    }

    #[test]
    fn a_clock_that_begins_in_the_future_begins_now_whatever_the_verdict() {
        let unavailable = Verdict { reason: VerdictReason::PolicyUnavailable, ..verdict(Action::Hold) };
        let reject = verdict(Action::Reject);
        for (state, verdict) in [(Available, &reject), (Available, &unavailable), (Unknown, &reject)] {
            let (_, since) = one(state, verdict, Some(-86_400), Removal::After(GRACE));
            assert_eq!(since, Some(now()), "{state:?}");
        }
    }

    #[test]
    fn one_removal_too_many_stops_the_run() {
        for (removals, stopped) in [(0, false), (5, false), (6, true)] {
            let connections: Vec<_> = (0..removals).map(|number| connection(number, Available)).collect();
            let verdicts = vec![verdict(Action::Reject); removals];
            let rows = Rows::new();
            let situation = Situation {
                connections: &connections,
                verdicts: &verdicts,
                rows: &rows,
                removal: Removal::After(Duration::ZERO),
                max_removals: 5,
                now: now(),
            };
            assert_eq!(plan(&situation).stopped, stopped, "{removals}");
        }
    }
}
