use std::pin::Pin;

use aws_config::SdkConfig;
use jiff::Timestamp;
use lambda_runtime::LambdaEvent;
use policy::ServiceId;
use policy_source::SourceUri;
use serde_json::Value;
use telemetry::{Context, Deadline, FieldError, Run, Telemetry};
use tokio::sync::Mutex;
use tracing::Instrument;

use crate::answer::Answer;
use crate::configuration::Configuration;
use crate::connections::Connections;
use crate::current_policy::CurrentPolicy;
use crate::failure::Failure;
use crate::inventory::Inventory;
use crate::organization::Organization;
use crate::sweep::Sweep;
use crate::trigger::Trigger;
use crate::units::Memberships;

/// The function's name in logs and metrics.
pub const FUNCTION: &str = "endpoint-approver";

/// The function: what it is told and whom it talks to. Kept from one invocation to the next.
#[derive(Debug)]
pub struct App {
    pub(crate) configuration: Configuration,
    pub(crate) connections: Connections,
    pub(crate) organization: Organization,
    /// What Organizations said in earlier invocations of this process.
    pub(crate) memberships: Mutex<Memberships>,
    pub(crate) inventory: Option<Inventory>,
    pub(crate) policy: Mutex<CurrentPolicy>,
    pub(crate) telemetry: Telemetry,
}

impl App {
    /// Makes the clients, and calls nobody yet.
    #[must_use]
    pub fn new(configuration: Configuration, sdk: &SdkConfig) -> Self {
        let table = configuration.inventory_table.clone();
        Self {
            connections: Connections::new(aws_sdk_ec2::Client::new(sdk)),
            organization: Organization::new(aws_sdk_organizations::Client::new(sdk)),
            memberships: Mutex::default(),
            inventory: table.map(|table| Inventory::new(aws_sdk_dynamodb::Client::new(sdk), table)),
            policy: Mutex::new(CurrentPolicy::new(
                configuration.policy_source.clone(),
                configuration.policy_verification_key.clone(),
                configuration.freeze_table.clone().map(SourceUri::DynamoDb),
                sdk.clone(),
            )),
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
    let trace = Context::of(&event.payload, event.context.xray_trace_id.as_deref());
    let trigger = Trigger::try_from(&event.payload)?;
    let services = services(app, &trigger)?;
    let run = Run::new(FUNCTION, event.context.request_id).within(trace);
    let deadline = Deadline::at_epoch_millis(event.context.deadline, Timestamp::now());
    let span = run.span();
    let sweep = Sweep::new(app, trigger, services, run, deadline);
    // Erased: nested in the runtime's own, the type of this future is too deep for the compiler.
    let work: Pin<Box<dyn Future<Output = _>>> = Box::pin(sweep.run());
    work.instrument(span).await
}

fn services(app: &App, trigger: &Trigger) -> Result<Vec<ServiceId>, FieldError> {
    let ours = &app.configuration.service_ids;
    let Some(asked) = &trigger.service_ids else { return Ok(ours.clone()) };
    match asked.iter().position(|service| !ours.contains(service)) {
        // Each once, however often it was asked for.
        None => Ok(ours.iter().filter(|service| asked.contains(service)).cloned().collect()),
        Some(i) => {
            let ours: Vec<_> = ours.iter().map(ServiceId::as_str).collect();
            let problem = format!("is not among LINKWARD_SERVICE_IDS; those are `{}`", ours.join("`, `"));
            Err(FieldError { field: format!("detail.serviceIds[{i}]"), problem })
        }
    }
}
