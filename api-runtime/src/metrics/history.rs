//! The last intervals, for whoever looks at the process itself: an hour of them at the usual `metricsInterval`.

use super::window::QUANTILES;
use crate::histogram::Distribution;
use policy::Timestamp;
use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// So many intervals are kept.
const KEPT: usize = 60;

#[derive(Debug, Default)]
pub(super) struct History(Mutex<VecDeque<Interval>>);

/// What happened in one `metricsInterval`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Interval {
    /// Its end.
    pub(crate) at: Timestamp,
    pub(crate) requests: u64,
    /// p50, p95 and p99 of the latencies; `None` if there was no request.
    pub(crate) latencies: Option<[Duration; QUANTILES.len()]>,
}

impl History {
    pub(super) fn keep(&self, at: Timestamp, latencies: &Distribution) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEPT {
            kept.pop_front();
        }
        let [p50, p95, p99] = QUANTILES.map(|(part, _)| latencies.quantile(part));
        let quantiles = p50.zip(p95).zip(p99).map(|((p50, p95), p99)| [p50, p95, p99]);
        kept.push_back(Interval { at, requests: latencies.count(), latencies: quantiles });
    }

    /// The oldest first.
    pub(super) fn list(&self) -> Vec<Interval> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::histogram::Histogram;

    #[test]
    fn the_last_sixty_are_kept_and_a_quiet_one_has_no_latency() {
        let (history, histogram) = (History::default(), Histogram::default());
        histogram.record(Duration::from_millis(3));
        let mut busy = Distribution::default();
        busy.add(&histogram);
        (0..KEPT + 2).for_each(|_| history.keep(Timestamp::UNIX_EPOCH, &Distribution::default()));
        history.keep(Timestamp::UNIX_EPOCH, &busy);
        let kept = history.list();
        assert_eq!((kept.len(), kept[0].latencies, kept[KEPT - 1].requests), (KEPT, None, 1));
        assert!((2_900..3_100).contains(&kept[KEPT - 1].latencies.unwrap()[1].as_micros()));
    }
}
