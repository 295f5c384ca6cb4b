use lambda_runtime::Diagnostic;
use telemetry::FieldError;

use crate::Answer;

/// Why an invocation failed; Lambda tries it again and then gives the event to the dead-letter queue.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// A foreign or malformed event. Nothing was changed.
    #[error(transparent)]
    Event(#[from] FieldError),
    /// A run that could not do all it should. It did what it could, and says what.
    #[error("{fault}")]
    Run {
        /// The gravest thing that went wrong.
        fault: Fault,
        /// What it did.
        answer: Box<Answer>,
    },
}

/// What can go wrong in a run, the gravest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Fault {
    /// The deny list could not be written.
    #[error("the deny list could not be written; the caller is not cut off yet")]
    DenyListUnavailable,
    /// It would cut everybody off.
    #[error("the runtime's own certificate is revoked only with `allowServerCertificate`: true")]
    ServerCertificate,
    /// Certificates are left.
    #[error("not every certificate could be revoked")]
    Remaining,
    /// The audit trail has a gap.
    #[error("audit events were lost; the log has what they say")]
    AuditIncomplete,
}

impl Fault {
    /// The word of the metric, in camelCase.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::DenyListUnavailable => "denyListUnavailable",
            Self::ServerCertificate => "serverCertificate",
            Self::Remaining => "remaining",
            Self::AuditIncomplete => "auditIncomplete",
        }
    }
}

impl From<Failure> for Diagnostic {
    /// The error message of a run is its answer, as JSON.
    fn from(failure: Failure) -> Self {
        let (error_type, error_message) = match failure {
            Failure::Event(error) => ("malformedEvent".to_owned(), error.to_string()),
            Failure::Run { fault, answer } => {
                (fault.as_str().to_owned(), serde_json::to_string(&answer).unwrap_or_else(|error| error.to_string()))
            }
        };
        Self { error_type, error_message }
    }
}
