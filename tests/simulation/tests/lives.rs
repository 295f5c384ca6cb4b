//! Thousands of runs of the approver and the revoker. `LINKWARD_SIMULATION_SEED` lives one life again;
//! `LINKWARD_SIMULATION_LIVES` says how many there are.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "test code")]

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use simulation::scenario::{Lived, live};
use tokio::task::JoinSet;

const LIVES: u64 = 120;
/// Lives that pass their pauses together, on each thread.
const TOGETHER: usize = 16;

fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|value| value.parse().unwrap())
}

/// Lives whatever seeds are left, and gives what came of them.
async fn lives(next: &AtomicU64, end: u64) -> Vec<Result<Lived, String>> {
    let mut ended = Vec::new();
    let mut under_way = JoinSet::new();
    loop {
        while under_way.len() < TOGETHER {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= end {
                break;
            }
            under_way.spawn_local(live(seed));
        }
        match under_way.join_next().await {
            Some(life) => ended.push(life.unwrap()),
            None => return ended,
        }
    }
}

#[test]
fn whatever_happens_what_must_hold_holds() {
    let (first, count) = match variable("LINKWARD_SIMULATION_SEED") {
        Some(seed) => (seed, 1),
        None => (0, variable("LINKWARD_SIMULATION_LIVES").unwrap_or(LIVES)),
    };
    let began = Instant::now();
    let next = AtomicU64::new(first);
    let threads = std::thread::available_parallelism().map_or(2, usize::from).min(8);
    let ended: Vec<_> = std::thread::scope(|scope| {
        let work = || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(tokio::task::LocalSet::new().run_until(lives(&next, first + count)))
        };
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    let failed: Vec<_> = ended.iter().filter_map(|life| life.as_ref().err()).map(String::as_str).collect();
    assert!(failed.is_empty(), "LINKWARD_SIMULATION_SEED lives one of these again:\n{}", failed.join("\n"));
    let sum = |of: fn(&Lived) -> usize| ended.iter().flatten().map(of).sum::<usize>();
    let (runs, crashes, calls) = (sum(|l| l.runs), sum(|l| l.crashes), sum(|l| l.calls));
    eprintln!("{count} lives, {runs} runs, {crashes} crashes, {calls} calls in {:?}", began.elapsed());
    assert!(count < LIVES || runs > 2_000, "{runs} runs are not thousands");
    assert!(count == 1 || crashes > 0, "a simulation in which nothing dies shows little");
}
