//! How long changes take from their source to here.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::denials::Denials;
use crate::histogram::{Distribution, Histogram};

/// What is measured of each list whose source dates its changes.
#[derive(Debug, Default)]
pub(crate) struct Propagation {
    pub(crate) policy: Arc<Took>,
    pub(crate) denials: Arc<Denials>,
}

/// The deny list, and how quickly it acts.
#[derive(Debug, Default)]
pub(crate) struct DenyListState {
    pub(crate) entries: usize,
    /// From the put of an entry to its list coming into force.
    pub(crate) propagation: Distribution,
    /// From the put of an entry to the close of a connection.
    pub(crate) closing: Distribution,
}

/// How long changes took.
#[derive(Debug, Default)]
pub(crate) struct Took {
    histogram: Histogram,
    last: Mutex<Option<Duration>>,
    slowest_nanos: AtomicU64,
}

impl Took {
    /// What the source is given, to tell it.
    pub(super) fn observer(self: &Arc<Self>) -> impl Fn(Duration) + Send + 'static {
        let took = Arc::clone(self);
        move |duration| took.record(duration)
    }

    pub(super) fn record(&self, took: Duration) {
        self.histogram.record(took);
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(took);
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.slowest_nanos.fetch_max(nanos, Ordering::Relaxed);
    }

    pub(crate) fn distribution(&self) -> Distribution {
        let mut distribution = Distribution::default();
        distribution.add(&self.histogram);
        distribution
    }

    /// How many there were.
    pub(crate) fn changes(&self) -> u64 {
        self.distribution().count()
    }

    /// What this part of them did not exceed: no more than the slowest, whatever the middle of its bucket is.
    pub(crate) fn quantile(&self, part: f64) -> Option<Duration> {
        Some(self.distribution().quantile(part)?.min(self.slowest()))
    }

    /// The last change; `None` if none came since the start.
    pub(crate) fn last(&self) -> Option<Duration> {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn slowest(&self) -> Duration {
        Duration::from_nanos(self.slowest_nanos.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_quantile_is_more_than_the_slowest() {
        let took = Took::default();
        assert_eq!((took.changes(), took.quantile(0.5)), (0, None));
        for micros in [97_100, 97_200] {
            took.record(Duration::from_micros(micros));
        }
        assert_eq!((took.changes(), took.last(), took.slowest().as_micros()), (2, took.quantile(0.95), 97_200));
        assert!(took.quantile(0.01) <= Some(took.slowest()));
    }
}
