use std::collections::BTreeSet;
use std::fmt::Display;
use std::pin::Pin;
use std::time::Duration;

use aws_config::SdkConfig;
use jiff::Timestamp;
use lambda_runtime::LambdaEvent;
use policy::deny_list::Subject;
use serde_json::Value;
use telemetry::{Context, Deadline, Fault as _, FieldError, Mode, Run, Telemetry, metrics};
use tracing::Instrument;

use crate::answer::Answer;
use crate::authority::Authority;
use crate::certificates::CertificateInventory;
use crate::configuration::Configuration;
use crate::deny_list::{DenyListTable, entry_of};
use crate::failure::{Failure, Fault};
use crate::request::{Request, Revocation, Withdrawal};

/// The function's name in logs and metrics.
pub const FUNCTION: &str = "certificate-revoker";

/// Of Lambda's time, kept for telemetry.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// The function: what it is told and whom it talks to. Kept from one invocation to the next.
#[derive(Debug)]
pub struct App {
    pub(crate) configuration: Configuration,
    pub(crate) deny_list: Option<DenyListTable>,
    pub(crate) certificates: Option<CertificateInventory>,
    pub(crate) authority: Authority,
    telemetry: Telemetry,
}

impl App {
    /// Makes the clients, and calls nobody yet.
    #[must_use]
    pub fn new(configuration: Configuration, sdk: &SdkConfig) -> Self {
        let dynamodb = aws_sdk_dynamodb::Client::new(sdk);
        let certificates = configuration.certificate_inventory_table.clone();
        Self {
            deny_list: configuration.deny_list_table.clone().map(|table| DenyListTable::new(dynamodb.clone(), table)),
            certificates: certificates.map(|table| CertificateInventory::new(dynamodb, table)),
            authority: Authority::new(aws_sdk_acmpca::Client::new(sdk), &configuration.certificate_authorities),
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
    let request = Request::try_from(&event.payload)?;
    check(app, &request)?;
    let deadline = Deadline::at_epoch_millis(event.context.deadline, Timestamp::now());
    let job = Job {
        app,
        by: deadline.leaving(LAST_WORDS),
        run: Run::new(FUNCTION, event.context.request_id).within(trace),
        answer: Answer::default(),
        faults: BTreeSet::new(),
    };
    let span = job.run.span();
    // Erased: nested in the runtime's own, the type of this future is too deep for the compiler.
    let work: Pin<Box<dyn Future<Output = _>>> = Box::pin(job.run(request, deadline));
    work.instrument(span).await
}

/// What only the configuration can say of a request.
fn check(app: &App, request: &Request) -> Result<(), FieldError> {
    let error = |field: &str, problem: String| Err(FieldError { field: format!("detail.{field}"), problem });
    let subject = match request {
        Request::Revoke(Revocation { certificate_authority, subject, .. }) => {
            let ours = &app.configuration.certificate_authorities;
            if !ours.contains(certificate_authority) {
                let problem =
                    format!("is `{certificate_authority}`, which is not among LINKWARD_CERTIFICATE_AUTHORITY_ARNS");
                return error("certificateAuthorityArn", problem);
            }
            subject
        }
        Request::Withdraw(Withdrawal { subject, .. }) => subject,
    };
    let field = match subject {
        Subject::SerialNumber(_) if matches!(request, Request::Revoke(_)) => return Ok(()),
        Subject::SerialNumber(_) => "serialNumber",
        Subject::Identity(_) => "identity",
        Subject::Account(_) => "account",
    };
    match &app.deny_list {
        Some(_) => Ok(()),
        None => error(field, "needs the deny list; set LINKWARD_DENY_LIST_TABLE".to_owned()),
    }
}

/// One run, once its event is understood.
pub(crate) struct Job<'a> {
    pub(crate) app: &'a App,
    pub(crate) by: Deadline,
    pub(crate) run: Run,
    pub(crate) answer: Answer,
    faults: BTreeSet<Fault>,
}

impl Job<'_> {
    async fn run(mut self, request: Request, deadline: Deadline) -> Result<Answer, Failure> {
        match &request {
            Request::Revoke(revocation) => self.revoke(revocation).await,
            Request::Withdraw(withdrawal) => self.withdraw(withdrawal).await,
        }
        self.finish(deadline).await
    }

    async fn withdraw(&mut self, withdrawal: &Withdrawal) {
        let Some(deny_list) = &self.app.deny_list else { return };
        let key = entry_of(&withdrawal.subject).key();
        let Withdrawal { requested_by, ticket, .. } = withdrawal;
        let lifted = match self.enforces() {
            true => deny_list.withdraw(&withdrawal.subject, withdrawal.asked_at, self.by).await,
            false => Ok(true),
        };
        match lifted {
            Ok(true) => {
                tracing::info!(key, requestedBy = requested_by, ticket, "denial withdrawn");
                if self.enforces() {
                    self.run.count(&metrics::DENIALS_WITHDRAWN, []);
                }
                self.answer.withdrawn.push(key);
            }
            Ok(false) => tracing::warn!(key, requestedBy = requested_by, ticket, "no denial in force to withdraw"),
            Err(error) => self.remains(key, Fault::DenyListUnavailable, &error),
        }
    }

    async fn finish(self, deadline: Deadline) -> Result<Answer, Failure> {
        let Self { app, run, faults, answer, .. } = self;
        app.telemetry.finish(run, faults, answer, deadline).await
    }

    pub(crate) fn enforces(&self) -> bool {
        self.app.configuration.mode == Mode::Enforce
    }

    /// Something that was asked for and did not happen.
    pub(crate) fn remains(&mut self, what: String, fault: Fault, cause: &dyn Display) {
        tracing::error!(remaining = what, %cause, fault = fault.as_str(), "{fault}");
        self.run.count(&metrics::REVOCATIONS_REMAINING, []);
        self.answer.remaining.push(what);
        self.faults.insert(fault);
    }
}
