//! A table of entries, followed by what changed in it.
//!
//! The first fetch reads the whole table. From then on each fetch asks the index `byTime` for what changed since the
//! newest entry seen, with an overlap for clocks that differ and for the index, which lags behind the table. What
//! that cannot see (an item deleted instead of withdrawn, a writer whose clock is far off) is found by reading the
//! whole table again now and then, beside the questions to the index, so that news never waits for it.
//!
//! The list is changed where the table changed, entry by entry: one more among a million costs one. An item that cannot
//! be used is left out, or denies too much, and holds up none of the others.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, Instant};

use aws_config::SdkConfig;
use policy::{Revision, Timestamp};

use super::faults::Faults;
use super::page::Row;
use super::reading::{Next, Reading};
use super::{Listed, Table, TableError};

/// How far two clocks may differ, and the index lag, for a change to be seen at the next fetch.
const SKEW: Duration = Duration::from_secs(60);
/// Between two readings of the whole table. What is older than this is no longer asked of the index.
const COMPLETE_EVERY: Duration = Duration::from_secs(300);
/// Pages of the whole table taken in with one fetch.
const PAGES: usize = 8;
/// After so many items others may work.
const STEP: usize = 256;

#[derive(Debug)]
pub(crate) struct Rows<T: Listed> {
    table: Table,
    list: T,
    newest: Option<Timestamp>,
    /// Where the next question to the index begins; `None` before the table was read once.
    since: Option<Timestamp>,
    reading: Option<Reading<T::Entry>>,
    /// What was read of the whole table, and what changed meanwhile.
    seen: Keys,
    /// What the index has changed since a reading began: its pages may be older.
    touched: Keys,
    complete_every: Duration,
    completed: Instant,
    /// `list` is not the one given last.
    changed: bool,
    /// When what changed since was put, by its writer's clock.
    news: Vec<Timestamp>,
    faults: Faults,
}

/// A set of keys, by 64 bits of each. Two that are taken for one let a deleted entry stay.
#[derive(Debug, Default)]
struct Keys {
    hashes: HashSet<u64>,
    hasher: RandomState,
}

impl Keys {
    fn insert(&mut self, key: &str) {
        self.hashes.insert(self.hasher.hash_one(key));
    }

    fn contains(&self, key: &str) -> bool {
        self.hashes.contains(&self.hasher.hash_one(key))
    }
}

impl<T: Listed> Rows<T> {
    pub(crate) fn new(table: &str, sdk: &SdkConfig) -> Self {
        Self {
            table: Table::new(table, sdk),
            list: T::default(),
            newest: None,
            since: None,
            reading: None,
            seen: Keys::default(),
            touched: Keys::default(),
            complete_every: COMPLETE_EVERY,
            completed: Instant::now(),
            changed: true,
            news: Vec::new(),
            faults: Faults::default(),
        }
    }

    /// When the entries that came by the index since this was asked last were put, by their writers' clocks.
    pub(crate) fn take_news(&mut self) -> Vec<Timestamp> {
        std::mem::take(&mut self.news)
    }

    pub(crate) fn complete_every(&mut self, every: Duration) {
        self.complete_every = every;
    }

    /// What of the table cannot be used.
    pub(crate) fn complaint(&self) -> Option<String> {
        self.faults.complaint(&self.table.name)
    }

    /// The list, if it is not the one given last.
    pub(crate) async fn fetch(&mut self) -> Result<Option<(Revision, T)>, TableError> {
        if self.since.is_none() {
            self.read_whole().await?;
        } else if self.reading.is_none() && self.completed.elapsed() >= self.complete_every {
            (self.seen, self.touched) = (Keys::default(), Keys::default());
            self.reading = Some(Reading::again::<T>(&self.table));
        }
        self.read_changes().await?;
        self.take_pages().await;
        Ok(std::mem::take(&mut self.changed).then(|| (self.revision(), self.list.clone())))
    }

    /// The first time. After a failure it goes on where it was.
    async fn read_whole(&mut self) -> Result<(), TableError> {
        let mut reading = self.reading.take().unwrap_or_else(|| Reading::first::<T>(&self.table));
        while let Some(outcome) = reading.next().await {
            match outcome {
                Ok(page) => self.take(page.rows).await,
                Err(error) => {
                    self.reading = Some(reading);
                    return Err(error);
                }
            }
        }
        // The index is asked for all that changed while the table was read.
        self.since = Some(next_since(self.newest, reading.began, self.complete_every));
        self.completed = Instant::now();
        Ok(())
    }

