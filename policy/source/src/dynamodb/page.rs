//! A page of a table of entries.

use std::time::Duration;

use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::types::AttributeValue;
use policy::Timestamp;

use super::entry::Said;
use super::item::{Item, required, text};
use super::{Listed, Table, TableError};

/// For one try at a page of the whole table; nobody waits for it but a start.
const ATTEMPT: Duration = Duration::from_secs(15);

#[derive(Debug)]
pub(super) struct Page<E> {
    pub(super) rows: Vec<Row<E>>,
    pub(super) after: Option<Item>,
}

#[derive(Debug)]
pub(super) struct Row<E> {
    pub(super) key: String,
    pub(super) said: Said<E>,
    pub(super) changed_at: Option<Timestamp>,
}

/// Which page of the whole table.
#[derive(Clone, Debug, Default)]
pub(super) struct Place {
    /// After this key.
    pub(super) after: Option<Item>,
    /// Of the items of this part, the first of two numbers, of so many.
    pub(super) segment: Option<(i32, i32)>,
    /// At most so many; by itself a page has a megabyte.
    pub(super) limit: Option<i32>,
}

impl Table {
    /// A page of the whole table; strongly consistent.
    pub(super) async fn scan<T: Listed>(&self, place: Place) -> Result<Page<T::Entry>, TableError> {
        let request = self.client.scan().table_name(&self.name).consistent_read(true);
        let request = request.set_segment(place.segment.map(|(segment, _)| segment));
        let request = request.set_total_segments(place.segment.map(|(_, segments)| segments)).set_limit(place.limit);
        let request = request.set_exclusive_start_key(place.after).customize().config_override(patient());
        let answer = request.send().await;
        let answer = answer.map_err(|error| self.failed("Scan", &error))?;
        Ok(page::<T>(&answer.items.unwrap_or_default(), answer.last_evaluated_key))
    }

    /// What changed, oldest first; an index has no consistent reads.
    pub(super) async fn changes<T: Listed>(
        &self,
        since: Timestamp,
        after: Option<Item>,
    ) -> Result<Page<T::Entry>, TableError> {
        let request = self.client.query().table_name(&self.name).index_name("byTime");
        let answer = request
            .key_condition_expression("#all = :all AND #changedAt > :since")
            .expression_attribute_names("#all", "all")
            .expression_attribute_names("#changedAt", "changedAt")
            .expression_attribute_values(":all", AttributeValue::S("all".to_owned()))
            .expression_attribute_values(":since", AttributeValue::S(policy::sortable_time(since)))
            .set_exclusive_start_key(after)
            .send()
            .await
            .map_err(|error| self.failed("Query", &error))?;
        Ok(page::<T>(&answer.items.unwrap_or_default(), answer.last_evaluated_key))
    }
}

/// A page has a megabyte, and several are read at once: on a small machine that has much else to do it takes its time.
fn patient() -> aws_sdk_dynamodb::config::Builder {
    let bounds = TimeoutConfig::builder().operation_attempt_timeout(ATTEMPT).operation_timeout(ATTEMPT * 3).build();
    aws_sdk_dynamodb::Config::builder().timeout_config(bounds)
}

fn page<T: Listed>(items: &[Item], after: Option<Item>) -> Page<T::Entry> {
    let rows = items.iter().map(row::<T>).collect();
    Page { rows, after: after.filter(|key| !key.is_empty()) }
}

fn row<T: Listed>(item: &Item) -> Row<T::Entry> {
    // DynamoDB has no item without its key.
    let key = required(item, T::KEY).unwrap_or("?").to_owned();
    // An item put by hand may lack a sensible time: it counts all the same, from the next complete reading on.
    let changed_at = text(item, "changedAt").ok().flatten().and_then(|time| time.parse().ok());
    Row { said: T::read(&key, item), key, changed_at }
}
