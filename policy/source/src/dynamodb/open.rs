//! The item `publications`: which publications are, or may be, partly in the table, so that nothing has to be searched for.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;

use super::publication::{Counts, PublicationId};
use super::{Table, TableError, batch};

const KEY: &str = "publications";

impl Table {
    /// Notes a publication before its first item is written.
    pub(super) async fn open_publication(&self, id: &PublicationId, counts: Counts) -> Result<(), TableError> {
        let counts = format!("{} {}", counts.consumers, counts.callers);
        let request = self.client.update_item().table_name(&self.name).set_key(Some(key()));
        let request = request.update_expression("SET #id = :counts").expression_attribute_names("#id", id.as_str());
        let request = request.expression_attribute_values(":counts", AttributeValue::S(counts));
        request.send().await.map(drop).map_err(|error| self.failed("UpdateItem", &error))
    }

    pub(super) async fn open_publications(&self) -> Result<Vec<(PublicationId, Counts)>, TableError> {
        let item = self.item(KEY, &[]).await?.unwrap_or_default();
        let noted = item.iter().filter(|(name, _)| *name != "pk").map(|(name, value)| {
            let (consumers, callers) = value.as_s().ok()?.split_once(' ')?;
            let counts = Counts { consumers: consumers.parse().ok()?, callers: callers.parse().ok()? };
            Some((PublicationId::of(name), counts))
        });
        noted.collect::<Option<_>>().ok_or_else(|| self.malformed(KEY, "is not as publishers write it".to_owned()))
    }

    /// Deletes a publication's items and, once none is left, the note.
    pub(super) async fn remove_publication(&self, id: &PublicationId, counts: Counts) -> Result<(), TableError> {
        self.write_all(counts.keys(id).map(batch::delete), |_| {}).await?;
        let request = self.client.update_item().table_name(&self.name).set_key(Some(key()));
        let request = request.update_expression("REMOVE #id").expression_attribute_names("#id", id.as_str());
        request.send().await.map(drop).map_err(|error| self.failed("UpdateItem", &error))
    }
}

fn key() -> HashMap<String, AttributeValue> {
    HashMap::from([("pk".to_owned(), AttributeValue::S(KEY.to_owned()))])
}
