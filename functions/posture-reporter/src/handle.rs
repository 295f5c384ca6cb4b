use std::collections::BTreeSet;
use std::fmt::Display;
use std::pin::Pin;
use std::time::Duration;

use aws_config::SdkConfig;
use jiff::Timestamp;
use lambda_runtime::LambdaEvent;
use serde_json::Value;
use telemetry::{Context, Deadline, Fault as _, Run, Telemetry, metrics};
use tokio::sync::Mutex;
use tracing::Instrument;

use crate::answer::Answer;
use crate::configuration::Configuration;
use crate::crls::Crl;
use crate::failure::{Failure, Fault};
use crate::table::{Item, Table, seconds};
use crate::trigger::Trigger;
use crate::{certificates, changes, deny_list, endpoints};

/// The function's name in logs and metrics.
pub const FUNCTION: &str = "posture-reporter";

/// Of Lambda's time, kept for telemetry.
const LAST_WORDS: Duration = Duration::from_secs(3);

/// The function: what it is told and whom it talks to. Kept from one invocation to the next.
#[derive(Debug)]
pub struct App {
    configuration: Configuration,
    sdk: SdkConfig,
    tables: Vec<Measured>,
    crls: Mutex<Vec<Crl>>,
    telemetry: Telemetry,
}

/// A table, and what it is measured for.
#[derive(Debug)]
struct Measured {
    name: &'static str,
    table: Table,
    attributes: &'static [&'static str],
    measure: Measure,
}

/// Publishes what the items say.
type Measure = fn(&mut Run, &[Item], Timestamp);

impl App {
    /// Makes the clients, and calls nobody yet.
    #[must_use]
    pub fn new(configuration: Configuration, sdk: &SdkConfig) -> Self {
        let client = aws_sdk_dynamodb::Client::new(sdk);
        let measured = |name, table: &Option<String>, attributes, measure: Measure| {
            let table = Table::new(client.clone(), table.clone()?);
            Some(Measured { name, table, attributes, measure })
        };
        let tables = [
            measured("endpoints", &configuration.endpoint_inventory_table, endpoints::ATTRIBUTES, endpoints::measure),
            measured(
                "certificates",
                &configuration.certificate_inventory_table,
                certificates::ATTRIBUTES,
                certificates::measure,
            ),
            measured("denyList", &configuration.deny_list_table, deny_list::ATTRIBUTES, deny_list::measure),
        ];
        Self {
            tables: tables.into_iter().flatten().collect(),
            crls: Mutex::new(configuration.crl_locations.0.iter().cloned().map(Crl::new).collect()),
            telemetry: Telemetry::new(sdk, configuration.event_bus.clone()),
            sdk: sdk.clone(),
            configuration,
        }
    }
}

/// One invocation.
///
/// # Errors
/// The event is foreign or malformed, or the run could not measure all it should.
pub async fn handle(app: &App, event: LambdaEvent<Value>) -> Result<Answer, Failure> {
    let trace = Context::of(&event.payload, event.context.xray_trace_id.as_deref());
    let trigger = Trigger::try_from(&event.payload)?;
    let run = Run::new(FUNCTION, event.context.request_id).within(trace);
    let deadline = Deadline::at_epoch_millis(event.context.deadline, Timestamp::now());
    let span = run.span();
    let report = Report { app, run, deadline, answer: Answer::default(), faults: BTreeSet::new() };
    // Erased: nested in the runtime's own, the type of this future is too deep for the compiler.
    let work: Pin<Box<dyn Future<Output = _>>> = Box::pin(report.run(trigger));
    work.instrument(span).await
}

/// One run, once its event is understood.
struct Report<'a> {
    app: &'a App,
    run: Run,
    deadline: Deadline,
    answer: Answer,
    faults: BTreeSet<Fault>,
}

impl Report<'_> {
    async fn run(mut self, trigger: Trigger) -> Result<Answer, Failure> {
        if trigger == Trigger::Schedule {
            let by = self.deadline.leaving(LAST_WORDS);
            let now = Timestamp::now();
            self.measure_tables(now, by).await;
            self.measure_crls(now, by).await;
        }
        let policy_source = self.app.configuration.policy_source.as_ref();
        changes::count(&mut self.run, &trigger, policy_source, &mut self.answer);
        self.finish().await
    }

    async fn measure_tables(&mut self, now: Timestamp, by: Deadline) {
        let app = self.app;
        for Measured { name, table, attributes, measure } in &app.tables {
            match table.items(attributes, by).await {
                Ok(items) => {
                    measure(&mut self.run, &items, now);
                    self.answer.measured.push(name);
                }
                Err(error) => self.unavailable(Fault::TableUnavailable, (*name).to_owned(), &error),
            }
        }
    }

    /// The one with the least time left is what counts.
    async fn measure_crls(&mut self, now: Timestamp, by: Deadline) {
        let app = self.app;
        let mut crls = app.crls.lock().await;
        let mut least: Option<f64> = None;
        for crl in crls.iter_mut() {
            match crl.next_update(&app.sdk, by).await {
                Ok(next_update) => {
                    let left = seconds(now, next_update);
                    least = Some(least.map_or(left, |least| least.min(left)));
                }
                Err(error) => self.unavailable(Fault::CrlUnavailable, crl.location(), &error),
            }
        }
        if let Some(least) = least {
            self.run.add(&metrics::CRL_SECONDS_TO_NEXT_UPDATE, [], least);
            self.answer.measured.push("crls");
        }
    }

    async fn finish(self) -> Result<Answer, Failure> {
        let Self { app, run, faults, answer, deadline } = self;
        app.telemetry.finish(run, faults, answer, deadline).await
    }

    fn unavailable(&mut self, fault: Fault, what: String, cause: &dyn Display) {
        tracing::error!(%cause, what, fault = fault.as_str(), "{fault}");
        self.answer.unavailable.push(what);
        self.faults.insert(fault);
    }
}
