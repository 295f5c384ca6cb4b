//! How long denials take: from their writer to the list in force, and to the connections that they close.

use super::Took;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Told by the source of the deny list, and by the connections that it ends.
#[derive(Debug, Default)]
pub(crate) struct Denials {
    in_force: Took,
    closing: Took,
    /// When the oldest entry was put of those that no connection was checked against yet.
    unchecked: Mutex<Option<Instant>>,
}

impl Denials {
    /// An entry came into force so long after its put.
    pub(crate) fn took(&self, took: Duration) {
        self.in_force.record(took);
        let put = Instant::now().checked_sub(took);
        let mut unchecked = self.unchecked.lock().unwrap_or_else(PoisonError::into_inner);
        *unchecked = put.into_iter().chain(*unchecked).min();
    }

    /// Since when the connections that are closed now should be; `None` if no new entry is the reason. The earliest, where
    /// several came at once: better too long than too short.
    pub(crate) fn take_unchecked(&self) -> Option<Instant> {
        self.unchecked.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// A connection is closed whose entry was put then.
    pub(crate) fn closed(&self, put: Instant) {
        self.closing.record(put.elapsed());
    }

    /// From the put of an entry to its list coming into force.
    pub(crate) fn in_force(&self) -> &Took {
        &self.in_force
    }

    /// From the put of an entry to the close of a connection.
    pub(crate) fn closing(&self) -> &Took {
        &self.closing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_several_entries_the_earliest_put_counts_and_once() {
        let denials = Denials::default();
        for seconds in [3, 9, 1] {
            denials.took(Duration::from_secs(seconds));
        }
        let put = denials.take_unchecked().unwrap();
        assert!(put.elapsed() >= Duration::from_secs(9) && put.elapsed() < Duration::from_secs(60));
        assert_eq!(denials.take_unchecked(), None);
        denials.closed(put);
        assert_eq!((denials.in_force().distribution().count(), denials.closing().distribution().count()), (3, 1));
    }
}
