use policy::{SerialNumber, SpiffeId, Timestamp};
use serde::Serialize;

use crate::purpose::Kind;

/// What a step did; in audit mode what it would have done.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    /// The step, or `issuance` for an event of the authority.
    pub step: &'static str,
    /// The secret's ARN.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_id: Option<String>,
    /// In one word.
    pub outcome: Outcome,
    /// Which side of a connection the certificate is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<Kind>,
    /// Whom the certificate is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity: Option<SpiffeId>,
    /// Of the certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub serial_number: Option<SerialNumber>,
    /// Of the certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_after: Option<Timestamp>,
}

/// What became of a step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    /// A new certificate is pending.
    Created,
    /// It was pending already.
    AlreadyPending,
    /// It is current already.
    AlreadyCurrent,
    /// Nobody has to be told.
    NothingToSet,
    /// It would be accepted, and was where it was tried.
    Tested,
    /// It is current now.
    Finished,
    /// Audit mode: nothing was done.
    Audited,
    /// An event that is about nothing of ours.
    #[default]
    Ignored,
    /// A certificate that was written down before.
    Known,
    /// A certificate that nobody had written down.
    Recorded,
    /// A certificate that no secret holds was revoked.
    Orphan,
}
