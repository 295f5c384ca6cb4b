use std::fmt::Display;

use lambda_runtime::Diagnostic;
use serde::Serialize;

use crate::FieldError;

/// What can go wrong in a run, the gravest first; displayed as a sentence.
pub trait Fault: Copy + Ord + Display {
    /// The audit trail has a gap.
    const AUDIT_INCOMPLETE: Self;

    /// The word of the metric, in camelCase.
    fn as_str(self) -> &'static str;
}

/// Why an invocation failed; Lambda tries it again and then gives the event to the dead-letter queue.
#[derive(Debug, thiserror::Error)]
pub enum Failure<F: Display, A> {
    /// A foreign or malformed event. Nothing was done.
    #[error(transparent)]
    Event(#[from] FieldError),
    /// A run that could not do all it should. It did what it could, and says what.
    #[error("{fault}")]
    Run {
        /// The gravest thing that went wrong.
        fault: F,
        /// What it did.
        answer: Box<A>,
    },
}

impl<F: Fault, A: Serialize> From<Failure<F, A>> for Diagnostic {
    /// The error message of a run is its answer, as JSON.
    fn from(failure: Failure<F, A>) -> Self {
        let (error_type, error_message) = match failure {
            Failure::Event(error) => ("malformedEvent".to_owned(), error.to_string()),
            Failure::Run { fault, answer } => {
                (fault.as_str().to_owned(), serde_json::to_string(&answer).unwrap_or_else(|error| error.to_string()))
            }
        };
        Self { error_type, error_message }
    }
}
