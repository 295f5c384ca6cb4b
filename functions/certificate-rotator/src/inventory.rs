//! The certificate inventory: every certificate that was issued, by serial number and by identity.

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};
use policy::{Timestamp, sortable_time};
use telemetry::{CallError, Deadline};

use crate::certificate::Facts;
use crate::purpose::Kind;

const INDEX: &str = "byIdentity";

type Item = HashMap<String, AttributeValue>;

/// A DynamoDB table with the key `serialNumber` and the index `byIdentity` (`identity`, `notAfter`). A row has
/// `serialNumber`, `identity` (of a server without one `dns:` and its DNS names), `kind` (`client` or `server`),
/// `certificateArn`, `secret` (its ARN), `notBefore`, `notAfter`, `publicKeySha256`, and `orphan` where no secret holds the
/// certificate. A certificate that was only seen in an event of the authority has no `secret`, and `withdrawn` if it names
/// nothing of ours: nobody watches over it. Times as in the deny list.
#[derive(Debug)]
pub(crate) struct Inventory {
    client: Client,
    table: String,
}

/// A call about the inventory that failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("dynamodb:{operation} on the certificate inventory failed: {cause}")]
pub struct InventoryError {
    /// Which one.
    pub operation: &'static str,
    /// Why.
    pub cause: CallError,
}

/// A row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row<'a> {
    pub(crate) facts: &'a Facts,
    pub(crate) kind: Kind,
    /// The identity, or the DNS names of a server without one.
    pub(crate) subject: &'a str,
    pub(crate) certificate_arn: &'a str,
    pub(crate) holder: Holder<'a>,
}

/// Who has the certificate of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Holder<'a> {
    /// A secret.
    Secret(&'a str),
    /// Nobody: it was issued for this secret, and revoked.
    Orphan(&'a str),
    /// Nobody knows; it names an identity of ours.
    Unknown,
    /// Nobody knows, and it may be a stranger's server: the authority may have other users.
    Stranger,
}

/// What became of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Written {
    Now,
    /// It was there, with the secret that holds the certificate.
    Before,
    /// It was there, and no secret holds the certificate, or nobody knows which.
    BeforeAndNobodys,
}

/// A certificate with the same key as another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sibling {
    pub(crate) serial_number: String,
    pub(crate) certificate_arn: String,
    /// Which secret holds it; none if it is an orphan, or was only seen.
    pub(crate) secret: Option<String>,
}

impl Inventory {
    pub(crate) fn new(client: Client, table: String) -> Self {
        Self { client, table }
    }

    /// Writes a row; the same one again changes nothing.
    pub(crate) async fn put(&self, row: &Row<'_>, by: Deadline) -> Result<(), InventoryError> {
        let put = self.client.put_item().table_name(&self.table).set_item(Some(item(row)));
        let outcome = by.call(put.send()).await;
        outcome.map(drop).map_err(|cause| InventoryError { operation: "PutItem", cause })
    }

    /// Writes a row unless there is one.
    pub(crate) async fn put_new(&self, row: &Row<'_>, by: Deadline) -> Result<Written, InventoryError> {
        let put = self.client.put_item().table_name(&self.table).set_item(Some(item(row)));
        let put = put
            .condition_expression("attribute_not_exists(serialNumber)")
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let failed = |cause| InventoryError { operation: "PutItem", cause };
        let answer = by.limit(put.send()).await.ok_or_else(|| failed(CallError::deadline_exceeded()))?;
        match answer {
            Ok(_) => Ok(Written::Now),
            Err(error) => match error.as_service_error() {
                Some(PutItemError::ConditionalCheckFailedException(there)) => {
                    let is_held = |item: &Item| item.contains_key("secret") && !item.contains_key("orphan");
                    let is_known = there.item().is_some_and(is_held);
                    Ok(if is_known { Written::Before } else { Written::BeforeAndNobodys })
                }
                _ => Err(failed(error.into())),
            },
        }
    }

    /// How many certificates rotations had issued for an identity since then, and that have not expired.
    pub(crate) async fn issued_since(
        &self,
        subject: &str,
        since: Timestamp,
        (now, by): (Timestamp, Deadline),
    ) -> Result<usize, InventoryError> {
        let query = self
            .client
            .query()
            .table_name(&self.table)
            .index_name(INDEX)
            .key_condition_expression("#identity = :identity AND notAfter > :now")
            .filter_expression("notBefore > :since AND attribute_exists(secret)")
            .expression_attribute_names("#identity", "identity")
            .expression_attribute_values(":identity", AttributeValue::S(subject.to_owned()))
            .expression_attribute_values(":now", AttributeValue::S(sortable_time(now)))
            .expression_attribute_values(":since", AttributeValue::S(sortable_time(since)));
        let items: Result<Vec<_>, _> = by.call(query.into_paginator().items().send().collect()).await;
        items.map(|items| items.len()).map_err(|cause| InventoryError { operation: "Query", cause })
    }

    /// The certificates of an identity with this key.
    pub(crate) async fn with_key(
        &self,
        subject: &str,
        public_key_sha256: &str,
        by: Deadline,
    ) -> Result<Vec<Sibling>, InventoryError> {
        let query = self
            .client
            .query()
            .table_name(&self.table)
            .index_name(INDEX)
            .key_condition_expression("#identity = :identity")
            .filter_expression("publicKeySha256 = :key")
            .expression_attribute_names("#identity", "identity")
            .expression_attribute_values(":identity", AttributeValue::S(subject.to_owned()))
            .expression_attribute_values(":key", AttributeValue::S(public_key_sha256.to_owned()));
        let items: Result<Vec<_>, _> = by.call(query.into_paginator().items().send().collect()).await;
        let items = items.map_err(|cause| InventoryError { operation: "Query", cause })?;
        Ok(items.iter().filter_map(sibling).collect())
    }
}

fn item(row: &Row<'_>) -> Item {
    let Row { facts, kind, subject, certificate_arn, holder } = *row;
    let (secret, flag) = match holder {
        Holder::Secret(secret) => (Some(secret), None),
        Holder::Orphan(secret) => (Some(secret), Some("orphan")),
        Holder::Unknown => (None, None),
        Holder::Stranger => (None, Some("withdrawn")),
    };
    let texts = [
        ("serialNumber", Some(facts.serial_number.to_string())),
        ("identity", Some(subject.to_owned())),
        ("kind", Some(kind.as_str().to_owned())),
        ("certificateArn", Some(certificate_arn.to_owned())),
        ("secret", secret.map(str::to_owned)),
        ("notBefore", Some(sortable_time(facts.not_before))),
        ("notAfter", Some(sortable_time(facts.not_after))),
        ("publicKeySha256", Some(facts.public_key_sha256.clone())),
    ];
    let texts = texts.into_iter().filter_map(|(name, text)| Some((name.to_owned(), AttributeValue::S(text?))));
    texts.chain(flag.map(|flag| (flag.to_owned(), AttributeValue::Bool(true)))).collect()
}

fn sibling(item: &Item) -> Option<Sibling> {
    let text = |name: &str| item.get(name).and_then(|value| value.as_s().ok()).cloned();
    Some(Sibling {
        serial_number: text("serialNumber")?,
        certificate_arn: text("certificateArn")?,
        secret: text("secret").filter(|_| !item.contains_key("orphan")),
    })
}
