//! How often certificates are issued at most.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use telemetry::Deadline;
use tokio::time::Instant;

/// Tokens that are there after a pause.
const CAPACITY: u32 = 2;
/// One new token in this time. ACM Private CA issues 25 certificates a second for a whole account; with this, ten
/// instances of the function together stay below half of it, and a loop that went wrong costs little.
const REFILL: Duration = Duration::from_secs(1);

/// A token bucket.
#[derive(Debug)]
pub(crate) struct Bucket {
    /// When the bucket is full again.
    full_at: Mutex<Instant>,
}

impl Bucket {
    pub(crate) fn new() -> Self {
        Self { full_at: Mutex::new(Instant::now()) }
    }

    /// Waits for a token and takes it; `false` if none comes before the deadline.
    pub(crate) async fn take(&self, by: Deadline) -> bool {
        let pause = self.reserve(Instant::now());
        if pause > by.remaining() {
            return false;
        }
        tokio::time::sleep(pause).await;
        true
    }

    /// Takes the next token there will be, and says how long until then. One that is not waited for is lost: too slow
    /// is right, too fast is not.
    fn reserve(&self, now: Instant) -> Duration {
        let mut full_at = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        *full_at = (*full_at).max(now) + REFILL;
        (*full_at - now).saturating_sub(REFILL * CAPACITY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_the_first_two_one_a_second() {
        let bucket = Bucket::new();
        let now = Instant::now();
        let pauses: Vec<_> = (0..5).map(|_| bucket.reserve(now).as_secs_f64().round()).collect();
        assert_eq!(pauses, [0.0, 0.0, 1.0, 2.0, 3.0]);
        let later = now + Duration::from_secs(60);
        let pauses: Vec<_> = (0..3).map(|_| bucket.reserve(later).as_secs_f64().round()).collect();
        assert_eq!(pauses, [0.0, 0.0, 1.0], "never more than it holds");
    }

    #[tokio::test]
    async fn nobody_waits_beyond_the_deadline() {
        let bucket = Bucket::new();
        let by = Deadline::after(Duration::from_millis(100));
        assert!(bucket.take(by).await && bucket.take(by).await);
        assert!(!bucket.take(by).await);
    }
}
