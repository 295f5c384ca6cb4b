//! The whole table, read in a task of its own, so that nothing waits for it that need not.

use policy::Timestamp;
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::task::JoinSet;

use super::page::{Page, Place};
use super::{Listed, Table, TableError};
use crate::pace::{pause, random};
use std::time::Duration;

/// A table of more than one page is read by so many scans at once, the first time.
const SEGMENTS: i32 = 4;
/// Items of a page that is read while requests are served: what is parsed at once holds up a thread.
const SMALL: i32 = 1_000;
/// Pages that are read ahead.
const AHEAD: usize = 8;
/// After a page that failed; doubled with each that follows.
const RETRY: Duration = Duration::from_secs(1);

/// A reading of the whole table. Dropped, it stops.
#[derive(Debug)]
pub(super) struct Reading<E> {
    pages: Receiver<Outcome<E>>,
    pub(super) began: Timestamp,
    _scans: JoinSet<()>,
}

type Outcome<E> = Result<Page<E>, TableError>;

/// What there is without waiting.
#[derive(Debug)]
pub(super) enum Next<E> {
    Page(Page<E>),
    /// The page is asked for again, later and later.
    Failed(TableError),
    NotYet,
    /// All of it was read.
    End,
}

impl<E: Send + 'static> Reading<E> {
    /// As fast as it goes.
    pub(super) fn first<T: Listed<Entry = E>>(table: &Table) -> Self {
        let table = table.clone();
        Self::begin(|to| async move {
            let Some(rest) = send_page::<T>(&table, Place::default(), &to).await else { return };
            if rest.is_none() {
                return;
            }
            let mut scans = JoinSet::new();
            for segment in 0..SEGMENTS {
                let place = Place { segment: Some((segment, SEGMENTS)), ..Place::default() };
                let (table, to) = (table.clone(), to.clone());
                scans.spawn(async move { send_all::<T>(&table, place, &to).await });
            }
            scans.join_all().await;
        })
    }

    /// Page by page, as they are taken.
    pub(super) fn again<T: Listed<Entry = E>>(table: &Table) -> Self {
        let table = table.clone();
        let place = Place { limit: Some(SMALL), ..Place::default() };
        Self::begin(|to| async move { send_all::<T>(&table, place, &to).await })
    }

    fn begin<F: Future<Output = ()> + Send + 'static>(scan: impl FnOnce(Sender<Outcome<E>>) -> F) -> Self {
        let (to, pages) = mpsc::channel(AHEAD);
        let mut scans = JoinSet::new();
        scans.spawn(scan(to));
        Self { pages, began: Timestamp::now(), _scans: scans }
    }

    /// Waits for the next page; `None` after the last.
    pub(super) async fn next(&mut self) -> Option<Outcome<E>> {
        self.pages.recv().await
    }

    pub(super) fn next_ready(&mut self) -> Next<E> {
        match self.pages.try_recv() {
            Ok(Ok(page)) => Next::Page(page),
            Ok(Err(error)) => Next::Failed(error),
            Err(mpsc::error::TryRecvError::Empty) => Next::NotYet,
            Err(mpsc::error::TryRecvError::Disconnected) => Next::End,
        }
    }
}

async fn send_all<T: Listed>(table: &Table, mut place: Place, to: &Sender<Outcome<T::Entry>>) {
    while let Some(Some(next)) = send_page::<T>(table, place, to).await {
        place = next;
    }
}

/// The place of the page that follows, if one does; nothing at all when nobody takes pages any more.
async fn send_page<T: Listed>(table: &Table, place: Place, to: &Sender<Outcome<T::Entry>>) -> Option<Option<Place>> {
    let mut failures = 0;
    loop {
        match table.scan::<T>(place.clone()).await {
            Ok(page) => {
                let after = page.after.clone();
                to.send(Ok(page)).await.ok()?;
                return Some(after.is_some().then_some(Place { after, ..place }));
            }
            Err(error) => {
                to.send(Err(error)).await.ok()?;
                failures += 1;
                tokio::time::sleep(pause(RETRY, failures, random())).await;
            }
        }
    }
}
