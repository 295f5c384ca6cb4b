//! The certificate inventory: every certificate that was issued, by serial number and by identity.

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use policy_source::changed_at;
use telemetry::{CallError, Deadline};

use crate::certificate::Facts;
use crate::purpose::Purpose;

/// A DynamoDB table with the key `serialNumber` and the index `byIdentity` (`identity`, `notAfter`). A row has
/// `serialNumber`, `identity`, `kind` (`client` or `server`), `certificateArn`, `secret` (its ARN), `notBefore`,
/// `notAfter`, `publicKeySha256`, and `orphan` where no secret holds the certificate. Times as in the deny list.
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
    pub(crate) purpose: &'a Purpose,
    pub(crate) certificate_arn: &'a str,
    pub(crate) secret: &'a str,
    pub(crate) orphan: bool,
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
}

fn item(row: &Row<'_>) -> HashMap<String, AttributeValue> {
    let Row { facts, purpose, certificate_arn, secret, orphan } = *row;
    let texts = [
        ("serialNumber", Some(facts.serial_number.to_string())),
        ("identity", purpose.identity.as_ref().map(ToString::to_string)),
        ("kind", Some(purpose.kind.as_str().to_owned())),
        ("certificateArn", Some(certificate_arn.to_owned())),
        ("secret", Some(secret.to_owned())),
        ("notBefore", Some(changed_at(facts.not_before))),
        ("notAfter", Some(changed_at(facts.not_after))),
        ("publicKeySha256", Some(facts.public_key_sha256.clone())),
    ];
    let texts = texts.into_iter().filter_map(|(name, text)| Some((name.to_owned(), AttributeValue::S(text?))));
    texts.chain(orphan.then(|| ("orphan".to_owned(), AttributeValue::Bool(true)))).collect()
}
