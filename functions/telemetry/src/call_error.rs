use std::error::Error;
use std::fmt::Debug;

use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::display::DisplayErrorContext;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

/// A call to AWS that failed, after the SDK's own retries.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{code}`: {message}")]
pub struct CallError {
    /// AWS's error code; without an answer `deadlineExceeded`, `timeout`, `unreachable` or `badAnswer`.
    pub code: String,
    /// For the log.
    pub message: String,
}

impl CallError {
    /// The run's deadline came first.
    #[must_use]
    pub fn deadline_exceeded() -> Self {
        Self { code: "deadlineExceeded".to_owned(), message: "no time is left in this invocation".to_owned() }
    }
}

impl<E, R> From<SdkError<E, R>> for CallError
where
    E: Error + ProvideErrorMetadata + 'static,
    R: Debug + 'static,
{
    fn from(error: SdkError<E, R>) -> Self {
        let code = error.as_service_error().and_then(ProvideErrorMetadata::code).unwrap_or(match &error {
            SdkError::TimeoutError(_) => "timeout",
            SdkError::DispatchFailure(_) => "unreachable",
            _ => "badAnswer",
        });
        Self { code: code.to_owned(), message: DisplayErrorContext(&error).to_string() }
    }
}
