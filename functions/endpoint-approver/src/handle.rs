use std::collections::{BTreeSet, HashMap};
use std::pin::Pin;
use std::time::Duration;

use aws_config::SdkConfig;
use jiff::Timestamp;
use lambda_runtime::LambdaEvent;
use policy::endpoint::{self, Action, Connection, Verdict, VerdictReason};
use policy::{AccountId, ServiceId};
use serde_json::Value;
use telemetry::{CallError, Deadline, FieldError, Mode, Run, Telemetry, metrics};
use tokio::sync::Mutex;
use tracing::Instrument;

use crate::answer::{Answer, Unsuccessful};
use crate::apply::apply;
use crate::configuration::Configuration;
use crate::connections::{Connections, Described};
use crate::current_policy::{CurrentPolicy, InForce};
use crate::failure::{Failure, Fault};
use crate::inventory::Inventory;
use crate::outcome::{self, Effects, Told};
use crate::plan::{Plan, Removal, Situation, Step, plan};
use crate::row::{Row, Rows};
use crate::trigger::Trigger;

/// The function's name in logs and metrics.
pub const FUNCTION: &str = "endpoint-approver";

/// Of Lambda's time, kept for inventory and telemetry.
const LAST_WORDS: Duration = Duration::from_secs(3);

/// The function: what it is told and whom it talks to. Kept from one invocation to the next.
#[derive(Debug)]
pub struct App {
    configuration: Configuration,
    connections: Connections,
    inventory: Option<Inventory>,
    policy: Mutex<CurrentPolicy>,
    telemetry: Telemetry,
}

impl App {
    /// Makes the clients, and calls nobody yet.
    #[must_use]
    pub fn new(configuration: Configuration, sdk: &SdkConfig) -> Self {
        let table = configuration.inventory_table.clone();
        Self {
            connections: Connections::new(aws_sdk_ec2::Client::new(sdk)),
            inventory: table.map(|table| Inventory::new(aws_sdk_dynamodb::Client::new(sdk), table)),
            policy: Mutex::new(CurrentPolicy::new(configuration.policy_source.clone(), sdk.clone())),
            telemetry: Telemetry::new(sdk, configuration.event_bus.clone()),
            configuration,
        }
    }
}

/// One invocation.
///
/// # Errors
/// The event is foreign or malformed, or the run could not do all it should.
pub async fn handle(app: &App, event: LambdaEvent<Value>) -> Result<Answer, Failure> {
    let trigger = Trigger::try_from(&event.payload)?;
    let services = services(app, &trigger)?;
    let run = Run::new(FUNCTION, event.context.request_id);
    let deadline = Deadline::at_epoch_millis(event.context.deadline, Timestamp::now());
    let span = run.span();
    let sweep = Sweep { app, trigger, services, run, deadline, faults: BTreeSet::new() };
    // Erased: nested in the runtime's own, the type of this future is too deep for the compiler.
    let work: Pin<Box<dyn Future<Output = _>>> = Box::pin(sweep.run());
    work.instrument(span).await
}

fn services(app: &App, trigger: &Trigger) -> Result<Vec<ServiceId>, FieldError> {
    let ours = &app.configuration.service_ids;
    let Some(asked) = &trigger.service_ids else { return Ok(ours.clone()) };
    match asked.iter().position(|service| !ours.contains(service)) {
        None => Ok(asked.clone()),
        Some(i) => {
            let ours: Vec<_> = ours.iter().map(ServiceId::as_str).collect();
            let problem = format!("is not among LINKWARD_SERVICE_IDS; those are `{}`", ours.join("`, `"));
            Err(FieldError { field: format!("detail.serviceIds[{i}]"), problem })
        }
    }
}

/// One run, once its event is understood.
struct Sweep<'a> {
    app: &'a App,
    trigger: Trigger,
    services: Vec<ServiceId>,
    run: Run,
    deadline: Deadline,
    faults: BTreeSet<Fault>,
}

