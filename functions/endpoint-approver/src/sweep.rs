//! One run, once its event is understood: fetch, decide, act, write down, each once and in that order.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Display;
use std::time::Duration;

use jiff::Timestamp;
use policy::endpoint::{self, Action, Connection, Verdict, VerdictReason};
use policy::{AccountId, ServiceId};
use telemetry::{CallError, Deadline, Fault as _, Mode, Run, metrics};

use crate::allow_list::{AllowList, Principals};
use crate::answer::{Answer, Unsuccessful};
use crate::apply::apply;
use crate::connections::Described;
use crate::current_policy::InForce;
use crate::failure::{Failure, Fault};
use crate::handle::App;
use crate::outcome::{self, Effects, Told};
use crate::plan::{Plan, Removal, Situation, Step, plan};
use crate::record::{Memory, Record};
use crate::row::Row;
use crate::trigger::Trigger;
use crate::units::Units;

/// Of Lambda's time, kept for inventory and telemetry.
const LAST_WORDS: Duration = Duration::from_secs(3);

#[derive(Debug)]
pub(crate) struct Sweep<'a> {
    app: &'a App,
    trigger: Trigger,
    services: Vec<ServiceId>,
    run: Run,
    deadline: Deadline,
    faults: BTreeSet<Fault>,
}

/// What was fetched, once the connections are known.
struct Fetched<'a> {
    described: Described,
    policy: Option<InForce<'a>>,
    /// None when the inventory could not be read.
    memory: Option<Memory>,
    principals: Principals,
    now: Timestamp,
}

impl<'a> Sweep<'a> {
    pub(crate) fn new(app: &'a App, trigger: Trigger, services: Vec<ServiceId>, run: Run, deadline: Deadline) -> Self {
        Self { app, trigger, services, run, deadline, faults: BTreeSet::new() }
    }

    pub(crate) async fn run(mut self) -> Result<Answer, Failure> {
        let app = self.app;
        let by = self.deadline.leaving(LAST_WORDS);
        let mut policy = app.policy.lock().await;
        let (described, policy, memory, principals) = tokio::join!(
            app.connections.describe(&app.configuration.service_ids, by),
            policy.load(by),
            self.read_inventory(by),
            self.principals(by),
        );
        let policy = policy.map_err(|error| self.fault(Fault::PolicyUnavailable, &error)).ok();
        let memory = memory.map_err(|error| self.fault(Fault::InventoryUnavailable, &error)).ok();
        principals.tell(&mut self.run);
        let answer = match described {
            Ok(described) => {
                let now = Timestamp::now();
                self.sweep(Fetched { described, policy, memory, principals, now }, by).await
            }
            Err(error) => {
                self.fault(Fault::ConnectionsUnavailable, &error);
                Answer::default()
            }
        };
        self.finish(answer).await
    }

    /// Decides, acts and writes down.
    async fn sweep(&mut self, fetched: Fetched<'_>, by: Deadline) -> Answer {
        let units = self.units(&fetched, by).await;
        let Fetched { described, policy, memory, principals, now } = fetched;
        let (connections, verdicts) = self.asked_for(&described, policy, &units, now);
        let remembered = memory.is_some() && self.app.inventory.is_some();
        let memory = memory.unwrap_or_default();
        let plan = plan(&Situation {
            connections: &connections,
            verdicts: &verdicts,
            rows: &memory.rows,
            removal: removal(self.app.configuration.removal_grace, remembered),
            max_removals: self.trigger.max_removals.unwrap_or(self.app.configuration.max_removals),
            now,
        });
        let effects = self.effects(policy);
        let settled = match effects {
            Effects::Apply if !plan.stopped => apply(&self.app.connections, &plan.planned, by).await,
            _ => HashMap::new(),
        };
        let outcomes = outcome::outcomes(&plan, effects, &settled);
        let revision = policy.map(|in_force| in_force.policy.revision().as_str());
        self.warn(&plan, effects, remembered);
        let told = Told { mode: self.app.configuration.mode, trigger: &self.trigger, policy_revision: revision };
        outcome::record(&mut self.run, &outcomes, &memory.rows, effects, &told);
        if remembered && !self.trigger.dry_run {
            let rows = outcome::changed_rows(&outcomes, &memory.rows, &described.endpoints(), revision, now);
            let records = AllowList { policy, principals: &principals, units: &units, memory: &memory }.news(now);
            self.write_inventory(&rows, &records, now).await;
        }
        let mut answer = outcome::answer(&outcomes);
        answer.unsuccessful.extend(described.malformed.iter().map(|id| malformed(id)));
        answer
    }

    /// The connections of the services the run is about. All of them are decided together, because a consumer's limit
    /// counts across services.
    fn asked_for(
        &self,
        described: &Described,
        policy: Option<InForce<'_>>,
        units: &Units,
        now: Timestamp,
    ) -> (Vec<Connection>, Vec<Verdict>) {
        let verdicts = verdicts(policy, &described.connections, units, now);
        let pairs = described.connections.iter().cloned().zip(verdicts);
        pairs.filter(|(connection, _)| self.services.contains(&connection.service_id)).unzip()
    }

