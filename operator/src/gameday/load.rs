//! Another caller's requests, which go on all the while: whatever happens to the test identity must not happen to it.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;
use tokio::task::JoinSet;

use crate::demo::client::{Caller, Connection};

/// Connections that ask all the time.
const CONNECTIONS: usize = 4;
/// Between two requests of one connection.
const PAUSE: Duration = Duration::from_millis(20);
/// As many failures are told.
const EXAMPLES: usize = 3;

/// What came of it.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Load {
    pub(super) requests: u64,
    pub(super) failures: u64,
    pub(super) requests_per_second: f64,
    /// Milliseconds.
    pub(super) p50: f64,
    pub(super) p99: f64,
    pub(super) slowest: f64,
    /// A few of the failures.
    pub(super) examples: Vec<String>,
}

#[derive(Debug, Default)]
struct Counts {
    millis: Vec<f64>,
    failures: u64,
    examples: Vec<String>,
}

impl Counts {
    fn note(&mut self, took: Duration, failure: Option<String>) {
        let Some(words) = failure else {
            self.millis.push(took.as_secs_f64() * 1000.0);
            return;
        };
        self.failures += 1;
        if self.examples.len() < EXAMPLES {
            self.examples.push(words);
        }
    }
}

/// The requests, until they are stopped. Dropping them ends them, too.
#[derive(Debug)]
pub(super) struct Running {
    counts: Arc<Mutex<Counts>>,
    stop: Arc<AtomicBool>,
    began: Instant,
    workers: JoinSet<()>,
}

impl Running {
    pub(super) fn start(caller: &Caller, through: SocketAddr, path: &str) -> Self {
        let counts: Arc<Mutex<Counts>> = Arc::default();
        let stop: Arc<AtomicBool> = Arc::default();
        let mut workers = JoinSet::new();
        for _ in 0..CONNECTIONS {
            let (caller, path) = (caller.clone(), path.to_owned());
            workers.spawn(ask(caller, through, path, Arc::clone(&counts), Arc::clone(&stop)));
        }
        Self { counts, stop, began: Instant::now(), workers }
    }

    /// Lets the requests under way end, and counts.
    pub(super) async fn end(mut self) -> Load {
        self.stop.store(true, Ordering::Relaxed);
        while self.workers.join_next().await.is_some() {}
        let mut counts = std::mem::take(&mut *self.counts.lock().unwrap_or_else(PoisonError::into_inner));
        counts.millis.sort_by(f64::total_cmp);
        let requests = counts.millis.len() as u64 + counts.failures;
        Load {
            requests,
            failures: counts.failures,
            #[expect(clippy::cast_precision_loss, reason = "a few thousand requests")]
            requests_per_second: (requests as f64 / self.began.elapsed().as_secs_f64() * 10.0).round() / 10.0,
            p50: quantile(&counts.millis, 50),
            p99: quantile(&counts.millis, 99),
            slowest: quantile(&counts.millis, 100),
            examples: counts.examples,
        }
    }
}

async fn ask(caller: Caller, through: SocketAddr, path: String, counts: Arc<Mutex<Counts>>, stop: Arc<AtomicBool>) {
    let mut connection: Option<Connection> = None;
    while !stop.load(Ordering::Relaxed) {
        let began = Instant::now();
        let answered = async {
            // A connection that grew old was closed politely, and the next one is opened: no failure.
            if connection.as_ref().is_none_or(|connection| connection.ended.is_finished()) {
                connection = Some(caller.open(through).await?);
            }
            let Some(open) = &mut connection else { anyhow::bail!("no connection") };
            open.call(&path).await
        };
        let failure = match answered.await {
            Ok(answer) if answer.status == 200 => None,
            Ok(answer) => Some(format!("{} {}", answer.status, answer.text("reason"))),
            Err(error) => Some(format!("{error:#}")),
        };
        if failure.is_some() {
            connection = None;
        }
        counts.lock().unwrap_or_else(PoisonError::into_inner).note(began.elapsed(), failure);
        tokio::time::sleep(PAUSE).await;
    }
}

/// Of sorted numbers, to the hundredth; 0 of none.
fn quantile(sorted: &[f64], percent: usize) -> f64 {
    let at = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
    sorted.get(at).map_or(0.0, |millis| (millis * 100.0).round() / 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_of_what_was_measured() {
        let sorted: Vec<f64> = (1..=200).map(f64::from).collect();
        assert_eq!((quantile(&sorted, 50), quantile(&sorted, 99), quantile(&sorted, 100)), (100.0, 198.0, 200.0));
        assert_eq!((quantile(&[], 50), quantile(&[7.0], 50), quantile(&[7.0], 99)), (0.0, 7.0, 7.0));
    }
}