impl Sweep<'_> {
    async fn run(mut self) -> Result<Answer, Failure> {
        let app = self.app;
        let by = self.deadline.leaving(LAST_WORDS);
        let mut policy = app.policy.lock().await;
        let (described, policy, rows) = tokio::join!(
            app.connections.describe(&app.configuration.service_ids, by),
            policy.load(by),
            self.read_inventory(by)
        );
        let policy = policy.map_err(|error| self.fault(Fault::PolicyUnavailable, &error)).ok();
        let rows = rows.map_err(|error| self.fault(Fault::InventoryUnavailable, &error)).ok();
        let answer = match described {
            Ok(described) => self.sweep(&described, policy, rows, by).await,
            Err(error) => {
                self.fault(Fault::ConnectionsUnavailable, &error);
                Answer::default()
            }
        };
        self.finish(answer).await
    }

    /// Decides, acts and writes down. `rows` is none when the inventory could not be read.
    async fn sweep(
        &mut self,
        described: &Described,
        policy: Option<InForce<'_>>,
        rows: Option<Rows>,
        by: Deadline,
    ) -> Answer {
        let now = Timestamp::now();
        let (connections, verdicts) = self.asked_for(described, policy, now);
        let remembered = rows.is_some() && self.app.inventory.is_some();
        let known = rows.unwrap_or_default();
        let plan = plan(&Situation {
            connections: &connections,
            verdicts: &verdicts,
            rows: &known,
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
        outcome::record(&mut self.run, &outcomes, &known, effects, &told);
        if remembered && !self.trigger.dry_run {
            let rows = outcome::changed_rows(&outcomes, &known, &described.endpoints(), revision, now);
            self.write_inventory(&rows, now).await;
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
        now: Timestamp,
    ) -> (Vec<Connection>, Vec<Verdict>) {
        let verdicts = verdicts(policy, &described.connections, now);
        let pairs = described.connections.iter().cloned().zip(verdicts);
        pairs.filter(|(connection, _)| self.services.contains(&connection.service_id)).unzip()
    }

    async fn finish(mut self, answer: Answer) -> Result<Answer, Failure> {
        if !answer.unsuccessful.is_empty() {
            self.faults.insert(Fault::Unsuccessful);
        }
        for fault in &self.faults {
            self.run.count(&metrics::RUN_ERRORS, [fault.as_str()]);
        }
        if let Err(error) = self.app.telemetry.publish(self.run, self.deadline).await {
            tracing::error!(%error, "audit events are lost");
            self.faults.insert(Fault::AuditIncomplete);
        }
        match self.faults.first() {
            None => Ok(answer),
            Some(fault) => Err(Failure::Run { fault: *fault, answer: Box::new(answer) }),
        }
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
    async fn read_inventory(&self, by: Deadline) -> Result<Rows, CallError> {
        match &self.app.inventory {
            Some(inventory) => inventory.read(&self.services, by).await,
            None => Ok(Rows::new()),
        }
    }

    async fn write_inventory(&mut self, rows: &[Row], now: Timestamp) {
        let Some(inventory) = &self.app.inventory else { return };
        if let Err(error) = inventory.write(rows, now, self.deadline.leaving(LAST_WORDS)).await {
            self.fault(Fault::InventoryUnavailable, &error);
        }
    }

    fn fault(&mut self, fault: Fault, cause: &dyn std::fmt::Display) {
        tracing::error!(%cause, fault = fault.as_str(), "{fault}");
        self.faults.insert(fault);
    }
}

/// Without a policy everything is held.
fn verdicts(policy: Option<InForce<'_>>, connections: &[Connection], now: Timestamp) -> Vec<Verdict> {
    // Organizational units are not known here: an entry that names one admits nobody.
    let units = |_: &AccountId| Vec::new();
    match policy {
        Some(in_force) => endpoint::decide_all(in_force.policy, connections, now, &units),
        None => {
            let held = Verdict { action: Action::Hold, reason: VerdictReason::PolicyUnavailable, consumer: None };
            vec![held; connections.len()]
        }
    }
}

/// A grace is counted from what the inventory remembers; none needs no memory.
fn removal(grace: Duration, remembered: bool) -> Removal {
    if remembered || grace.is_zero() { Removal::After(grace) } else { Removal::Off }
}

fn malformed(endpoint_id: &str) -> Unsuccessful {
    Unsuccessful { endpoint_id: endpoint_id.to_owned(), code: "malformedConnection".to_owned() }
}
