//! How often a source that lies behind a network is asked.

use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, Instant};

/// A failing source is asked at least this often, or at every refresh if that is longer.
const LONGEST: Duration = Duration::from_secs(60);

/// How long to wait before a remote source is asked again: never longer than `refresh` while it answers; doubled with
/// each failure, to eight times; spread by `random` (0 to 1), so that many tasks do not ask at the same moment.
pub(crate) fn pause(refresh: Duration, failures: u32, random: f64) -> Duration {
    match failures {
        0 => refresh.mul_f64(0.8 + 0.2 * random),
        _ => (refresh * (1 << failures.min(3))).min(LONGEST).max(refresh).mul_f64(0.5 + 0.5 * random),
    }
}

/// From 0 to 1. The seeds of the standard library's hash maps are random enough for jitter.
pub(crate) fn random() -> f64 {
    RandomState::new().hash_one(()) as f64 / u64::MAX as f64
}

/// When to ask a remote source again, for those who ask several within one [`Load`](crate::Load): one that fails is
/// asked less often, with jitter, and holds up none of the others.
#[derive(Clone, Debug)]
pub struct Pace {
    refresh: Duration,
    failures: u32,
    due: Instant,
}

impl Pace {
    /// Due at once.
    #[must_use]
    pub fn new(refresh: Duration) -> Self {
        Self { refresh, failures: 0, due: Instant::now() }
    }

    /// Whether it is time.
    #[must_use]
    pub fn is_due(&self) -> bool {
        self.due <= Instant::now()
    }

    /// It answered.
    pub fn succeeded(&mut self) {
        self.asked(0);
    }

    /// It failed.
    pub fn failed(&mut self) {
        self.asked(self.failures.saturating_add(1));
    }

    fn asked(&mut self, failures: u32) {
        self.failures = failures;
        self.due = Instant::now() + pause(self.refresh, failures, random());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pace_is_due_at_once_and_slower_after_failures() {
        let mut pace = Pace::new(SECOND);
        assert!(pace.is_due());
        pace.succeeded();
        assert!(!pace.is_due() && pace.due <= Instant::now() + SECOND);
        for _ in 0..9 {
            pace.failed();
        }
        assert!(pace.due >= Instant::now() + SECOND * 3, "half of eight seconds, less the time of this test");
        pace.succeeded();
        assert!(pace.due <= Instant::now() + SECOND);
    }

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_source_that_answers_is_never_asked_later_than_refresh() {
        assert_eq!(pause(SECOND, 0, 0.0), Duration::from_millis(800));
        assert_eq!(pause(SECOND, 0, 1.0), SECOND);
    }

    #[test]
    fn a_failing_source_is_asked_less_often_but_never_forgotten() {
        let pauses = [1, 2, 3, 4, u32::MAX].map(|failures| pause(SECOND, failures, 1.0).as_secs());
        assert_eq!(pauses, [2, 4, 8, 8, 8]);
        assert_eq!(pause(SECOND, 1, 0.0), SECOND);
        assert_eq!(pause(SECOND * 15, 9, 1.0), LONGEST);
        assert_eq!(pause(SECOND * 3600, 9, 1.0), SECOND * 3600);
    }

    #[test]
    fn jitter_stays_within_its_bounds_and_varies() {
        let drawn: Vec<f64> = (0..100).map(|_| random()).collect();
        assert!(drawn.iter().all(|random| (0.0..=1.0).contains(random)));
        assert!(drawn.iter().any(|random| *random < 0.5) && drawn.iter().any(|random| *random > 0.5));
    }
}
