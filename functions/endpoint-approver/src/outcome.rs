//! What a run came to: its answer, what the inventory must say, metrics and audit events. Pure.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use policy::VpcEndpointId;
use policy::endpoint::{Action, ConnectionState, VerdictReason};
use policy::sortable_time;
use serde::Serialize;
use telemetry::{DetailType, Mode, Run, metrics};

use crate::answer::{Answer, Connected, Unsuccessful, Verdicted};
use crate::apply::Settled;
use crate::plan::{Plan, Planned, Step, is_accepted};
use crate::row::{Row, Rows, verdict_word};
use crate::trigger::Trigger;

/// Whether steps take effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effects {
    /// They do.
    Apply,
    /// Audit mode and dry runs: the answer says what would be done.
    Report,
    /// The freeze switch is on: nothing is done.
    Frozen,
}

/// What became of one connection.
#[derive(Clone, Debug)]
pub(crate) struct Outcome<'a> {
    planned: &'a Planned<'a>,
    happened: Happened,
    /// Where the connection stands now.
    state: ConnectionState,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Happened {
    Accepted,
    Rejected,
    Removed,
    Held,
    Nothing,
    Unsuccessful(String),
}

/// What every audit event of a run says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Told<'a> {
    pub(crate) mode: Mode,
    pub(crate) trigger: &'a Trigger,
    pub(crate) policy_revision: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Detail<'a> {
    run_id: &'a str,
    mode: &'static str,
    trigger: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    requested_by: Option<&'a str>,
    endpoint_id: &'a str,
    service_id: &'a str,
    account: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    endpoint_region: Option<&'a str>,
    previous_state: &'static str,
    state: &'static str,
    reason: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    consumer: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    policy_revision: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    removed: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delisted_since: Option<String>,
}

pub(crate) fn outcomes<'a>(
    plan: &'a Plan<'a>,
    effects: Effects,
    settled: &HashMap<VpcEndpointId, Settled>,
) -> Vec<Outcome<'a>> {
    let outcome = |planned: &'a Planned<'a>| {
        let before = planned.connection.state;
        let (happened, state) = match (planned.step, effects) {
            (Step::Keep, _) => (Happened::Nothing, before),
            (Step::Hold, _) => (Happened::Held, before),
            (_, Effects::Frozen) => (Happened::Nothing, before),
            (Step::Remove, _) if plan.stopped => (unsuccessful("maxRemovalsExceeded"), before),
            (_, _) if plan.stopped => (unsuccessful("runStopped"), before),
            (step, Effects::Report) => (done(step), before),
            (step, Effects::Apply) => match settled.get(&planned.connection.endpoint_id) {
                Some(Settled::Done(state)) => (done(step), *state),
                Some(Settled::Gone(state)) => (Happened::Nothing, state.unwrap_or(ConnectionState::Deleted)),
                Some(Settled::Unsuccessful(code)) => (unsuccessful(code), before),
                None => (unsuccessful("stateUnchanged"), before),
            },
        };
        Outcome { planned, happened, state }
    };
    plan.planned.iter().map(outcome).collect()
}

fn unsuccessful(code: &str) -> Happened {
    Happened::Unsuccessful(code.to_owned())
}

fn done(step: Step) -> Happened {
    match step {
        Step::Accept => Happened::Accepted,
        Step::Reject => Happened::Rejected,
        Step::Remove => Happened::Removed,
        Step::Hold => Happened::Held,
        Step::Keep => Happened::Nothing,
    }
}

