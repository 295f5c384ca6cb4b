use std::borrow::Cow;
use std::str::FromStr;

use jiff::Timestamp;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};

use super::DenialQuery;
use crate::date_time::DateTime;
use crate::document::{Given, Keyed};
use crate::{AccountId, AccountIdError, SerialNumber, SerialNumberError, SpiffeId, SpiffeIdError};

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

/// Why a key of the table names nobody.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SubjectError {
    /// Nothing that could be denied.
    #[error("`pk` must begin with `serial#`, `identity#` or `account#`")]
    Kind,
    /// No serial number.
    #[error(transparent)]
    SerialNumber(#[from] SerialNumberError),
    /// No SPIFFE ID.
    #[error(transparent)]
    Identity(#[from] SpiffeIdError),
    /// No account.
    #[error(transparent)]
    Account(#[from] AccountIdError),
}

impl FromStr for Subject {
    type Err = SubjectError;

    /// Reads a key of the table, in any spelling: `serial#0A:1B` is `serial#a1b`.
    fn from_str(key: &str) -> Result<Self, SubjectError> {
        match key.split_once('#') {
            Some(("serial", serial)) => Ok(Self::SerialNumber(serial.parse()?)),
            Some(("identity", identity)) => Ok(Self::Identity(identity.parse()?)),
            Some(("account", account)) => Ok(Self::Account(account.parse()?)),
            _ => Err(SubjectError::Kind),
        }
    }
}

impl Subject {
    fn parts(&self) -> (&'static str, &str) {
        match self {
            Self::SerialNumber(serial) => ("serial", serial.as_str()),
            Self::Identity(identity) => ("identity", identity.as_str()),
            Self::Account(account) => ("account", account.as_str()),
        }
    }

    /// Whether this is its key, in the one spelling that we write.
    pub(super) fn is_key(&self, key: &str) -> bool {
        key.split_once('#') == Some(self.parts())
    }
}

impl From<Subject> for DenyListEntry {
    /// Denied without limit.
    fn from(subject: Subject) -> Self {
        let (certificate_authority, reason, requested_by) = (None, None, None);
        let (at, expires, issued_before) = (None, None, None);
        Self { subject, certificate_authority, reason, requested_by, at, expires, issued_before }
    }
}

impl DenyListEntry {
    /// The key of the table: `serial#…`, `identity#…` or `account#…`.
    #[must_use]
    pub fn key(&self) -> String {
        let (kind, name) = self.subject.parts();
        format!("{kind}#{name}")
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
