use std::pin::Pin;
use std::time::Duration;

use aws_config::SdkConfig;
use jiff::Timestamp;
use lambda_runtime::LambdaEvent;
use policy::SpiffeId;
use serde_json::Value;
use telemetry::{Context, Deadline, Mode, Run, Telemetry, metrics};
use tracing::Instrument;

use crate::answer::{Answer, Outcome};
use crate::authority::Authority;
use crate::bucket::Bucket;
use crate::configuration::Configuration;
use crate::document::{Complete, Stored};
use crate::failure::Failure;
use crate::inventory::Inventory;
use crate::issuance::Issuance;
use crate::purpose::Purpose;
use crate::request::{Request, Step, VersionId};
use crate::secret::{CURRENT, DRAFT, Description, PENDING, Secrets};
use crate::trust_domain::CurrentTrustDomain;

/// The function's name in logs and metrics.
pub const FUNCTION: &str = "certificate-rotator";

/// A label that somebody else moves at the same time is looked for again.
const PASSES: usize = 4;

/// Of Lambda's time, kept for telemetry.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// The function: what it is told and whom it talks to. Kept from one invocation to the next.
#[derive(Debug)]
pub struct App {
    pub(crate) configuration: Configuration,
    pub(crate) trust_domain: CurrentTrustDomain,
    pub(crate) secrets: Secrets,
    pub(crate) authority: Authority,
    pub(crate) bucket: Bucket,
    pub(crate) inventory: Option<Inventory>,
    telemetry: Telemetry,
}

impl App {
    /// Makes the clients, and calls nobody yet.
    #[must_use]
    pub fn new(configuration: Configuration, sdk: &SdkConfig) -> Self {
        let table = configuration.certificate_inventory_table.clone();
        Self {
            trust_domain: CurrentTrustDomain::new(configuration.trust_domain.clone(), sdk.clone()),
            secrets: Secrets::new(aws_sdk_secretsmanager::Client::new(sdk)),
            authority: Authority::new(aws_sdk_acmpca::Client::new(sdk)),
            bucket: Bucket::new(),
            inventory: table.map(|table| Inventory::new(aws_sdk_dynamodb::Client::new(sdk), table)),
            telemetry: Telemetry::new(sdk, configuration.event_bus.clone()),
            configuration,
        }
    }
}

/// One invocation: one step of a rotation, or an event of the authority.
///
/// # Errors
/// The event is malformed, or the step could not be done. Whatever was done by then is not done again.
pub async fn handle(app: &App, event: LambdaEvent<Value>) -> Result<Answer, Failure> {
    let trace = Context::of(&event.payload, event.context.xray_trace_id.as_deref());
    let deadline = Deadline::at_epoch_millis(event.context.deadline, Timestamp::now());
    let run = Run::new(FUNCTION, event.context.request_id).within(trace);
    let span = run.span();
    // Erased: nested in the runtime's own, the type of this future is too deep for the compiler.
    let work: Pin<Box<dyn Future<Output = _>>> = match event.payload.get("detail-type") {
        None => {
            let request = Request::try_from(&event.payload)?;
            Box::pin(async move {
                Job { app, request: &request, by: deadline.leaving(LAST_WORDS), run }.run(deadline).await
            })
        }
        Some(_) => {
            let issuance = Issuance::try_from(&event.payload)?;
            Box::pin(async move { seen(app, &issuance, run, deadline).await })
        }
    };
    work.instrument(span).await
}

async fn seen(app: &App, issuance: &Issuance, mut run: Run, deadline: Deadline) -> Result<Answer, Failure> {
    let outcome = app.see(issuance, &mut run, deadline.leaving(LAST_WORDS)).await;
    match &outcome {
        Ok(answer) => tracing::info!(?issuance, ?answer, "seen"),
        Err(failure) => {
            run.count(&metrics::RUN_ERRORS, [failure.as_str()]);
            tracing::error!(?issuance, fault = failure.as_str(), cause = %failure, "failed");
        }
    }
    publish(app, run, deadline, outcome).await
}

async fn publish(app: &App, run: Run, deadline: Deadline, outcome: Result<Answer, Failure>) -> Result<Answer, Failure> {
    let told = app.telemetry.publish(run, deadline).await;
    if let Err(error) = &told {
        tracing::error!(%error, "audit events are lost");
    }
    let answer = outcome?;
    told?;
    Ok(answer)
}

/// One step, once its event is understood.
pub(crate) struct Job<'a> {
    pub(crate) app: &'a App,
    pub(crate) request: &'a Request,
    pub(crate) by: Deadline,
    pub(crate) run: Run,
}

