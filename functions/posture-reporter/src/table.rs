use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use telemetry::{CallError, Deadline};

/// An item with the attributes that were asked for.
#[derive(Debug)]
pub(crate) struct Item(HashMap<String, AttributeValue>);

/// A table that somebody else writes. It is read weakly consistent: a gauge may be a second old, and costs half.
#[derive(Debug)]
pub(crate) struct Table {
    client: Client,
    name: String,
}

impl Table {
    pub(crate) fn new(client: Client, name: String) -> Self {
        Self { client, name }
    }

    /// All items, with these attributes of theirs.
    pub(crate) async fn items(&self, attributes: &[&str], by: Deadline) -> Result<Vec<Item>, CallError> {
        // Some of the names are words of DynamoDB's.
        let names = attributes.iter().map(|name| (format!("#{name}"), (*name).to_owned())).collect();
        let projection: Vec<_> = attributes.iter().map(|name| format!("#{name}")).collect();
        let scan = self.client.scan().table_name(&self.name).projection_expression(projection.join(", "));
        let scan = scan.set_expression_attribute_names(Some(names)).into_paginator().items().send();
        Ok(by.call(scan.collect::<Result<Vec<_>, _>>()).await?.into_iter().map(Item).collect())
    }
}

impl Item {
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_s().ok().map(String::as_str)
    }

    pub(crate) fn time(&self, name: &str) -> Option<Timestamp> {
        self.text(name)?.parse().ok()
    }

    pub(crate) fn epoch(&self, name: &str) -> Option<Timestamp> {
        Timestamp::from_second(self.0.get(name)?.as_n().ok()?.parse().ok()?).ok()
    }

    pub(crate) fn flag(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(|value| value.as_bool() == Ok(&true))
    }

    /// How many elements a list has.
    pub(crate) fn length(&self, name: &str) -> Option<usize> {
        Some(self.0.get(name)?.as_l().ok()?.len())
    }
}

/// How long from one time to another; negative when it is earlier.
pub(crate) fn seconds(from: Timestamp, to: Timestamp) -> f64 {
    to.duration_since(from).as_secs_f64().round()
}
