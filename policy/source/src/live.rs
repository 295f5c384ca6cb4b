//! The snapshot in force, and the task that replaces it.

use std::error::Error;
use std::fmt::{self, Debug};
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use arc_swap::{ArcSwap, ArcSwapOption, Guard};
use policy::{Revision, Timestamp};
use tokio::sync::{mpsc, oneshot, watch};

use crate::error::with_causes;
use crate::pace::{pause, random};

/// Keeps a `refresh` of zero from spinning.
const SHORTEST: Duration = Duration::from_millis(1);

/// Where the snapshots of a [`Live`] come from.
pub trait Load: Send + 'static {
    /// What is loaded, checked and complete.
    type Value: Send + Sync + 'static;
    /// Names the source and, where it is known, what to do next.
    type Error: Error + Send + Sync + 'static;

    /// Whether a network lies between: such a source is asked with jitter, and less often while it fails.
    fn is_remote(&self) -> bool {
        false
    }

    /// How long the source wants to be left alone from now on, whatever `refresh` says.
    fn rest(&self) -> Duration {
        Duration::ZERO
    }

    /// How long ago the source had confirmed what the last load gave: it came from elsewhere if that was not just now.
    fn age(&self) -> Duration {
        Duration::ZERO
    }

    /// What of the source cannot be used, although the rest is: the outcome of the last load, for people.
    fn complaint(&self) -> Option<String> {
        None
    }

    /// The value if it is not the one given last; `None` says that the one given last is still right. What was read
    /// but refused by its check is an error each time, until it changes. Bounded in time: while it runs, the snapshot
    /// in force ages.
    fn load(&mut self) -> impl Future<Output = Result<Option<(Revision, Self::Value)>, Self::Error>> + Send;
}

/// A snapshot and where it came from.
#[derive(Debug)]
pub struct Loaded<T> {
    /// The checked value.
    pub value: T,
    /// The version of the document it was made of.
    pub revision: Revision,
    /// When it came into force.
    pub loaded_at: Timestamp,
}

/// Why there is no snapshot, or none newer than the one in force.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LiveError {
    /// The source failed, or its check refused the document.
    #[error("{what}: {cause}")]
    Load {
        /// Which snapshot, in the words given to [`Live::start`].
        what: String,
        /// The source's error and its causes.
        cause: String,
    },
    /// A part of what the source holds is left out; the rest is in force.
    #[error("{what}: {cause}; all else is in force")]
    Partial {
        /// Which snapshot.
        what: String,
        /// What is left out, and what to do.
        cause: String,
    },
    /// At the first load the source claims that nothing changed.
    #[error("{0}: the source gave nothing; give each `Live` a source that was not read before")]
    Nothing(String),
    /// The runtime is shutting down.
    #[error("{0}: refreshing has stopped; the process is ending")]
    Stopped(String),
}

/// The snapshot in force. A task replaces it whole, after checking, and keeps the last good one when a check fails.
/// Cheap to clone; when the last clone is dropped, the task ends.
pub struct Live<T> {
    state: Arc<State<T>>,
    requests: mpsc::Sender<Reply>,
}

type Reply = oneshot::Sender<Result<(), LiveError>>;

struct State<T> {
    what: String,
    current: ArcSwap<Loaded<T>>,
    started: Instant,
    /// From `started` to the beginning of the last check that succeeded.
    checked_millis: AtomicU64,
    /// How old the snapshot was at that check.
    aged_millis: AtomicU64,
    last_error: ArcSwapOption<LiveError>,
    generation: watch::Sender<u64>,
}

impl<T: Send + Sync + 'static> Live<T> {
    /// Loads the first snapshot, without which there is no `Live`, and from then on asks the source again within each
    /// `refresh`. `what` names the snapshot in logs and errors: "policy".
    ///
    /// # Errors
    /// The first load failed.
    pub async fn start<L: Load<Value = T>>(what: &str, mut loader: L, refresh: Duration) -> Result<Self, LiveError> {
        let started = Instant::now();
        let (revision, value) =
            loader.load().await.map_err(|error| failed(what, &error))?.ok_or(LiveError::Nothing(what.to_owned()))?;
        tracing::info!(what, %revision, "first snapshot");
        let partial = loader.complaint().map(|cause| Arc::new(LiveError::Partial { what: what.to_owned(), cause }));
        let state = Arc::new(State {
            what: what.to_owned(),
            current: ArcSwap::from_pointee(Loaded { value, revision, loaded_at: Timestamp::now() }),
            started,
            checked_millis: AtomicU64::new(0),
            aged_millis: AtomicU64::new(millis(loader.age())),
            last_error: ArcSwapOption::new(partial),
            generation: watch::Sender::new(0),
        });
        let (requests, asked) = mpsc::channel(1);
        tokio::spawn(keep_fresh(loader, Arc::clone(&state), refresh, asked));
        Ok(Self { state, requests })
    }

    /// The snapshot in force: no lock, no allocation. Not to be held across an await.
    pub fn load(&self) -> Guard<Arc<Loaded<T>>> {
        self.state.current.load()
    }

    /// The version in force.
    pub fn revision(&self) -> Revision {
        self.load().revision.clone()
    }

    /// Time since the source last confirmed the snapshot in force, counted from the beginning of that check.
    pub fn age(&self) -> Duration {
        self.age_at(Instant::now())
    }

    /// [`Live::age`] for who has looked at the clock already: a look costs more than the question.
    pub fn age_at(&self, now: Instant) -> Duration {
        let checked = Duration::from_millis(self.state.checked_millis.load(Ordering::Relaxed));
        let aged = Duration::from_millis(self.state.aged_millis.load(Ordering::Relaxed));
        now.saturating_duration_since(self.state.started).saturating_sub(checked).saturating_add(aged)
    }

    /// Why the last check failed, or what it had to leave out; `None` when all is well.
    pub fn last_error(&self) -> Option<String> {
        self.state.last_error.load().as_ref().map(|error| error.to_string())
    }

    /// Counts the replacements: a receiver that sees a change finds the new snapshot in [`Live::load`].
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.state.generation.subscribe()
    }

    /// Asks the source now instead of at the next refresh, and waits for the outcome.
    ///
    /// # Errors
    /// The source failed; the snapshot in force stays.
    pub async fn refresh_now(&self) -> Result<(), LiveError> {
        let stopped = || LiveError::Stopped(self.state.what.clone());
        let (reply, outcome) = oneshot::channel();
        self.requests.send(reply).await.map_err(|_| stopped())?;
        outcome.await.map_err(|_| stopped())?
    }
}