pub(crate) fn answer(outcomes: &[Outcome<'_>]) -> Answer {
    let mut answer = Answer::default();
    for Outcome { planned, happened, .. } in outcomes {
        let endpoint_id = planned.connection.endpoint_id.clone();
        let account = planned.connection.owner;
        let reason = planned.verdict.reason.as_str();
        match happened {
            Happened::Accepted => answer.accepted.push(Connected { endpoint_id, account }),
            Happened::Rejected => answer.rejected.push(Verdicted { endpoint_id, account, reason }),
            Happened::Removed => answer.removed.push(Verdicted { endpoint_id, account, reason }),
            Happened::Held => answer.held.push(Verdicted { endpoint_id, account, reason }),
            Happened::Nothing => answer.unchanged += 1,
            Happened::Unsuccessful(code) => {
                answer.unsuccessful.push(Unsuccessful { endpoint_id: endpoint_id.to_string(), code: code.clone() });
            }
        }
    }
    answer
}

/// The rows that say something new: of what was described, and of what no longer is. `described` also holds what was
/// described and not understood.
pub(crate) fn changed_rows(
    outcomes: &[Outcome<'_>],
    rows: &Rows,
    described: &HashSet<&str>,
    policy_revision: Option<&str>,
    now: Timestamp,
) -> Vec<Row> {
    let present = outcomes.iter().filter_map(|outcome| {
        let earlier = rows.get(&outcome.planned.connection.endpoint_id);
        let row = outcome.row(policy_revision, earlier);
        earlier.is_none_or(|earlier| !earlier.says_the_same(&row)).then_some(row)
    });
    let gone = rows.values().filter(|row| !described.contains(row.endpoint_id.as_str()));
    present.chain(gone.filter_map(|row| row.missing(now))).collect()
}

/// Counts, logs and tells what happened. What is held is told when it is new.
pub(crate) fn record(run: &mut Run, outcomes: &[Outcome<'_>], rows: &Rows, effects: Effects, told: &Told<'_>) {
    for outcome in outcomes {
        outcome.count(run, effects);
        outcome.log();
        if !told.trigger.dry_run {
            outcome.tell(run, rows, told);
        }
    }
}

impl Outcome<'_> {
    fn row(&self, policy_revision: Option<&str>, earlier: Option<&Row>) -> Row {
        let Planned { connection, verdict, delisted_since, .. } = self.planned;
        let since = delisted_since.filter(|_| is_accepted(self.state) || self.state == ConnectionState::Unknown);
        Row::of(connection, self.state, verdict, since, policy_revision, earlier)
    }

    fn count(&self, run: &mut Run, effects: Effects) {
        let service = self.planned.connection.service_id.as_str();
        let reason = self.planned.verdict.reason.as_str();
        run.count(&metrics::CONNECTIONS, [service, verdict_word(self.planned.verdict.action), reason]);
        match self.happened {
            Happened::Unsuccessful(_) => run.count(&metrics::CONNECTIONS_UNSUCCESSFUL, [service]),
            _ if effects != Effects::Apply => {}
            Happened::Accepted => run.count(&metrics::CONNECTIONS_ACCEPTED, [service]),
            Happened::Rejected => run.count(&metrics::CONNECTIONS_REJECTED, [service, reason]),
            Happened::Removed => run.count(&metrics::CONNECTIONS_REMOVED, [service, reason]),
            Happened::Held | Happened::Nothing => {}
        }
    }

    fn log(&self) {
        if self.happened != Happened::Nothing {
            let Planned { connection, verdict, .. } = self.planned;
            tracing::info!(
                endpointId = connection.endpoint_id.as_str(),
                serviceId = connection.service_id.as_str(),
                account = connection.owner.as_str(),
                previousState = connection.state.as_str(),
                state = self.state.as_str(),
                reason = verdict.reason.as_str(),
                consumer = verdict.consumer,
                happened = ?self.happened,
                "endpoint connection"
            );
        }
    }

    fn tell(&self, run: &mut Run, rows: &Rows, told: &Told<'_>) {
        let detail_type = match self.happened {
            Happened::Accepted => DetailType::EndpointAccepted,
            Happened::Rejected | Happened::Removed => DetailType::EndpointRejected,
            Happened::Held if self.is_newly_held(rows) => DetailType::EndpointHeld,
            Happened::Held | Happened::Nothing | Happened::Unsuccessful(_) => return,
        };
        let Planned { connection, verdict, delisted_since, .. } = self.planned;
        let removed = self.happened == Happened::Removed;
        let run_id = run.id().to_owned();
        let detail = Detail {
            run_id: &run_id,
            mode: told.mode.as_str(),
            trigger: told.trigger.cause.as_str(),
            requested_by: told.trigger.requested_by.as_deref(),
            endpoint_id: connection.endpoint_id.as_str(),
            service_id: connection.service_id.as_str(),
            account: connection.owner.as_str(),
            endpoint_region: connection.region.as_deref(),
            previous_state: connection.state.as_str(),
            state: self.state.as_str(),
            reason: verdict.reason.as_str(),
            consumer: verdict.consumer.as_deref(),
            policy_revision: told.policy_revision,
            removed: (detail_type == DetailType::EndpointRejected).then_some(removed),
            delisted_since: delisted_since.filter(|_| removed).map(sortable_time),
        };
        run.audit(detail_type, &detail);
    }

    fn is_newly_held(&self, rows: &Rows) -> bool {
        let Planned { connection, verdict, .. } = self.planned;
        rows.get(&connection.endpoint_id).is_none_or(|row| {
            row.verdict != verdict_word(Action::Hold)
                || (row.reason != verdict.reason.as_str() && verdict.reason != VerdictReason::PolicyUnavailable)
        })
    }
}
