//! One value for each thread that serves requests, so that counting and logging never make two threads wait for the
//! same cache line.

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};

static THREADS: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static THREAD: Cell<usize> = Cell::new(THREADS.fetch_add(1, Ordering::Relaxed));
}

/// As many values as threads work at once. A thread keeps to its own; more threads than values share, which is why the
/// values must bear it (atomics, a mutex that is hardly ever contended).
#[derive(Debug)]
pub(crate) struct Sharded<T>(Box<[Padded<T>]>);

/// Two values never share a cache line (128: a pair of lines, as CPUs fetch them).
#[derive(Debug)]
#[repr(align(128))]
struct Padded<T>(T);

impl<T> Sharded<T> {
    pub(crate) fn new(make: impl Fn() -> T) -> Self {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        Self((0..threads.next_power_of_two()).map(|_| Padded(make())).collect())
    }

    /// This thread's value.
    pub(crate) fn here(&self) -> &T {
        #[expect(clippy::indexing_slicing, reason = "the length is a power of two, so the mask is within it")]
        &self.0[THREAD.get() & (self.0.len() - 1)].0
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.0.iter().map(|padded| &padded.0)
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicU64;

    #[test]
    fn a_thread_always_meets_the_same_value() {
        let sharded = Sharded::new(|| AtomicU64::new(0));
        assert!(std::ptr::eq(sharded.here(), sharded.here()));
    }

    #[test]
    fn nothing_is_lost_when_more_threads_than_values_count() {
        let sharded = Sharded::new(|| AtomicU64::new(0));
        std::thread::scope(|scope| {
            for _ in 0..sharded.len() * 3 {
                scope.spawn(|| {
                    for _ in 0..1000 {
                        sharded.here().fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
        });
        let total: u64 = sharded.iter().map(|value| value.load(Ordering::Relaxed)).sum();
        assert_eq!(total, sharded.len() as u64 * 3 * 1000);
    }
}
