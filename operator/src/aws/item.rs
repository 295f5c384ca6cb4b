//! Items of the product's tables.

use std::collections::HashMap;

use anyhow::Context as _;
use aws_config::SdkConfig;
use aws_sdk_dynamodb::types::AttributeValue;
use policy::Timestamp;

use super::explained;

/// One item, read by the names of its attributes.
#[derive(Debug)]
pub(crate) struct Item(HashMap<String, AttributeValue>);

impl Item {
    pub(crate) fn new(attributes: HashMap<String, AttributeValue>) -> Self {
        Self(attributes)
    }

    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_s().ok().map(String::as_str)
    }

    pub(crate) fn time(&self, name: &str) -> Option<Timestamp> {
        self.text(name)?.parse().ok()
    }

    pub(crate) fn is(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(|value| value.as_bool() == Ok(&true))
    }
}

/// Every item of a table.
pub(crate) async fn scan(sdk: &SdkConfig, table: &str) -> anyhow::Result<Vec<Item>> {
    let client = aws_sdk_dynamodb::Client::new(sdk);
    let scan = client.scan().table_name(table).consistent_read(true).into_paginator().items().send();
    let items = scan.collect::<Result<Vec<_>, _>>().await.map_err(explained);
    let items = items
        .with_context(|| format!("the table `{table}` cannot be read; is it its name, in this account and Region?"))?;
    Ok(items.into_iter().map(Item::new).collect())
}
