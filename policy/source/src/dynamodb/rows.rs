//! A table of entries, followed by what changed in it.
//!
//! The first fetch reads the whole table. From then on each fetch asks the index `byTime` for what changed since the
//! newest entry seen, with an overlap for clocks that differ and for the index, which lags behind the table. What
//! that cannot see (an item deleted instead of withdrawn, a writer whose clock is far off) is found by reading the
//! whole table again now and then, a few pages with each fetch, so that news never waits for it.
//!
//! What is read is checked whole before any of it counts: one item that is no entry and everything stays as it was, the error
//! names its key, and the next fetch asks the same again, so that correcting the item is all it takes.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_config::SdkConfig;
use policy::{Revision, Timestamp};

use super::item::Item;
use super::page::{Page, Row};
use super::{Entry, Table, TableError};

/// How far two clocks may differ, and the index lag, for a change to be seen at the next fetch.
const SKEW: Duration = Duration::from_secs(60);
/// Between two readings of the whole table. What is older than this is no longer asked of the index.
const COMPLETE_EVERY: Duration = Duration::from_secs(300);
/// Pages of the whole table read with one fetch: a megabyte each.
const PAGES: usize = 4;

#[derive(Debug)]
pub(crate) struct Rows<E> {
    table: Table,
    entries: Arc<HashMap<String, E>>,
    newest: Option<Timestamp>,
    /// Where the next question to the index begins; `None` before the table was read once.
    since: Option<Timestamp>,
    complete: Option<Reading<E>>,
    complete_every: Duration,
    completed: Instant,
    /// `entries` are not those given last.
    changed: bool,
    /// When what changed since was put, by its writer's clock.
    news: Vec<Timestamp>,
}

/// The whole table, as far as it was read.
#[derive(Debug)]
struct Reading<E> {
    entries: HashMap<String, E>,
    newest: Option<Timestamp>,
    began: Timestamp,
    after: Option<Item>,
}

impl<E: Entry> Rows<E> {
    pub(crate) fn new(table: &str, sdk: &SdkConfig) -> Self {
        Self {
            table: Table::new(table, sdk),
            entries: Arc::default(),
            newest: None,
            since: None,
            complete: None,
            complete_every: COMPLETE_EVERY,
            completed: Instant::now(),
            changed: true,
            news: Vec::new(),
        }
    }

    /// When the entries that came by the index since this was asked last were put, by their writers' clocks.
    pub(crate) fn take_news(&mut self) -> Vec<Timestamp> {
        std::mem::take(&mut self.news)
    }

    pub(crate) fn complete_every(&mut self, every: Duration) {
        self.complete_every = every;
    }

    /// Has the next fetch give the entries again although none changed.
    pub(crate) fn refuse(&mut self) {
        self.changed = true;
    }

    /// The entries by key, if they are not those given last.
    pub(crate) async fn fetch(&mut self) -> Result<Option<(Revision, Arc<HashMap<String, E>>)>, TableError> {
        if self.since.is_none() {
            self.read_pages(usize::MAX).await?;
        } else if self.complete.is_some() || self.completed.elapsed() >= self.complete_every {
            self.read_pages(PAGES).await?;
        }
        self.read_changes().await?;
        Ok(std::mem::take(&mut self.changed).then(|| (self.revision(), Arc::clone(&self.entries))))
    }

    /// Goes on with reading the whole table. A failed page is asked again next time.
    async fn read_pages(&mut self, pages: usize) -> Result<(), TableError> {
        let reading = self.complete.get_or_insert_with(Reading::begin);
        for _ in 0..pages {
            let page = self.table.scan(reading.after.clone()).await?;
            if reading.add(page) {
                self.take_reading();
                break;
            }
        }
        Ok(())
    }

    fn take_reading(&mut self) {
        let Some(reading) = self.complete.take() else { return };
        if reading.entries != *self.entries {
            self.entries = Arc::new(reading.entries);
            self.changed = true;
        }
        self.newest = self.newest.max(reading.newest);
        // The index is asked again for all that changed while the table was read.
        self.since = Some(next_since(reading.newest, reading.began, self.complete_every));
        self.completed = Instant::now();
    }

    async fn read_changes(&mut self) -> Result<(), TableError> {
        let Some(since) = self.since else { return Ok(()) };
        let asked = Timestamp::now();
        let mut rows = Vec::new();
        let mut after = None;
        loop {
            let page = self.table.changes(since, after).await?;
            rows.extend(page.rows);
            after = page.after;
            if after.is_none() {
                break;
            }
        }
        rows.into_iter().for_each(|row| self.apply(row));
        self.since = Some(next_since(self.newest, asked, self.complete_every));
        Ok(())
    }

    fn apply(&mut self, row: Row<E>) {
        self.newest = self.newest.max(row.changed_at);
        if self.entries.get(&row.key) == row.entry.as_ref() {
            return;
        }
        self.changed = true;
        self.news.extend(row.changed_at);
        let entries = Arc::make_mut(&mut self.entries);
        match row.entry {
            Some(entry) => entries.insert(row.key, entry),
            None => entries.remove(&row.key),
        };
    }

    /// The newest change and the number of entries.
    fn revision(&self) -> Revision {
        let newest = self.newest.map_or_else(|| "none".to_owned(), policy::sortable_time);
        Revision::from(format!("{newest}/{}", self.entries.len()))
    }
}

impl<E: Entry> Reading<E> {
    fn begin() -> Self {
        Self { entries: HashMap::new(), newest: None, began: Timestamp::now(), after: None }
    }

    /// Whether this was the last page.
    fn add(&mut self, page: Page<E>) -> bool {
        for row in page.rows {
            self.newest = self.newest.max(row.changed_at);
            if let Some(entry) = row.entry {
                self.entries.insert(row.key, entry);
            }
        }
        self.after = page.after;
        self.after.is_none()
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

    #[test]
    fn what_changed_while_the_whole_table_was_read_is_asked_for_again() {
        let sdk = SdkConfig::builder().behavior_version(aws_config::BehaviorVersion::latest()).build();
        let mut rows = Rows::<policy::inventory::InventoryEntry>::new("endpoint-inventory", &sdk);
        let began: Timestamp = "2026-11-23T10:00:00Z".parse().unwrap();
        let later = began + Duration::from_secs(90);
        rows.since = Some(later);
        rows.complete = Some(Reading { newest: Some(later), began, ..Reading::begin() });
        rows.take_reading();
        assert_eq!(rows.since, Some(began - SKEW));
    }
}
