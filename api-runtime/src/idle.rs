//! A timer for something that should move: it fires once nothing has moved for so long.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};
use tokio::time::Sleep;

/// Costs a look at the clock for each move; the runtime's timer is touched only after a pause of the full length.
#[derive(Debug)]
pub(crate) struct Idle {
    limit: Duration,
    moved: Instant,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Idle {
    pub(crate) fn new(limit: Duration) -> Self {
        Self { limit, moved: Instant::now(), timer: None }
    }

    /// Something moved.
    pub(crate) fn moved(&mut self) {
        self.moved = Instant::now();
    }

    /// Ready once nothing has moved for the limit. To be asked whenever there is nothing to move.
    pub(crate) fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let (limit, moved) = (self.limit, self.moved);
        let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep_until((moved + limit).into())));
        loop {
            ready!(timer.as_mut().poll(context));
            let due = moved + limit;
            if due <= Instant::now() {
                return Poll::Ready(());
            }
            timer.as_mut().reset(due.into());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;

    #[tokio::test]
    async fn it_fires_after_the_last_move_and_not_before() {
        let limit = Duration::from_millis(60);
        let mut idle = Idle::new(limit);
        for _ in 0..5 {
            let fired = tokio::time::timeout(limit / 2, poll_fn(|context| idle.poll(context))).await;
            assert!(fired.is_err());
            idle.moved();
        }
        let moved = Instant::now();
        poll_fn(|context| idle.poll(context)).await;
        assert!(moved.elapsed() >= limit - Duration::from_millis(2));
    }
}
