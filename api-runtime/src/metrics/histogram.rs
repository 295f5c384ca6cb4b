//! Durations counted into fixed buckets.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Upper bounds in microseconds: 50 µs, about what a request takes that nobody waits for, to 30 s.
pub(crate) const BOUNDS: [u64; 18] = [
    50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000,
    5_000_000, 10_000_000, 30_000_000,
];

#[derive(Debug, Default)]
pub(crate) struct Histogram {
    buckets: [AtomicU64; BOUNDS.len() + 1],
    sum_micros: AtomicU64,
}

/// What one or more histograms hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Distribution {
    /// Not cumulative; the last is what lies beyond the last bound.
    pub(crate) buckets: [u64; BOUNDS.len() + 1],
    pub(crate) sum_micros: u64,
}

impl Histogram {
    pub(crate) fn record(&self, duration: Duration) {
        let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        if let Some(bucket) = self.buckets.get(BOUNDS.partition_point(|bound| *bound < micros)) {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
        self.sum_micros.fetch_add(micros, Ordering::Relaxed);
    }
}

impl Distribution {
    pub(crate) fn add(&mut self, histogram: &Histogram) {
        for (total, bucket) in self.buckets.iter_mut().zip(&histogram.buckets) {
            *total += bucket.load(Ordering::Relaxed);
        }
        self.sum_micros = self.sum_micros.wrapping_add(histogram.sum_micros.load(Ordering::Relaxed));
    }

    pub(crate) fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }

    /// The bound below which this part of all lies, for people; `None` if there is nothing, or it lies beyond.
    pub(crate) fn quantile(&self, part: f64) -> Option<Duration> {
        let wanted = (self.count() as f64 * part).ceil() as u64;
        let mut seen = 0;
        let at = self.buckets.iter().position(|bucket| {
            seen += bucket;
            seen >= wanted && seen > 0
        })?;
        BOUNDS.get(at).copied().map(Duration::from_micros)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_belongs_to_its_own_bucket() {
        let histogram = Histogram::default();
        for micros in [0, 50, 51, 30_000_000, 30_000_001] {
            histogram.record(Duration::from_micros(micros));
        }
        let mut distribution = Distribution::default();
        distribution.add(&histogram);
        assert_eq!((distribution.buckets[0], distribution.buckets[1]), (2, 1));
        assert_eq!((distribution.buckets[17], distribution.buckets[18]), (1, 1));
        assert_eq!((distribution.count(), distribution.sum_micros), (5, 60_000_102));
    }

    #[test]
    fn quantiles_are_bounds() {
        let histogram = Histogram::default();
        (0..99).for_each(|_| histogram.record(Duration::from_micros(60)));
        histogram.record(Duration::from_secs(60));
        let mut distribution = Distribution::default();
        assert_eq!(distribution.quantile(0.5), None);
        distribution.add(&histogram);
        assert_eq!(distribution.quantile(0.5), Some(Duration::from_micros(100)));
        assert_eq!(distribution.quantile(0.99), Some(Duration::from_micros(100)));
        assert_eq!(distribution.quantile(1.0), None);
    }
}
