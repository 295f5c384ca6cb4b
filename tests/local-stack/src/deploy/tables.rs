//! The product's tables.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection, ProjectionType,
    ScalarAttributeType, TimeToLiveSpecification,
};

use super::{DeployError, aws};
use crate::stack::LocalStack;

/// The tables' names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tables {
    /// Key `pk`; index `byTime` (`all`, `changedAt`); items expire by `expiresEpoch`.
    pub deny_list: String,
    /// Key `endpointId`; index `byTime` (`all`, `changedAt`).
    pub endpoint_inventory: String,
    /// Key `serialNumber`; index `byIdentity` (`identity`, `notAfter`).
    pub certificate_inventory: String,
    /// Key `pk`.
    pub access_policy: String,
}

/// A table: its name without prefix, its key, and at most one index (name, partition key, sort key).
struct Shape {
    name: &'static str,
    key: &'static str,
    index: Option<(&'static str, &'static str, &'static str)>,
}

const BY_TIME: (&str, &str, &str) = ("byTime", "all", "changedAt");
const DENY_LIST: Shape = Shape { name: "deny-list", key: "pk", index: Some(BY_TIME) };
const ENDPOINT_INVENTORY: Shape = Shape { name: "endpoint-inventory", key: "endpointId", index: Some(BY_TIME) };
const CERTIFICATE_INVENTORY: Shape =
    Shape { name: "certificate-inventory", key: "serialNumber", index: Some(("byIdentity", "identity", "notAfter")) };
const ACCESS_POLICY: Shape = Shape { name: "access-policy", key: "pk", index: None };

/// The deny list, the inventories and the access policy, with their keys and indexes, named `{prefix}deny-list` …
pub async fn tables(stack: &LocalStack, prefix: &str) -> Result<Tables, DeployError> {
    let client = Client::new(&stack.sdk_config(&stack.provider()).await);
    let tables = Tables {
        deny_list: create(&client, prefix, &DENY_LIST).await?,
        endpoint_inventory: create(&client, prefix, &ENDPOINT_INVENTORY).await?,
        certificate_inventory: create(&client, prefix, &CERTIFICATE_INVENTORY).await?,
        access_policy: create(&client, prefix, &ACCESS_POLICY).await?,
    };
    let expiry = TimeToLiveSpecification::builder().attribute_name("expiresEpoch").enabled(true).build();
    let expiry = expiry.map_err(aws("the deny list's expiry"))?;
    let update = client.update_time_to_live().table_name(&tables.deny_list).time_to_live_specification(expiry);
    update.send().await.map_err(aws("the deny list's expiry"))?;
    Ok(tables)
}

async fn create(client: &Client, prefix: &str, shape: &Shape) -> Result<String, DeployError> {
    let name = format!("{prefix}{}", shape.name);
    let what = format!("the table `{name}`");
    let (attributes, index) = definitions(shape).map_err(aws(&what))?;
    client
        .create_table()
        .table_name(&name)
        .billing_mode(BillingMode::PayPerRequest)
        .set_attribute_definitions(Some(attributes))
        .key_schema(key(shape.key, KeyType::Hash).map_err(aws(&what))?)
        .set_global_secondary_indexes(index.map(|index| vec![index]))
        .send()
        .await
        .map_err(aws(&what))?;
    Ok(name)
}

fn definitions(shape: &Shape) -> Result<(Vec<AttributeDefinition>, Option<GlobalSecondaryIndex>), BuildError> {
    let mut names = vec![shape.key];
    let mut index = None;
    if let Some((name, partition, sort)) = shape.index {
        names.extend([partition, sort]);
        let projection = Projection::builder().projection_type(ProjectionType::All).build();
        let built = GlobalSecondaryIndex::builder().index_name(name).projection(projection);
        index = Some(built.key_schema(key(partition, KeyType::Hash)?).key_schema(key(sort, KeyType::Range)?).build()?);
    }
    Ok((names.into_iter().map(text).collect::<Result<_, _>>()?, index))
}

fn text(name: &str) -> Result<AttributeDefinition, BuildError> {
    AttributeDefinition::builder().attribute_name(name).attribute_type(ScalarAttributeType::S).build()
}

fn key(name: &str, kind: KeyType) -> Result<KeySchemaElement, BuildError> {
    KeySchemaElement::builder().attribute_name(name).key_type(kind).build()
}
