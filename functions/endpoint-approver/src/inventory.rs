//! The endpoint inventory: a DynamoDB table that the runtime, the reporter and the operator read.

use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{AttributeValue, PutRequest, WriteRequest};
use jiff::Timestamp;
use policy::ServiceId;
use policy::sortable_time;
use telemetry::{CallError, Deadline};

use crate::record::{Item, Memory, Record};
use crate::row::Row;

/// BatchWriteItem takes no more.
const BATCH: usize = 25;
const ATTEMPTS: u32 = 8;
/// How long a withdrawn row stays, so that every reader has seen it: a week.
const WITHDRAWN_STAYS: Duration = Duration::from_secs(7 * 86_400);

#[derive(Debug)]
pub(crate) struct Inventory {
    client: Client,
    table: String,
}

impl Inventory {
    pub(crate) fn new(client: Client, table: String) -> Self {
        Self { client, table }
    }

    /// What the table remembers of these services. A row that cannot be understood counts as missing, and is written
    /// anew.
    pub(crate) async fn read(&self, services: &[ServiceId], by: Deadline) -> Result<Memory, CallError> {
        let scan = self.client.scan().table_name(&self.table).consistent_read(true);
        let items: Vec<Item> = by.call(scan.into_paginator().items().send().collect::<Result<_, _>>()).await?;
        let mut memory = Memory::default();
        for item in &items {
            let key = item.get("endpointId").and_then(|key| key.as_s().ok());
            let understood = match (key.and_then(|key| key.split_once('#')), row(item)) {
                (Some((kind, of)), _) => memory.take(kind, of, item),
                (None, Some(row)) => {
                    if services.contains(&row.service_id) {
                        memory.rows.insert(row.endpoint_id.clone(), row);
                    }
                    true
                }
                (None, None) => false,
            };
            if !understood {
                tracing::warn!(table = self.table, ?item, "an item of the inventory cannot be understood");
            }
        }
        Ok(memory)
    }

    /// Writes these, by batches; what DynamoDB leaves over is written again.
    pub(crate) async fn write(
        &self,
        rows: &[Row],
        records: &[Record],
        now: Timestamp,
        by: Deadline,
    ) -> Result<(), CallError> {
        let items = rows.iter().map(|row| item(row, now)).chain(records.iter().map(|record| record.item(now)));
        let requests: Vec<_> = items.filter_map(put).collect();
        for batch in requests.chunks(BATCH) {
            let mut requests = batch.to_vec();
            for attempt in 1.. {
                let call = self.client.batch_write_item().request_items(&self.table, requests);
                let left = by.call(call.send()).await?.unprocessed_items.unwrap_or_default();
                requests = left.into_values().flatten().collect();
                if requests.is_empty() {
                    break;
                }
                if attempt == ATTEMPTS || !by.pause(attempt).await {
                    let message = format!("{} rows were left over", requests.len());
                    return Err(CallError { code: "unprocessedItems".to_owned(), message });
                }
            }
        }
        Ok(())
    }
}

fn put(item: Item) -> Option<WriteRequest> {
    let put = PutRequest::builder().set_item(Some(item)).build().ok()?;
    Some(WriteRequest::builder().put_request(put).build())
}

fn item(row: &Row, now: Timestamp) -> Item {
    let time = |time: Option<Timestamp>| time.map(sortable_time);
    let texts = [
        ("endpointId", Some(row.endpoint_id.to_string())),
        ("account", Some(row.account.to_string())),
        ("serviceId", Some(row.service_id.to_string())),
        ("state", Some(row.state.clone())),
        ("createdAt", time(row.created_at)),
        ("verdict", Some(row.verdict.clone())),
        ("reason", Some(row.reason.clone())),
        ("consumer", row.consumer.clone()),
        ("delistedSince", time(row.delisted_since)),
        ("policyRevision", row.policy_revision.clone()),
        ("missingSince", time(row.missing_since)),
        ("all", Some("all".to_owned())),
        ("changedAt", Some(sortable_time(now))),
    ];
    let present = texts.into_iter().filter_map(|(name, text)| Some((name.to_owned(), AttributeValue::S(text?))));
    let mut item: Item = present.collect();
    if row.withdrawn {
        let expires = now.saturating_add(WITHDRAWN_STAYS).unwrap_or(now).as_second();
        item.insert("withdrawn".to_owned(), AttributeValue::Bool(true));
        item.insert("expiresEpoch".to_owned(), AttributeValue::N(expires.to_string()));
    }
    item
}

fn row(item: &Item) -> Option<Row> {
    let text = |name: &str| item.get(name).and_then(|value| value.as_s().ok()).cloned();
    let time = |name: &str| match text(name) {
        None => Some(None),
        Some(text) => text.parse().ok().map(Some),
    };
    Some(Row {
        endpoint_id: text("endpointId")?.parse().ok()?,
        account: text("account")?.parse().ok()?,
        service_id: text("serviceId")?.parse().ok()?,
        state: text("state")?,
        created_at: time("createdAt")?,
        verdict: text("verdict")?,
        reason: text("reason")?,
        consumer: text("consumer"),
        delisted_since: time("delistedSince")?,
        policy_revision: text("policyRevision"),
        missing_since: time("missingSince")?,
        withdrawn: item.get("withdrawn").is_some_and(|value| value.as_bool() == Ok(&true)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_what_is_read() {
        let time = Some("2026-11-23T10:00:00Z".parse().unwrap());
        let full = Row {
            endpoint_id: "vpce-1".parse().unwrap(),
            account: "123456789012".parse().unwrap(),
            service_id: "vpce-svc-1".parse().unwrap(),
            state: "available".to_owned(),
            created_at: time,
            verdict: "reject".to_owned(),
            reason: "unlisted".to_owned(),
            consumer: Some("billing".to_owned()),
            delisted_since: time,
            policy_revision: Some("7".to_owned()),
            missing_since: time,
            withdrawn: true,
        };
        let none = None;
        let bare = Row {
            created_at: none,
            consumer: None,
            delisted_since: none,
            policy_revision: None,
            missing_since: none,
            withdrawn: false,
            ..full.clone()
        };
        for written in [full, bare] {
            let item = item(&written, "2026-11-23T11:00:00Z".parse().unwrap());
            assert_eq!(row(&item), Some(written.clone()));
            assert_eq!(item["changedAt"], AttributeValue::S("2026-11-23T11:00:00.000000Z".to_owned()));
            assert_eq!(item.contains_key("expiresEpoch"), written.withdrawn);
        }
    }

    #[test]
    fn a_row_that_cannot_be_understood_is_none() {
        let item = |name: &str, value: &str| Item::from([(name.to_owned(), AttributeValue::S(value.to_owned()))]);
        assert_eq!(row(&item("endpointId", "vpce-1")), None);
    }
}
