//! What wakes the function: its schedule, or something that changed.

use serde_json::Value;
use telemetry::{Envelope, FieldError, Fields};

const RULE: (&str, &str) = ("aws.events", "Scheduled Event");
const SCHEDULER: (&str, &str) = ("aws.scheduler", "Scheduled Event");
const POLICY_DEPLOYED: (&str, &str) = ("aws.appconfig", "On Deployment Complete");
const AUTHORITY: &str = "aws.acm-pca";
const OURS: &str = "linkward";

/// What AWS Private CA tells, and our word for it.
const AUTHORITY_CHANGES: &[(&str, &str)] = &[
    ("ACM Private CA Creation", "authorityCreated"),
    ("ACM Private CA Certificate Issuance", "authorityIssuedCertificate"),
    ("ACM Private CA Certificate Revocation", "authorityRevokedCertificate"),
    ("ACM Private CA CRL Generation", "authorityGeneratedCrl"),
    ("ACM Private CA Audit Report Generation", "authorityGeneratedAuditReport"),
];
/// What our functions and tools tell, and the word for it.
const OUR_CHANGES: &[(&str, &str)] = &[
    ("Endpoint Accepted", "endpointAccepted"),
    ("Endpoint Rejected", "endpointRejected"),
    ("Endpoint Held", "endpointHeld"),
    ("Certificate Revoked", "certificateRevoked"),
    ("Certificate Rotated", "certificateRotated"),
    ("Policy Changed", "policyChanged"),
];

/// A reason to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// It is time to measure.
    Schedule,
    /// A certificate authority did something, or failed to.
    Authority {
        /// What, in the word of the metric.
        change: &'static str,
        /// Whether it failed.
        failed: bool,
    },
    /// AppConfig has deployed something.
    Deployed(Deployment),
    /// One of our own events.
    Told {
        /// What, in the word of the metric.
        change: &'static str,
        /// Whether it happened, and not only would have.
        happened: bool,
    },
}

/// What AppConfig has deployed; of each the id and, if it says so, the name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deployment {
    /// The id of the event, the same when it comes again.
    pub event_id: String,
    /// The application.
    pub application: Vec<String>,
    /// The environment.
    pub environment: Vec<String>,
    /// The configuration profile.
    pub profile: Vec<String>,
    /// AppConfig's version of the configuration.
    pub version: String,
    /// AppConfig's number of the deployment.
    pub number: Option<u64>,
}

impl TryFrom<&Value> for Trigger {
    type Error = FieldError;

    fn try_from(event: &Value) -> Result<Self, FieldError> {
        let envelope = Envelope::of(event)?;
        match (envelope.source, envelope.detail_type) {
            RULE | SCHEDULER => Ok(Self::Schedule),
            POLICY_DEPLOYED => deployed(&envelope).map(Self::Deployed),
            (AUTHORITY, kind) => match word(AUTHORITY_CHANGES, kind) {
                Some(change) => authority(change, &envelope),
                None => Err(foreign(&envelope)),
            },
            (OURS, kind) => match word(OUR_CHANGES, kind) {
                Some(change) => told(change, &envelope.detail()?),
                None => Err(foreign(&envelope)),
            },
            _ => Err(foreign(&envelope)),
        }
    }
}

fn word(words: &[(&str, &'static str)], kind: &str) -> Option<&'static str> {
    words.iter().find(|(known, _)| *known == kind).map(|(_, word)| *word)
}

fn foreign(envelope: &Envelope<'_>) -> FieldError {
    let all =
        |source, words: &[(&'static str, &str)]| words.iter().map(|(kind, _)| (source, *kind)).collect::<Vec<_>>();
    let known = [vec![RULE, SCHEDULER, POLICY_DEPLOYED], all(AUTHORITY, AUTHORITY_CHANGES), all(OURS, OUR_CHANGES)];
    envelope.foreign(&known.concat())
}

fn authority(change: &'static str, envelope: &Envelope<'_>) -> Result<Trigger, FieldError> {
    if envelope.fields.list::<String>("resources")?.is_none() {
        return Err(envelope.fields.error("resources", "is missing"));
    }
    let detail = envelope.detail()?;
    match detail.optional_text("result")? {
        None | Some("success") => Ok(Trigger::Authority { change, failed: false }),
        Some("failure") => Ok(Trigger::Authority { change, failed: true }),
        Some(other) => Err(detail.error("result", format!("is `{other}`, it must be `success` or `failure`"))),
    }
}

fn told(change: &'static str, detail: &Fields<'_>) -> Result<Trigger, FieldError> {
    detail.text("runId")?;
    // What has no mode always takes effect.
    Ok(Trigger::Told { change, happened: detail.optional_text("mode")? != Some("audit") })
}

fn deployed(envelope: &Envelope<'_>) -> Result<Deployment, FieldError> {
    let detail = envelope.detail()?;
    let names = |field: &str| -> Result<Vec<String>, FieldError> {
        let object = detail.object(field)?;
        let name = object.optional_text("Name")?;
        Ok([Some(object.text("Id")?), name].into_iter().flatten().map(str::to_owned).collect())
    };
    Ok(Deployment {
        event_id: envelope.fields.text("id")?.to_owned(),
        application: names("Application")?,
        environment: names("Environment")?,
        profile: names("ConfigurationProfile")?,
        version: detail.text("ConfigurationVersion")?.to_owned(),
        number: detail.count("DeploymentNumber", u64::from(u32::MAX))?,
    })
}
