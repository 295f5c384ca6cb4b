//! What wakes the function. An event says *look*, never *accept*: nothing but the wake-up is taken from it, except
//! from an operator's.

use policy::ServiceId;
use serde_json::Value;
use telemetry::{Envelope, FieldError, Fields};

const SWEEP_REQUESTED: (&str, &str) = ("linkward.operator", "Endpoint Sweep Requested");
const RULE: (&str, &str) = ("aws.events", "Scheduled Event");
const SCHEDULER: (&str, &str) = ("aws.scheduler", "Scheduled Event");
const CLOUD_TRAIL: (&str, &str) = ("aws.ec2", "AWS API Call via CloudTrail");
const POLICY_DEPLOYED: (&str, &str) = ("aws.appconfig", "On Deployment Complete");
const KNOWN: &[(&str, &str)] = &[SWEEP_REQUESTED, RULE, SCHEDULER, CLOUD_TRAIL, POLICY_DEPLOYED];

/// More than any operator wants removed in one run.
pub(crate) const MOST_REMOVALS: u32 = 100_000;

/// A reason to look at the connections.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trigger {
    /// What happened.
    pub cause: Cause,
    /// Who asked; a claim.
    pub requested_by: Option<String>,
    /// Only these services; default: all we manage.
    pub service_ids: Option<Vec<ServiceId>>,
    /// Say what would be done, do nothing, write nothing.
    pub dry_run: bool,
    /// For this run instead of the configured cap.
    pub max_removals: Option<usize>,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// PrivateLink told us through SNS.
    ConnectionNotification,
    /// It is time.
    Schedule,
    /// An operator asked.
    SweepRequested,
    /// A consumer created an endpoint, and CloudTrail told us.
    EndpointCreated,
    /// AppConfig has deployed something.
    PolicyDeployed,
}

impl Cause {
    /// Whether it is about one endpoint, and so may come often.
    #[must_use]
    pub fn is_of_one_endpoint(self) -> bool {
        matches!(self, Self::ConnectionNotification | Self::EndpointCreated)
    }

    /// The word of audit events and logs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ConnectionNotification => "connectionNotification",
            Self::Schedule => "schedule",
            Self::SweepRequested => "sweepRequested",
            Self::EndpointCreated => "endpointCreated",
            Self::PolicyDeployed => "policyDeployed",
        }
    }
}

impl From<Cause> for Trigger {
    fn from(cause: Cause) -> Self {
        Self { cause, requested_by: None, service_ids: None, dry_run: false, max_removals: None }
    }
}

impl TryFrom<&Value> for Trigger {
    type Error = FieldError;

    fn try_from(event: &Value) -> Result<Self, FieldError> {
        if event.get("Records").is_some() {
            return notification(&Fields::of(event)?);
        }
        let envelope = Envelope::of(event)?;
        match (envelope.source, envelope.detail_type) {
            SWEEP_REQUESTED => sweep_requested(&envelope.detail()?),
            RULE | SCHEDULER => Ok(Cause::Schedule.into()),
            CLOUD_TRAIL => endpoint_created(&envelope.detail()?),
            POLICY_DEPLOYED => Ok(Cause::PolicyDeployed.into()),
            _ => Err(envelope.foreign(KNOWN)),
        }
    }
}

/// The message is undocumented and not read.
fn notification(event: &Fields<'_>) -> Result<Trigger, FieldError> {
    for record in event.objects("Records")? {
        expect(&record, "EventSource", "aws:sns")?;
        record.object("Sns")?.text("TopicArn")?;
    }
    Ok(Cause::ConnectionNotification.into())
}

fn endpoint_created(detail: &Fields<'_>) -> Result<Trigger, FieldError> {
    expect(detail, "eventSource", "ec2.amazonaws.com")?;
    expect(detail, "eventName", "CreateVpcEndpoint")?;
    Ok(Cause::EndpointCreated.into())
}

fn expect(fields: &Fields<'_>, name: &str, wanted: &str) -> Result<(), FieldError> {
    match fields.text(name)? {
        value if value == wanted => Ok(()),
        other => Err(fields.error(name, format!("is `{other}`, this function listens to `{wanted}`"))),
    }
}

fn sweep_requested(detail: &Fields<'_>) -> Result<Trigger, FieldError> {
    detail.only(&["requestedBy", "serviceIds", "dryRun", "maxRemovals"])?;
    let max_removals = detail.count("maxRemovals", MOST_REMOVALS.into())?;
    Ok(Trigger {
        requested_by: Some(detail.claim("requestedBy")?.to_owned()),
        service_ids: detail.list("serviceIds")?,
        dry_run: detail.flag("dryRun")?.unwrap_or(false),
        max_removals: max_removals.and_then(|count| usize::try_from(count).ok()),
        ..Cause::SweepRequested.into()
    })
}