impl<T> Clone for Live<T> {
    fn clone(&self) -> Self {
        Self { state: Arc::clone(&self.state), requests: self.requests.clone() }
    }
}

impl<T> Debug for Live<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let revision = &self.state.current.load().revision;
        f.debug_struct("Live")
            .field("what", &self.state.what)
            .field("revision", &revision.as_str())
            .finish_non_exhaustive()
    }
}

async fn keep_fresh<L: Load>(
    mut loader: L,
    state: Arc<State<L::Value>>,
    refresh: Duration,
    mut asked: mpsc::Receiver<Reply>,
) {
    let mut failures = 0;
    let mut replaced = None;
    loop {
        let pause = if loader.is_remote() { pause(refresh, failures, random()) } else { refresh };
        let reply = tokio::select! {
            () = tokio::time::sleep(pause.max(loader.rest()).max(SHORTEST)) => None,
            request = asked.recv() => match request {
                Some(reply) => Some(reply),
                None => return,
            },
        };
        release(replaced.take());
        let outcome = state.check(&mut loader).await;
        failures = if outcome.is_ok() { 0 } else { failures + 1 };
        let outcome = outcome.map(|old| replaced = old);
        if let Some(reply) = reply {
            // Nobody waits any more: nothing to tell.
            let _ = reply.send(outcome);
        }
    }
}

/// The replaced snapshot was held for one more pause, so that no request is the last to hold a large one and has to
/// free it.
fn release<T: Send + 'static>(replaced: Option<T>) {
    if replaced.is_some() {
        drop(tokio::task::spawn_blocking(move || drop(replaced)));
    }
}

impl<T> State<T> {
    /// One check of the source; gives the snapshot that was replaced, if one was.
    async fn check<L: Load<Value = T>>(&self, loader: &mut L) -> Result<Option<Arc<Loaded<T>>>, LiveError> {
        let began = self.started.elapsed();
        let loaded = loader.load().await.map_err(|error| self.failed(&error))?;
        let replaced = loaded.map(|(revision, value)| self.replace(revision, value));
        self.checked_millis.store(millis(began), Ordering::Relaxed);
        self.aged_millis.store(millis(loader.age()), Ordering::Relaxed);
        match loader.complaint() {
            Some(cause) => self.say(LiveError::Partial { what: self.what.clone(), cause }),
            None if self.last_error.swap(None).is_some() => tracing::info!(what = self.what, "source is well again"),
            None => {}
        }
        if replaced.is_some() {
            self.generation.send_modify(|generation| *generation += 1);
        }
        Ok(replaced)
    }

    fn replace(&self, revision: Revision, value: T) -> Arc<Loaded<T>> {
        tracing::info!(what = self.what, %revision, "new snapshot");
        self.current.swap(Arc::new(Loaded { value, revision, loaded_at: Timestamp::now() }))
    }

    fn failed(&self, error: &dyn Error) -> LiveError {
        let error = failed(&self.what, error);
        self.say(error.clone());
        error
    }

    /// Once, not at each refresh.
    fn say(&self, error: LiveError) {
        let last = self.last_error.swap(Some(Arc::new(error.clone())));
        if last.as_deref() == Some(&error) {
            return;
        }
        match &error {
            LiveError::Partial { .. } => tracing::error!(what = self.what, %error, "not everything can be used"),
            _ => tracing::warn!(what = self.what, %error, "refresh failed; the last good snapshot stays"),
        }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn failed(what: &str, error: &dyn Error) -> LiveError {
    LiveError::Load { what: what.to_owned(), cause: with_causes(error) }
}
