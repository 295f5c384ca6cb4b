//! The snapshot in force and its refreshing, with sources that do as they are told.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use policy::Revision;
use policy_source::{Live, LiveError, Load};
use tokio::sync::Semaphore;

/// What no test waits for.
const NEVER: Duration = Duration::from_secs(3600);
const BOUND: Duration = Duration::from_secs(10);

#[derive(Debug, thiserror::Error)]
#[error("cannot read `policy.yaml`")]
struct Failure {
    source: std::io::Error,
}

type Outcome = Result<Option<u32>, Failure>;

/// Gives what it was told, in order, then "unchanged"; `asked` counts, and its closing says that the source is gone.
#[derive(Debug)]
struct Told {
    outcomes: Arc<Mutex<VecDeque<Outcome>>>,
    takes: Duration,
    asked: Arc<Semaphore>,
}

impl Drop for Told {
    fn drop(&mut self) {
        self.asked.close();
    }
}

impl Load for Told {
    type Value = u32;
    type Error = Failure;

    async fn load(&mut self) -> Result<Option<(Revision, u32)>, Failure> {
        self.asked.add_permits(1);
        tokio::time::sleep(self.takes).await;
        let outcome = self.outcomes.lock().unwrap().pop_front().unwrap_or(Ok(None));
        Ok(outcome?.map(|value| (Revision::from(format!("r{value}")), value)))
    }
}

fn told(outcomes: impl IntoIterator<Item = Outcome>) -> Told {
    let outcomes = Arc::new(Mutex::new(outcomes.into_iter().collect()));
    Told { outcomes, takes: Duration::ZERO, asked: Arc::new(Semaphore::new(0)) }
}

fn failure() -> Outcome {
    Err(Failure { source: std::io::Error::other("the disk is gone") })
}

fn failed() -> LiveError {
    LiveError::Load { what: "policy".into(), cause: "cannot read `policy.yaml`: the disk is gone".into() }
}

#[tokio::test]
async fn without_a_first_snapshot_there_is_none() {
    let error = Live::start("policy", told([failure()]), NEVER).await.unwrap_err();
    assert_eq!(error, failed());
    assert_eq!(error.to_string(), "policy: cannot read `policy.yaml`: the disk is gone");
    let error = Live::start("policy", told([Ok(None)]), NEVER).await.unwrap_err();
    assert_eq!(error, LiveError::Nothing("policy".into()));
}

#[tokio::test]
async fn a_change_is_in_force_after_refresh_and_told_to_who_subscribed() {
    let source = told([Ok(Some(1))]);
    let outcomes = Arc::clone(&source.outcomes);
    let live = Live::start("policy", source, Duration::from_millis(5)).await.unwrap();
    let mut changes = live.subscribe();
    assert_eq!((live.load().value, live.revision().as_str()), (1, "r1"));
    let first = live.load().loaded_at;
    outcomes.lock().unwrap().push_back(Ok(Some(2)));
    tokio::time::timeout(BOUND, changes.changed()).await.expect("replaced in time").unwrap();
    assert_eq!(*changes.borrow_and_update(), 1);
    assert_eq!((live.load().value, live.revision().as_str()), (2, "r2"));
    assert!(live.load().loaded_at > first);
}

#[tokio::test]
async fn a_failure_keeps_the_last_good_snapshot_which_ages_until_the_source_answers() {
    let live = Live::start("policy", told([Ok(Some(1)), failure(), failure()]), NEVER).await.unwrap();
    let changes = live.subscribe();
    assert_eq!(live.last_error(), None);
    for _ in 0..2 {
        let before = live.age();
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert_eq!(live.refresh_now().await, Err(failed()));
        assert_eq!(live.last_error(), Some(failed().to_string()));
        assert!(live.age() >= before + Duration::from_millis(100));
        assert_eq!(live.load().value, 1);
    }
    let stale = live.age();
    live.refresh_now().await.unwrap();
    assert!(live.age() < stale);
    assert_eq!(live.last_error(), None);
    assert_eq!((live.load().value, changes.has_changed().unwrap()), (1, false));
}

#[tokio::test]
async fn a_failing_source_is_asked_again_and_again_by_itself() {
    let source = told([Ok(Some(1)), failure(), failure(), failure(), Ok(Some(2))]);
    let live = Live::start("policy", source, Duration::from_millis(1)).await.unwrap();
    let mut changes = live.subscribe();
    tokio::time::timeout(BOUND, changes.changed()).await.expect("recovered in time").unwrap();
    assert_eq!((live.load().value, live.last_error()), (2, None));
}

#[tokio::test]
async fn age_counts_from_the_beginning_of_a_check() {
    let mut source = told([Ok(Some(1))]);
    source.takes = Duration::from_millis(60);
    let live = Live::start("policy", source, NEVER).await.unwrap();
    assert!(live.age() >= Duration::from_millis(60));
    live.refresh_now().await.unwrap();
    assert!(live.age() >= Duration::from_millis(60));
}

#[tokio::test]
async fn a_check_that_takes_long_holds_up_no_reader() {
    let mut source = told([Ok(Some(1))]);
    source.takes = Duration::from_millis(50);
    let asked = Arc::clone(&source.asked);
    let live = Live::start("policy", source, Duration::ZERO).await.unwrap();
    asked.acquire_many(2).await.unwrap().forget();
    assert_eq!((live.load().value, asked.available_permits()), (1, 0), "read while the second check runs");
}

#[tokio::test]
async fn the_task_ends_with_the_last_clone() {
    let source = told([Ok(Some(1))]);
    let asked = Arc::clone(&source.asked);
    let live = Live::start("policy", source, NEVER).await.unwrap();
    let clone = live.clone();
    drop(live);
    clone.refresh_now().await.unwrap();
    asked.acquire_many(2).await.unwrap().forget();
    drop(clone);
    // Fails once the source is dropped; a third question would succeed.
    let gone = tokio::time::timeout(BOUND, asked.acquire()).await.expect("ended in time");
    assert!(gone.is_err());
}
