//! A page of a table of entries, checked whole.

use aws_sdk_dynamodb::types::AttributeValue;
use policy::Timestamp;

use super::item::{Item, flag, required, text};
use super::{Entry, Table, TableError};

#[derive(Debug)]
pub(super) struct Page<E> {
    pub(super) rows: Vec<Row<E>>,
    pub(super) after: Option<Item>,
}

#[derive(Debug)]
pub(super) struct Row<E> {
    pub(super) key: String,
    /// `None`: withdrawn.
    pub(super) entry: Option<E>,
    pub(super) changed_at: Option<Timestamp>,
}

impl Table {
    /// A page of the whole table; strongly consistent.
    pub(super) async fn scan<E: Entry>(&self, after: Option<Item>) -> Result<Page<E>, TableError> {
        let request = self.client.scan().table_name(&self.name).consistent_read(true);
        let answer =
            request.set_exclusive_start_key(after).send().await.map_err(|error| self.failed("Scan", &error))?;
        self.page(answer.items.unwrap_or_default(), answer.last_evaluated_key)
    }

    /// What changed, oldest first; an index has no consistent reads.
    pub(super) async fn changes<E: Entry>(&self, since: Timestamp, after: Option<Item>) -> Result<Page<E>, TableError> {
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
        self.page(answer.items.unwrap_or_default(), answer.last_evaluated_key)
    }

    fn page<E: Entry>(&self, items: Vec<Item>, after: Option<Item>) -> Result<Page<E>, TableError> {
        let rows = items.iter().map(|item| self.row(item)).collect::<Result<_, _>>()?;
        Ok(Page { rows, after: after.filter(|key| !key.is_empty()) })
    }

    fn row<E: Entry>(&self, item: &Item) -> Result<Row<E>, TableError> {
        let key = required(item, E::KEY).map_err(|cause| self.malformed("?", cause))?;
        let malformed = |cause| self.malformed(key, cause);
        let withdrawn = flag(item, "withdrawn").map_err(malformed)?.unwrap_or(false);
        let entry = if withdrawn { None } else { Some(E::from_item(key, item).map_err(malformed)?) };
        // An item put by hand may lack a sensible time: it counts all the same, from the next complete reading on.
        let changed_at = text(item, "changedAt").ok().flatten().and_then(|time| time.parse().ok());
        Ok(Row { key: key.to_owned(), entry, changed_at })
    }
}
