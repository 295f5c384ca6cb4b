use lambda_runtime::Diagnostic;
use telemetry::FieldError;

use crate::Answer;

/// Why an invocation failed; Lambda tries it again and then gives the event to the dead-letter queue.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// A foreign or malformed event. Nothing was looked at.
    #[error(transparent)]
    Event(#[from] FieldError),
    /// A run that could not measure all it should. It measured what it could, and says what.
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
    /// A table could not be read.
    #[error("a table could not be read; what it says is not measured")]
    TableUnavailable,
    /// A CRL could not be fetched or read.
    #[error("a CRL could not be fetched or read; how long it is good for is not known")]
    CrlUnavailable,
    /// The audit trail has a gap.
    #[error("audit events were lost; the log has what they say")]
    AuditIncomplete,
}

impl Fault {
    /// The word of the metric, in camelCase.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TableUnavailable => "tableUnavailable",
            Self::CrlUnavailable => "crlUnavailable",
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
