//! Durations counted into log-linear buckets, as HdrHistogram's: each doubling is cut into 32, so that a quantile is
//! known within 2 %.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Buckets for each doubling.
const PARTS: u64 = 32;
/// A sixteenth of a microsecond: below 32 of them, each has a bucket of its own.
const TICKS_PER_MICRO: u64 = 16;
/// What took longer than 2^40 ticks, 19 hours, is counted as that long: streams last, and so do rollouts.
const LONGEST: u64 = 1 << 40;
const BUCKETS: usize = index(LONGEST - 1) + 1;

/// Upper bounds for whoever wants few buckets, in ticks: each doubling from 64 µs to 33.6 s, and then each other one, to 9.5
/// hours.
fn bounds() -> impl Iterator<Item = u64> {
    (10..30).chain((31..40).step_by(2)).map(|power| 1 << power)
}

#[derive(Debug)]
pub(crate) struct Histogram {
    /// The bucket of `n` ticks holds what took more than its lower and at most its upper edge.
    buckets: Box<[AtomicU64]>,
    sum_nanos: AtomicU64,
}

/// What one or more histograms hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Distribution {
    buckets: Box<[u64]>,
    sum_nanos: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { buckets: (0..BUCKETS).map(|_| AtomicU64::new(0)).collect(), sum_nanos: AtomicU64::new(0) }
    }
}

impl Histogram {
    pub(crate) fn record(&self, duration: Duration) {
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        let ticks = (nanos.min(LONGEST * 125) * 2).div_ceil(125).clamp(1, LONGEST);
        if let Some(bucket) = self.buckets.get(index(ticks - 1)) {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
        self.sum_nanos.fetch_add(nanos, Ordering::Relaxed);
    }
}

const fn index(ticks: u64) -> usize {
    if ticks < PARTS {
        return ticks as usize;
    }
    let shift = ticks.ilog2() - PARTS.ilog2();
    ((shift as u64) * PARTS + (ticks >> shift)) as usize
}

/// The edges of a bucket, in ticks.
fn edges(index: usize) -> (u64, u64) {
    let index = index as u64;
    let shift = (index / PARTS).saturating_sub(1);
    let lower = index - shift * PARTS;
    (lower << shift, (lower + 1) << shift)
}

fn seconds(ticks: u64) -> f64 {
    ticks as f64 / (TICKS_PER_MICRO as f64 * 1e6)
}

impl Default for Distribution {
    fn default() -> Self {
        Self { buckets: vec![0; BUCKETS].into(), sum_nanos: 0 }
    }
}

impl Distribution {
    pub(crate) fn add(&mut self, histogram: &Histogram) {
        for (total, bucket) in self.buckets.iter_mut().zip(&histogram.buckets) {
            *total += bucket.load(Ordering::Relaxed);
        }
        self.sum_nanos = self.sum_nanos.wrapping_add(histogram.sum_nanos.load(Ordering::Relaxed));
    }

    /// What came after an earlier look at the same histograms.
    pub(crate) fn since(&self, earlier: &Self) -> Self {
        let buckets = self.buckets.iter().zip(&earlier.buckets).map(|(now, then)| now.saturating_sub(*then));
        Self { buckets: buckets.collect(), sum_nanos: self.sum_nanos.wrapping_sub(earlier.sum_nanos) }
    }

    pub(crate) fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }

    /// In seconds.
    pub(crate) fn sum(&self) -> f64 {
        self.sum_nanos as f64 / 1e9
    }

    /// How many took at most each of a few bounds, with that bound in seconds.
    pub(crate) fn cumulative(&self) -> impl Iterator<Item = (f64, u64)> {
        bounds().map(|bound| {
            let within = self.buckets.get(..=index(bound - 1)).unwrap_or_default();
            (seconds(bound), within.iter().sum())
        })
    }

    /// The middle of each bucket that holds something, in seconds, and how many it holds.
    pub(crate) fn values(&self) -> impl Iterator<Item = (f64, u64)> {
        let held = self.buckets.iter().enumerate().filter(|(_, count)| **count > 0);
        held.map(|(at, count)| (middle(at), *count))
    }

    /// The duration that this part of all did not exceed, within 2 %; `None` if there is nothing.
    pub(crate) fn quantile(&self, part: f64) -> Option<Duration> {
        let wanted = (self.count() as f64 * part).ceil() as u64;
        let mut seen = 0;
        let at = self.buckets.iter().position(|bucket| {
            seen += bucket;
            seen >= wanted && seen > 0
        })?;
        Some(Duration::from_secs_f64(middle(at)))
    }
}

fn middle(index: usize) -> f64 {
    let (lower, upper) = edges(index);
    (seconds(lower) + seconds(upper)) / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn distribution(durations: impl IntoIterator<Item = Duration>) -> Distribution {
        let histogram = Histogram::default();
        durations.into_iter().for_each(|duration| histogram.record(duration));
        let mut distribution = Distribution::default();
        distribution.add(&histogram);
        distribution
    }

    #[test]
    fn a_bound_belongs_to_its_own_bucket() {
        let micros = [0, 64, 65, 128, 129, 60_000_000, 3_600_000_000];
        let distribution = distribution(micros.map(Duration::from_micros));
        let cumulative: Vec<(f64, u64)> = distribution.cumulative().collect();
        assert_eq!(cumulative[..3], [(0.000_064, 2), (0.000_128, 4), (0.000_256, 5)]);
        assert_eq!(cumulative[19..21], [(33.554_432, 5), (134.217_728, 6)]);
        assert_eq!(cumulative[24], (34_359.738_368, 7));
        assert_eq!((distribution.count(), distribution.sum()), (7, 3_660.000_386));
    }

    #[test]
    fn there_is_no_quantile_of_nothing() {
        assert_eq!(distribution([]).quantile(0.5), None);
    }

    #[test]
    fn what_came_since_an_earlier_look_is_counted_alone() {
        let histogram = Histogram::default();
        histogram.record(Duration::from_millis(1));
        let mut before = Distribution::default();
        before.add(&histogram);
        histogram.record(Duration::from_millis(9));
        let mut after = Distribution::default();
        after.add(&histogram);
        let since = after.since(&before);
        assert_eq!((since.count(), since.sum()), (1, 0.009));
        assert_eq!(since.values().map(|(value, _)| (value * 1000.0).round()).collect::<Vec<_>>(), [9.0]);
    }

    proptest! {
        #[test]
        fn buckets_follow_each_other(ticks in 0..LONGEST) {
            let (lower, upper) = edges(index(ticks));
            prop_assert!((lower..upper).contains(&ticks), "{ticks} in {lower}..{upper}");
        }

        #[test]
        fn quantiles_are_right_within_two_percent(
            mut micros in prop::collection::vec(4_u64..60_000_000_000, 1..300), part in 0.01_f64..1.0,
        ) {
            let found = distribution(micros.iter().copied().map(Duration::from_micros)).quantile(part).unwrap();
            micros.sort_unstable();
            let exact = micros[(micros.len() as f64 * part).ceil() as usize - 1] as f64;
            prop_assert!((found.as_secs_f64() * 1e6 / exact - 1.0).abs() < 0.02, "{found:?} for {exact} us");
        }
    }
}