    async fn read_changes(&mut self) -> Result<(), TableError> {
        let Some(since) = self.since else { return Ok(()) };
        let asked = Timestamp::now();
        let mut after = None;
        loop {
            let page = self.table.changes::<T>(since, after).await?;
            page.rows.into_iter().for_each(|row| self.hear(row));
            after = page.after;
            if after.is_none() {
                break;
            }
        }
        self.since = Some(next_since(self.newest, asked, self.complete_every));
        Ok(())
    }

    /// A row of the index.
    fn hear(&mut self, row: Row<T::Entry>) {
        let (key, changed_at) = (row.key.clone(), row.changed_at);
        let changed = self.apply(row);
        if changed {
            self.news.extend(changed_at);
        }
        if self.reading.is_some() {
            self.seen.insert(&key);
            if changed {
                self.touched.insert(&key);
            }
        }
    }

    /// As much of the whole table as was read meanwhile.
    async fn take_pages(&mut self) {
        for _ in 0..PAGES {
            let Some(reading) = &mut self.reading else { return };
            match reading.next_ready() {
                Next::Page(page) => {
                    self.faults.of_reading(None);
                    self.take(page.rows).await;
                }
                Next::Failed(error) => self.faults.of_reading(Some(error.to_string())),
                Next::NotYet => return,
                Next::End => self.end_reading().await,
            }
        }
    }

    async fn take(&mut self, rows: Vec<Row<T::Entry>>) {
        for (place, row) in rows.into_iter().enumerate() {
            if place % STEP == STEP - 1 {
                tokio::task::yield_now().await;
            }
            if self.since.is_some() {
                self.seen.insert(&row.key);
            }
            if !self.touched.contains(&row.key) {
                self.apply(row);
            }
        }
    }

    /// What was not seen in the whole table is not there any more.
    async fn end_reading(&mut self) {
        self.reading = None;
        let (list, seen) = (self.list.clone(), std::mem::take(&mut self.seen));
        let search = move || (list.unseen(&|key| seen.contains(key)), seen);
        // When the process ends there is nobody to tell.
        let Ok((unseen, seen)) = tokio::task::spawn_blocking(search).await else { return };
        for key in unseen {
            self.changed |= self.list.withdraw_item(&key);
        }
        self.faults.retain(|key| seen.contains(key));
        self.completed = Instant::now();
    }

    /// Whether that changed the list.
    fn apply(&mut self, row: Row<T::Entry>) -> bool {
        self.newest = self.newest.max(row.changed_at);
        let changed = match row.said.entry {
            Some(entry) => self.list.put_item(&row.key, entry),
            None => self.list.withdraw_item(&row.key),
        };
        self.faults.of_item(&self.table.name, &row.key, row.said.fault);
        self.changed |= changed;
        changed
    }

    /// The newest change and the number of entries.
    fn revision(&self) -> Revision {
        let newest = self.newest.map_or_else(|| "none".to_owned(), policy::sortable_time);
        Revision::from(format!("{newest}/{}", self.list.entries_len()))
    }
}

/// Where to ask from next time: at the newest change seen, less the overlap. A change dated in the future does not
/// hide those that follow, and after a quiet time the last ones are not read for ever.
fn next_since(newest: Option<Timestamp>, now: Timestamp, horizon: Duration) -> Timestamp {
    let before = |time: Timestamp, span: Duration| time.checked_sub(span).unwrap_or(Timestamp::MIN);
    let floor = before(now, horizon);
    before(newest.map_or(floor, |newest| newest.clamp(floor, now)), SKEW)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HORIZON: Duration = Duration::from_secs(300);

    fn since(newest: Option<&str>, now: &str) -> String {
        policy::sortable_time(next_since(newest.map(|time| time.parse().unwrap()), now.parse().unwrap(), HORIZON))
    }

    #[test]
    fn the_next_question_begins_a_skew_before_the_newest_change() {
        assert_eq!(since(Some("2026-11-23T09:59:59.5Z"), "2026-11-23T10:00:00Z"), "2026-11-23T09:58:59.500000Z");
    }

    #[test]
    fn a_change_from_the_future_hides_nothing() {
        assert_eq!(since(Some("2099-01-01T00:00:00Z"), "2026-11-23T10:00:00Z"), "2026-11-23T09:59:00.000000Z");
    }

    #[test]
    fn old_changes_are_left_to_the_complete_reading() {
        assert_eq!(since(Some("2026-11-01T00:00:00Z"), "2026-11-23T10:00:00Z"), "2026-11-23T09:54:00.000000Z");
        assert_eq!(since(None, "2026-11-23T10:00:00Z"), "2026-11-23T09:54:00.000000Z");
    }
}