    /// The organizational units of all whom the run is about, if the policy names one.
    async fn units(&mut self, fetched: &Fetched<'_>, by: Deadline) -> Units {
        let Fetched { described, policy, memory, principals, now } = fetched;
        if !policy.is_some_and(|in_force| in_force.policy.endpoints().names_units()) {
            return Units::default();
        }
        let owners = described.connections.iter().filter(|connection| is_open(connection)).map(|c| c.owner);
        let accounts: BTreeSet<_> = owners.chain(principals.accounts()).collect();
        let mut kept = self.app.memberships.lock().await;
        for (account, membership) in memory.iter().flat_map(|memory| &memory.accounts) {
            if kept.get(account).is_none_or(|known| known.at < membership.at) {
                kept.insert(*account, membership.clone());
            }
        }
        let units = Units::resolve(&self.app.organization, &accounts, std::mem::take(&mut kept), *now, by).await;
        *kept = units.known().clone();
        self.run.add(&metrics::ORGANIZATION_CACHE_AGE, [], units.age(*now).as_secs_f64().round());
        match &units.failure {
            Some(error) if units.unknown == 0 => tracing::warn!(%error, "known organizational units are used on"),
            Some(error) => self.fault(Fault::OrganizationUnavailable, error),
            None => {}
        }
        units
    }

    async fn finish(mut self, answer: Answer) -> Result<Answer, Failure> {
        if !answer.unsuccessful.is_empty() {
            self.faults.insert(Fault::Unsuccessful);
        }
        let Self { app, run, faults, deadline, .. } = self;
        app.telemetry.finish(run, faults, answer, deadline).await
    }

    fn effects(&self, policy: Option<InForce<'_>>) -> Effects {
        if policy.is_some_and(|in_force| in_force.frozen) {
            Effects::Frozen
        } else if self.trigger.dry_run || self.app.configuration.mode == Mode::Audit {
            Effects::Report
        } else {
            Effects::Apply
        }
    }

    fn warn(&mut self, plan: &Plan<'_>, effects: Effects, remembered: bool) {
        if effects == Effects::Frozen {
            tracing::warn!("the freeze switch is on: nothing is accepted, rejected or removed");
        } else if plan.stopped {
            let removals = plan.planned.iter().filter(|planned| planned.step == Step::Remove).count();
            self.fault(Fault::MaxRemovalsExceeded, &format!("{removals} removals were planned"));
        }
        let delisted = plan.planned.iter().filter(|planned| planned.delisted_since.is_some()).count();
        if delisted > 0 && removal(self.app.configuration.removal_grace, remembered) == Removal::Off {
            tracing::warn!(
                delisted,
                "the policy no longer allows accepted connections, but removal is off: without the inventory nobody \
                 remembers since when; set LINKWARD_ENDPOINT_INVENTORY_TABLE, or LINKWARD_REMOVAL_GRACE to 0s"
            );
        }
    }

    /// Without a table there is nothing to remember.
    async fn read_inventory(&self, by: Deadline) -> Result<Memory, CallError> {
        match &self.app.inventory {
            Some(inventory) => inventory.read(&self.services, by).await,
            None => Ok(Memory::default()),
        }
    }

    /// A notification is about one endpoint and may come often; a dry run writes nothing down.
    async fn principals(&self, by: Deadline) -> Principals {
        match self.app.inventory {
            Some(_) if !self.trigger.dry_run && !self.trigger.cause.is_of_one_endpoint() => {
                Principals::describe(&self.app.connections, &self.services, by).await
            }
            _ => Principals::default(),
        }
    }

    async fn write_inventory(&mut self, rows: &[Row], records: &[Record], now: Timestamp) {
        let Some(inventory) = &self.app.inventory else { return };
        if let Err(error) = inventory.write(rows, records, now, self.deadline.leaving(LAST_WORDS)).await {
            self.fault(Fault::InventoryUnavailable, &error);
        }
    }

    fn fault(&mut self, fault: Fault, cause: &dyn Display) {
        tracing::error!(%cause, fault = fault.as_str(), "{fault}");
        self.faults.insert(fault);
    }
}

/// Without a policy everything is held.
fn verdicts(policy: Option<InForce<'_>>, connections: &[Connection], units: &Units, now: Timestamp) -> Vec<Verdict> {
    let above = |account: &AccountId| units.above(account);
    match policy {
        Some(in_force) => endpoint::decide_all(in_force.policy, connections, now, &above),
        None => {
            let held = Verdict { action: Action::Hold, reason: VerdictReason::PolicyUnavailable, consumer: None };
            vec![held; connections.len()]
        }
    }
}

/// Whether a verdict may still change the connection.
fn is_open(connection: &Connection) -> bool {
    use endpoint::ConnectionState::{Deleted, Deleting, Expired, Failed};
    !matches!(connection.state, Deleting | Deleted | Expired | Failed)
}

/// A grace is counted from what the inventory remembers; none needs no memory.
fn removal(grace: Duration, remembered: bool) -> Removal {
    if remembered || grace.is_zero() { Removal::After(grace) } else { Removal::Off }
}

fn malformed(endpoint_id: &str) -> Unsuccessful {
    Unsuccessful { endpoint_id: endpoint_id.to_owned(), code: "malformedConnection".to_owned() }
}
