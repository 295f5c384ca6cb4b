//! The latencies of the last interval: a quantile over the life of a process would hide what happens now.

use crate::histogram::Distribution;
use std::sync::{Mutex, PoisonError};

/// The parts of all requests whose latency is shown, and how they are called.
pub(crate) const QUANTILES: [(f64, &str); 3] = [(0.5, "0.5"), (0.95, "0.95"), (0.99, "0.99")];

#[derive(Debug, Default)]
pub(super) struct Window(Mutex<Looks>);

#[derive(Debug, Default)]
struct Looks {
    /// Everything there was when the running interval began.
    begin: Option<Distribution>,
    /// What came in the interval before it.
    last: Option<Distribution>,
}

impl Window {
    /// An interval ends here.
    pub(super) fn turn(&self, total: Distribution) {
        let mut looks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        looks.last = Some(match &looks.begin {
            Some(begin) => total.since(begin),
            None => total.clone(),
        });
        looks.begin = Some(total);
    }

    /// What came in the last whole interval; before there was one, everything so far.
    pub(super) fn last(&self, total: Distribution) -> Distribution {
        let looks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        looks.last.clone().unwrap_or(total)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::histogram::Histogram;
    use std::time::Duration;

    #[test]
    fn an_interval_knows_nothing_of_the_one_before() {
        let (histogram, window) = (Histogram::default(), Window::default());
        let total = || {
            let mut total = Distribution::default();
            total.add(&histogram);
            total
        };
        let p50 = |distribution: Distribution| distribution.quantile(0.5).map(|at| at.as_secs_f64().round());
        histogram.record(Duration::from_secs(10));
        assert_eq!(p50(window.last(total())), Some(10.0), "before the first interval is over");
        window.turn(total());
        histogram.record(Duration::from_secs(20));
        assert_eq!(p50(window.last(total())), Some(10.0));
        window.turn(total());
        assert_eq!(p50(window.last(total())), Some(20.0));
        window.turn(total());
        assert_eq!(p50(window.last(total())), None, "nothing came");
    }
}
