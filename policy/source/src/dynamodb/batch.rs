//! Many writes: in batches, several at once, until each is done.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::types::{AttributeValue, DeleteRequest, PutRequest, WriteRequest};
use tokio::task::JoinSet;

use super::item::Item;
use super::{Table, TableError};
use crate::pace::random;

/// DynamoDB takes no more with one call.
const BATCH: usize = 25;
const AT_ONCE: usize = 8;
/// A batch that DynamoDB keeps putting off: from a tenth of a second to some, half a minute in all.
const ATTEMPTS: u32 = 12;
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

pub(super) fn put(item: Item) -> Result<WriteRequest, String> {
    let put = PutRequest::builder().set_item(Some(item)).build().map_err(|error| error.to_string())?;
    Ok(WriteRequest::builder().put_request(put).build())
}

pub(super) fn delete(key: String) -> Result<WriteRequest, String> {
    let key = HashMap::from([("pk".to_owned(), AttributeValue::S(key))]);
    let delete = DeleteRequest::builder().set_key(Some(key)).build().map_err(|error| error.to_string())?;
    Ok(WriteRequest::builder().delete_request(delete).build())
}

impl Table {
    /// Does all of them, in any order; `done` is told how many are, each time it is more.
    pub(super) async fn write_all(
        &self,
        writes: impl Iterator<Item = Result<WriteRequest, String>>,
        mut done: impl FnMut(usize),
    ) -> Result<(), TableError> {
        let (mut running, mut written) = (JoinSet::new(), 0);
        let mut writes = writes.peekable();
        while writes.peek().is_some() || !running.is_empty() {
            if writes.peek().is_some() && running.len() < AT_ONCE {
                let batch: Vec<WriteRequest> = writes
                    .by_ref()
                    .take(BATCH)
                    .collect::<Result<_, String>>()
                    .map_err(|cause| self.malformed("?", cause))?;
                let table = self.clone();
                running.spawn(async move { table.write_batch(batch).await });
                continue;
            }
            if let Some(ended) = running.join_next().await {
                written += ended.map_err(|error| self.failed("BatchWriteItem", &error))??;
                done(written);
            }
        }
        Ok(())
    }

    /// What DynamoDB leaves over is asked again, more and more slowly.
    async fn write_batch(&self, batch: Vec<WriteRequest>) -> Result<usize, TableError> {
        let count = batch.len();
        let mut left = HashMap::from([(self.name.clone(), batch)]);
        for attempt in 0..ATTEMPTS {
            let answer = self.client.batch_write_item().set_request_items(Some(left)).send().await;
            let answer = answer.map_err(|error| self.failed("BatchWriteItem", &error))?;
            left = answer.unprocessed_items.unwrap_or_default();
            if left.values().all(Vec::is_empty) {
                return Ok(count);
            }
            let pause = (FIRST_PAUSE * 2_u32.pow(attempt)).min(LONGEST_PAUSE);
            tokio::time::sleep(pause.mul_f64(0.5 + 0.5 * random())).await;
        }
        Err(TableError::Busy(self.name.clone()))
    }
}
