//! Calls whose answers are not for the log.

use std::error::Error;
use std::fmt::Debug;

use aws_sdk_secretsmanager::error::{ProvideErrorMetadata, SdkError};
use telemetry::{CallError, Deadline};

/// One call, ended by the deadline. The SDK's own words for an error may quote the answer, and an answer may hold a
/// private key or a certificate: of it only the code and the message are kept.
pub(crate) async fn quiet<T, E, R>(
    by: Deadline,
    call: impl Future<Output = Result<T, SdkError<E, R>>>,
) -> Result<T, CallError>
where
    E: Error + ProvideErrorMetadata + 'static,
    R: Debug + 'static,
{
    let Some(answer) = by.limit(call).await else { return Err(CallError::deadline_exceeded()) };
    answer.map_err(|error| {
        let service = error.as_service_error();
        let code = service.and_then(ProvideErrorMetadata::code).unwrap_or(match &error {
            SdkError::TimeoutError(_) => "timeout",
            SdkError::DispatchFailure(_) => "unreachable",
            _ => "badAnswer",
        });
        let message =
            service.and_then(ProvideErrorMetadata::message).unwrap_or("no more is told, for it may be secret");
        CallError { code: code.to_owned(), message: message.to_owned() }
    })
}
