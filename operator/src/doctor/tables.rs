//! The tables: there, active, with their keys and indexes, and expiry on the deny list.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{KeyType, TableDescription, TableStatus, TimeToLiveStatus};
use policy_source::SourceUri;

use super::Aws;
use super::check::{Finding, worst};
use crate::aws::explained;
use crate::cli::ProviderSide;

/// A table: its name, its key, its index.
struct Wanted<'a> {
    name: &'a str,
    key: &'static str,
    index: Option<&'static str>,
}

pub(super) async fn check(aws: &Aws, ours: &ProviderSide) -> Result<Finding, Finding> {
    let client = Client::new(&aws.sdk);
    let mut wanted = vec![
        Wanted { name: &ours.deny_list_table, key: "pk", index: Some("byTime") },
        Wanted { name: &ours.endpoint_inventory_table, key: "endpointId", index: Some("byTime") },
        Wanted { name: &ours.certificate_inventory_table, key: "serialNumber", index: Some("byIdentity") },
    ];
    if let Some(SourceUri::DynamoDb(table)) = &ours.policy_source {
        wanted.push(Wanted { name: table, key: "pk", index: None });
    }
    let mut findings = Vec::new();
    for table in &wanted {
        findings.push(described(&client, table).await);
    }
    findings.push(expiry(&client, &ours.deny_list_table).await);
    Ok(worst(findings))
}

async fn described(client: &Client, wanted: &Wanted<'_>) -> Finding {
    match client.describe_table().table_name(wanted.name).send().await.map_err(explained) {
        Ok(described) => {
            described.table.map_or_else(|| missing(wanted.name, "no answer"), |table| judge(&table, wanted))
        }
        Err(error) => missing(wanted.name, &format!("{error:#}")),
    }
}

fn missing(name: &str, error: &str) -> Finding {
    Finding::red(
        format!("`{name}` cannot be described: {error}"),
        "look at the table's name, account and Region; the module `control-plane` makes the tables",
    )
}

fn judge(table: &TableDescription, wanted: &Wanted<'_>) -> Finding {
    let Wanted { name, key, index } = wanted;
    let remedy = "make it as the module `control-plane` does";
    if table.table_status() != Some(&TableStatus::Active) {
        let status = table.table_status().map_or("in no state", TableStatus::as_str);
        return Finding::red(format!("`{name}` is {status}"), "wait until it is active");
    }
    let hash = table.key_schema().iter().find(|element| element.key_type() == &KeyType::Hash);
    if hash.map(|element| element.attribute_name()) != Some(*key) {
        return Finding::red(format!("the key of `{name}` is not `{key}`"), remedy);
    }
    let has = |wanted: &str| table.global_secondary_indexes().iter().any(|index| index.index_name() == Some(wanted));
    match index.filter(|index| !has(index)) {
        Some(index) => Finding::red(format!("`{name}` lacks the index `{index}`"), remedy),
        None => Finding::green(format!("`{name}`")),
    }
}

/// Without it entries that have expired stay, which costs but does no harm: readers ignore them.
async fn expiry(client: &Client, table: &str) -> Finding {
    let described = client.describe_time_to_live().table_name(table).send().await;
    // A table that is not there has been told of.
    let Some(expiry) = described.ok().and_then(|described| described.time_to_live_description) else {
        return Finding::green("its expiry is not known");
    };
    let on = matches!(expiry.time_to_live_status(), Some(TimeToLiveStatus::Enabled | TimeToLiveStatus::Enabling));
    match on && expiry.attribute_name() == Some("expiresEpoch") {
        true => Finding::green("entries of the deny list expire"),
        false => Finding::yellow(
            format!("entries of `{table}` do not expire by `expiresEpoch`"),
            "turn on time to live, or old entries are read for ever",
        ),
    }
}
