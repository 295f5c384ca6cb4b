use std::borrow::Cow;

use jiff::Timestamp;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};

use super::DenialQuery;
use crate::date_time::DateTime;
use crate::document::{Given, Keyed};
use crate::{AccountId, SerialNumber, SpiffeId};

/// What an entry denies.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Subject {
    /// Certificates with this serial number, under whatever trust anchor.
    SerialNumber(SerialNumber),
    /// Certificates of this identity.
    Identity(SpiffeId),
    /// Whoever comes through an endpoint of this account.
    Account(AccountId),
}

/// One entry. As JSON or YAML it has the fields of the file, which are also those of the table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", try_from = "Keyed<Fields>")]
pub struct DenyListEntry {
    /// Who is denied.
    #[serde(flatten)]
    pub subject: Subject,
    /// The ARN of the CA that issued the certificate; a note, no part of the match.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate_authority: Option<String>,
    /// Why, for example `KEY_COMPROMISE`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Who asked for it; a claim.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requested_by: Option<String>,
    /// When it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// From this moment on the entry denies nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
    /// Only certificates whose notBefore is earlier are denied, so that a rotated one works.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issued_before: Option<Timestamp>,
}

impl DenyListEntry {
    /// The key of the table: `serial#…`, `identity#…` or `account#…`.
    #[must_use]
    pub fn key(&self) -> String {
        match &self.subject {
            Subject::SerialNumber(serial) => format!("serial#{serial}"),
            Subject::Identity(identity) => format!("identity#{identity}"),
            Subject::Account(account) => format!("account#{account}"),
        }
    }

    /// Whether it is in force and the certificate old enough; the subject is the caller's affair.
    pub(super) fn denies(&self, query: &DenialQuery<'_>) -> bool {
        self.expires.is_none_or(|expires| query.now < expires)
            && self.issued_before.is_none_or(|before| query.not_before < before)
    }
}

/// One thing that is denied: a certificate by its serial number, an identity, or an account.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("oneOf" = [{"required": ["serialNumber"]}, {"required": ["identity"]}, {"required": ["account"]}]))]
struct Fields {
    #[serde(default)]
    serial_number: Given<SerialNumber>,
    #[serde(default)]
    identity: Given<SpiffeId>,
    #[serde(default)]
    account: Given<AccountId>,
    #[serde(default)]
    certificate_authority: Given<String>,
    #[serde(default)]
    reason: Given<String>,
    #[serde(default)]
    requested_by: Given<String>,
    #[serde(default)]
    at: Given<DateTime>,
    #[serde(default)]
    expires: Given<DateTime>,
    #[serde(default)]
    issued_before: Given<DateTime>,
}

/// Why fields are not a [`DenyListEntry`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("one of `serialNumber`, `identity` and `account` must be here, and only one")]
pub struct DenyListEntryError;

impl TryFrom<Keyed<Fields>> for DenyListEntry {
    type Error = DenyListEntryError;

    fn try_from(Keyed(fields): Keyed<Fields>) -> Result<Self, Self::Error> {
        let subject = match (fields.serial_number.0, fields.identity.0, fields.account.0) {
            (Some(serial), None, None) => Subject::SerialNumber(serial),
            (None, Some(identity), None) => Subject::Identity(identity),
            (None, None, Some(account)) => Subject::Account(account),
            _ => return Err(DenyListEntryError),
        };
        let timestamp = |field: Given<DateTime>| field.0.map(|date_time| date_time.0);
        Ok(Self {
            subject,
            certificate_authority: fields.certificate_authority.0,
            reason: fields.reason.0,
            requested_by: fields.requested_by.0,
            at: timestamp(fields.at),
            expires: timestamp(fields.expires),
            issued_before: timestamp(fields.issued_before),
        })
    }
}

impl JsonSchema for DenyListEntry {
    fn schema_name() -> Cow<'static, str> {
        "DenyListEntry".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Fields::json_schema(generator)
    }
}
