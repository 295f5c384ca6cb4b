//! Requests that become spans, on their way to the collector. A request never waits for it: what does not fit is
//! dropped and counted.

use crate::outcome::Outcome;
use crate::request_id::Trace;
use policy::Timestamp;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc;

/// So many wait for the collector.
const WAITING: usize = 4_096;

/// Where spans are kept, and which.
#[derive(Debug)]
pub(crate) struct Spans {
    sampling: f64,
    queue: mpsc::Sender<Span>,
    waiting: Mutex<Option<mpsc::Receiver<Span>>>,
    dropped: AtomicU64,
}

/// What a request's span tells.
#[derive(Debug)]
pub(crate) struct Span {
    pub(crate) trace: Trace,
    pub(crate) at: Timestamp,
    pub(crate) latency: Duration,
    /// How long the upstream took, if it was asked.
    pub(crate) upstream: Option<Duration>,
    pub(crate) status: u16,
    pub(crate) method: String,
    /// Attributes that are there, under their names.
    pub(crate) texts: Vec<(&'static str, String)>,
}

impl Spans {
    pub(crate) fn new(sampling: f64) -> Self {
        let (queue, waiting) = mpsc::channel(WAITING);
        Self { sampling, queue, waiting: Mutex::new(Some(waiting)), dropped: AtomicU64::new(0) }
    }

    /// The receiving end, for the one who exports.
    pub(crate) fn waiting(&self) -> Option<mpsc::Receiver<Span>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Decides before the request is forwarded, so that the upstream hears of it: as the caller decided, or by chance.
    pub(crate) fn sample(&self, trace: &mut Trace) {
        if trace.is_sampled_by_caller() || trace.chance() < self.sampling {
            trace.keep();
        }
    }

    /// Keeps the span of a sampled request, and of every one that the policy denies.
    pub(crate) fn put(&self, trace: &Trace, outcome: Outcome, span: impl FnOnce() -> Span) {
        if !trace.is_kept() && outcome == Outcome::Allow {
            return;
        }
        match self.queue.try_reserve() {
            Ok(place) => place.send(span()),
            Err(_) => self.lost(1),
        }
    }

    /// The collector did not take so many.
    pub(crate) fn lost(&self, count: usize) {
        self.dropped.fetch_add(count as u64, Ordering::Relaxed);
    }

    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLED: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    const NOT_SAMPLED: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";

    fn trace(theirs: &str, spans: &Spans) -> Trace {
        let mut trace = Trace::of(theirs.parse().ok().as_ref());
        spans.sample(&mut trace);
        trace
    }

    fn span(trace: Trace) -> Span {
        let (at, latency) = (Timestamp::UNIX_EPOCH, Duration::ZERO);
        Span { trace, at, latency, upstream: None, status: 200, method: "GET".to_owned(), texts: Vec::new() }
    }

    #[test]
    fn the_caller_decides_what_is_sampled_and_every_denial_is_kept() {
        let spans = Spans::new(0.0);
        let mut waiting = spans.waiting().unwrap();
        for (theirs, outcome, kept) in [
            (SAMPLED, Outcome::Allow, true),
            (NOT_SAMPLED, Outcome::Allow, false),
            (NOT_SAMPLED, Outcome::Deny, true),
            (NOT_SAMPLED, Outcome::AuditDeny, true),
            ("", Outcome::Allow, false),
        ] {
            let trace = trace(theirs, &spans);
            spans.put(&trace, outcome, || span(trace));
            assert_eq!(waiting.try_recv().is_ok(), kept, "{theirs} {outcome:?}");
        }
    }

    #[test]
    fn chance_keeps_the_share_that_is_asked_for() {
        let spans = Spans::new(0.25);
        let kept = (0..4_000).filter(|_| trace("", &spans).is_kept()).count();
        assert!((800..1_200).contains(&kept), "{kept} of 4000");
    }

    #[test]
    fn what_does_not_fit_is_dropped_and_counted() {
        let spans = Spans::new(1.0);
        for _ in 0..WAITING + 3 {
            let trace = trace(SAMPLED, &spans);
            spans.put(&trace, Outcome::Allow, || span(trace));
        }
        assert_eq!(spans.dropped(), 3);
    }
}
