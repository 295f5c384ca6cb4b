use std::error::Error;
use std::fmt::Debug;
use std::time::Duration;

use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use jiff::Timestamp;
use tokio::time::Instant;

use crate::{CallError, traces};

/// The first pause before a call is tried again is at most this long; each further one at most twice the one before.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
const ATTEMPTS: u32 = 10;

/// Until when a run must be done.
#[derive(Clone, Copy, Debug)]
pub struct Deadline(Instant);

impl Deadline {
    /// Lambda's deadline, in milliseconds since 1970.
    #[must_use]
    pub fn at_epoch_millis(millis: u64, now: Timestamp) -> Self {
        let now = u64::try_from(now.as_millisecond()).unwrap_or_default();
        Self::after(Duration::from_millis(millis.saturating_sub(now)))
    }

    /// So long from now.
    #[must_use]
    pub fn after(time: Duration) -> Self {
        // Nobody waits for longer than a day, and an `Instant` has an end.
        Self(Instant::now() + time.min(Duration::from_secs(86_400)))
    }

    /// An earlier deadline, for everything but the last words: a quarter of what is left is for them, at most `most`.
    #[must_use]
    pub fn leaving(self, most: Duration) -> Self {
        Self(self.0 - (self.remaining() / 4).min(most))
    }

    /// What is left.
    #[must_use]
    pub fn remaining(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }

    /// One call of the SDK, ended by the deadline.
    ///
    /// # Errors
    /// The SDK's, after its own retries, or `deadlineExceeded`.
    pub async fn call<T, E, R>(self, call: impl Future<Output = Result<T, SdkError<E, R>>>) -> Result<T, CallError>
    where
        E: Error + ProvideErrorMetadata + 'static,
        R: Debug + 'static,
    {
        match self.limit(call).await {
            Some(Ok(answer)) => Ok(answer),
            Some(Err(error)) => Err(noted(error.into())),
            None => Err(noted(CallError::deadline_exceeded())),
        }
    }

    /// Anything else, ended by the deadline; then there is no output.
    pub async fn limit<T>(self, work: impl Future<Output = T>) -> Option<T> {
        tokio::time::timeout_at(self.0, work).await.ok()
    }

    /// Tries again, with jitter, while the error is one that passes and time is left.
    ///
    /// # Errors
    /// The last one.
    pub async fn retry<T>(
        self,
        passes: impl Fn(&CallError) -> bool,
        mut call: impl AsyncFnMut() -> Result<T, CallError>,
    ) -> Result<T, CallError> {
        let mut attempt = 0;
        loop {
            let error = match call().await {
                Err(error) if passes(&error) => error,
                done => return done,
            };
            attempt += 1;
            if attempt == ATTEMPTS || !self.pause(attempt).await {
                return Err(error);
            }
            tracing::debug!(%error, attempt, "tries again");
        }
    }

    /// Waits before attempt number `attempt` + 1, with full jitter; `false` if there is no time to.
    pub async fn pause(self, attempt: u32) -> bool {
        let longest = FIRST_PAUSE.saturating_mul(1 << attempt.min(10)).min(LONGEST_PAUSE);
        let pause = longest.mul_f64(fastrand::f64());
        let time = pause < self.remaining();
        if time {
            tokio::time::sleep(pause).await;
        }
        time
    }
}

/// In the trace too.
fn noted(error: CallError) -> CallError {
    traces::failed(&error);
    error
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(code: &str) -> CallError {
        CallError { code: code.to_owned(), message: String::new() }
    }

    async fn retried(deadline: Deadline, answers: &[Result<u8, &str>]) -> (Result<u8, CallError>, usize) {
        let mut calls = 0;
        let outcome = deadline
            .retry(
                |error| error.code == "busy",
                async || {
                    calls += 1;
                    answers[(calls - 1).min(answers.len() - 1)].map_err(error)
                },
            )
            .await;
        (outcome, calls)
    }

    #[tokio::test]
    async fn only_what_passes_is_tried_again() {
        let deadline = Deadline::after(Duration::from_secs(60));
        assert_eq!(retried(deadline, &[Err("busy"), Ok(7)]).await, (Ok(7), 2));
        assert_eq!(retried(deadline, &[Err("denied"), Ok(7)]).await, (Err(error("denied")), 1));
    }

    #[tokio::test]
    async fn nothing_is_tried_after_the_deadline() {
        let begun = Instant::now();
        let (outcome, calls) = retried(Deadline::after(Duration::from_millis(50)), &[Err("busy")]).await;
        assert_eq!(outcome, Err(error("busy")));
        assert!(calls <= ATTEMPTS as usize, "{calls}");
        assert_eq!(retried(Deadline::after(Duration::ZERO), &[Err("busy"), Ok(7)]).await, (Err(error("busy")), 1));
        assert!(begun.elapsed() < Duration::from_secs(1));
    }

    #[test]
    fn the_deadline_of_lambda_is_a_time_on_the_clock() {
        let now = Timestamp::from_second(1_000).unwrap();
        let left = Deadline::at_epoch_millis(1_060_000, now).remaining();
        assert!(left > Duration::from_secs(59) && left <= Duration::from_secs(60), "{left:?}");
        assert_eq!(Deadline::at_epoch_millis(0, now).remaining(), Duration::ZERO);
        let early = Deadline::after(Duration::from_secs(2)).leaving(Duration::from_secs(2)).remaining();
        assert!(early > Duration::from_secs(1) && early <= Duration::from_millis(1_500), "{early:?}");
    }
}
