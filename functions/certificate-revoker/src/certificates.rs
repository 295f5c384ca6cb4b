//! The certificate inventory: which certificates an identity has.

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use policy::sortable_time;
use policy::{AuthorityArn, SerialNumber, SpiffeId};
use telemetry::{CallError, Deadline};

const INDEX: &str = "byIdentity";

/// A DynamoDB table with the key `serialNumber` and the index `byIdentity` (`identity`, `notAfter`): a row for each
/// certificate, with its `certificateArn` and its `kind`, `client` or `server`. Times as in the deny list.
#[derive(Debug)]
pub(crate) struct CertificateInventory {
    client: Client,
    table: String,
}

/// A certificate to revoke.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Certificate {
    pub(crate) serial_number: SerialNumber,
    /// None: the row does not say which.
    pub(crate) authority: Option<AuthorityArn>,
    /// The runtime's own.
    pub(crate) is_server: bool,
}

impl CertificateInventory {
    pub(crate) fn new(client: Client, table: String) -> Self {
        Self { client, table }
    }

    /// Whether a certificate is the runtime's own; one that nobody wrote down is not.
    pub(crate) async fn is_server(&self, serial_number: &SerialNumber, by: Deadline) -> Result<bool, CallError> {
        let key = AttributeValue::S(serial_number.to_string());
        let row = self.client.get_item().table_name(&self.table).key("serialNumber", key).consistent_read(true);
        let row = by.call(row.send()).await?;
        Ok(row.item().is_some_and(is_server))
    }

    /// The certificates of an identity that have not expired, or the serial number as written where it cannot be read.
    pub(crate) async fn of(
        &self,
        identity: &SpiffeId,
        now: Timestamp,
        by: Deadline,
    ) -> Result<Vec<Result<Certificate, String>>, CallError> {
        let query = self
            .client
            .query()
            .table_name(&self.table)
            .index_name(INDEX)
            .key_condition_expression("#identity = :identity AND #notAfter > :now")
            .expression_attribute_names("#identity", "identity")
            .expression_attribute_names("#notAfter", "notAfter")
            .expression_attribute_values(":identity", AttributeValue::S(identity.to_string()))
            .expression_attribute_values(":now", AttributeValue::S(sortable_time(now)));
        let items: Vec<_> = by.call(query.into_paginator().items().send().collect::<Result<_, _>>()).await?;
        Ok(items.iter().map(certificate).collect())
    }
}

fn certificate(item: &HashMap<String, AttributeValue>) -> Result<Certificate, String> {
    let text = |name: &str| item.get(name).and_then(|value| value.as_s().ok());
    let serial_number = text("serialNumber").map_or("", String::as_str);
    Ok(Certificate {
        is_server: is_server(item),
        serial_number: serial_number.parse().map_err(|_| serial_number.to_owned())?,
        authority: text("certificateArn").and_then(|arn| AuthorityArn::of_certificate(arn)),
    })
}

fn is_server(item: &HashMap<String, AttributeValue>) -> bool {
    item.get("kind").and_then(|kind| kind.as_s().ok()).is_some_and(|kind| kind == "server")
}