impl Job<'_> {
    async fn run(mut self, deadline: Deadline) -> Result<Answer, Failure> {
        let outcome = self.step().await;
        let Request { step, secret_id, version_id, .. } = self.request;
        match &outcome {
            Ok(answer) => tracing::info!(step = step.as_str(), %version_id, ?answer, "done"),
            Err(failure) => {
                self.run.count(&metrics::RUN_ERRORS, [failure.as_str()]);
                let fault = failure.as_str();
                tracing::error!(step = step.as_str(), secretId = secret_id, %version_id, fault, cause = %failure, "failed");
            }
        }
        publish(self.app, self.run, deadline, outcome).await
    }

    async fn step(&mut self) -> Result<Answer, Failure> {
        let secret = self.app.secrets.describe(&self.request.secret_id, self.by).await?;
        match self.request.step {
            Step::CreateSecret => self.create(&secret).await,
            Step::SetSecret => {
                let (_, complete) = self.pending(&secret).await?;
                Ok(self.answer(&secret, Outcome::NothingToSet, Some(&complete)))
            }
            Step::TestSecret => self.test(&secret).await,
            Step::FinishSecret => self.finish(&secret).await,
        }
    }

    pub(crate) fn enforces(&self) -> bool {
        self.app.configuration.mode == Mode::Enforce
    }

    pub(crate) fn answer(&self, secret: &Description, outcome: Outcome, complete: Option<&Complete>) -> Answer {
        let identity: Option<SpiffeId> = complete.and_then(|complete| complete.purpose.identity.clone());
        Answer {
            step: self.request.step.as_str(),
            secret_id: Some(secret.arn.clone()),
            outcome,
            kind: complete.map(|complete| complete.purpose.kind),
            identity,
            serial_number: complete.map(|complete| complete.serial_number.clone()),
            not_after: complete.map(|complete| complete.not_after),
        }
    }

    /// What a version holds, if there is anything in it.
    pub(crate) async fn stored(&self, secret: &Description, version_id: &str) -> Result<Option<Stored>, Failure> {
        let value = self.app.secrets.value(&secret.arn, version_id, self.by).await?;
        let foreign = |cause| Failure::Foreign { version_id: version_id.to_owned(), cause };
        value.map(|value| Stored::read(&value)).transpose().map_err(foreign)
    }

    /// The whole certificate of this rotation, and the version that holds it. After a crash Secrets Manager may go on with
    /// the draft's id, for the draft has `AWSPENDING`; the draft says which version followed it.
    pub(crate) async fn pending(&self, secret: &Description) -> Result<(VersionId, Complete), Failure> {
        let mut version_id = self.request.version_id.clone();
        let mut stored = self.stored(secret, version_id.as_str()).await?;
        if let Some(Stored::Draft(draft)) = &stored {
            let foreign = |cause| Failure::Foreign { version_id: self.request.version_id.to_string(), cause };
            version_id = draft.rotation().map_err(foreign)?;
            stored = self.stored(secret, version_id.as_str()).await?;
        }
        match stored {
            Some(Stored::Complete(_)) if !secret.is_in_play(version_id.as_str()) => {
                Err(Failure::Ended(version_id.to_string()))
            }
            Some(Stored::Complete(complete)) => Ok((version_id, *complete)),
            _ => Err(Failure::NotPending(self.request.version_id.to_string())),
        }
    }

    /// Whom a certificate of this secret is for.
    pub(crate) async fn purpose(&self, secret: &Description) -> Result<Purpose, Failure> {
        let current = match secret.with(CURRENT).next() {
            Some(version_id) => self.app.secrets.value(&secret.arn, version_id, self.by).await?,
            None => None,
        };
        let trust_domain = self.app.trust_domain.now(self.by).await?;
        Ok(Purpose::of(current.as_deref(), &secret.tags, &trust_domain)?)
    }

    /// Whether it is this rotation that has `AWSPENDING`: its whole or, after a crash, its draft. If it is not, the labels
    /// are those of a later one.
    pub(crate) fn is_under_way(&self, secret: &Description, target: &VersionId) -> bool {
        [target, &self.request.version_id].iter().any(|version_id| secret.has(version_id.as_str(), PENDING))
    }

    /// Takes what only a rotation under way needs away from these versions. Without labels Secrets Manager forgets a
    /// version. `AWSPENDING` goes last: after a crash in between it shows that there is more to take.
    pub(crate) async fn clean(&self, these: impl Fn(&str) -> bool) -> Result<(), Failure> {
        for _ in 0..PASSES {
            let secret = self.app.secrets.describe(&self.request.secret_id, self.by).await?;
            let mut all = true;
            for label in [DRAFT, PENDING] {
                for version_id in secret.with(label).filter(|version_id| these(version_id)) {
                    all &= self.app.secrets.remove_label(&secret.arn, label, version_id, self.by).await?;
                }
            }
            if all {
                break;
            }
        }
        Ok(())
    }
}
