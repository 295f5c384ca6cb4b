use std::time::Duration;

use lambda_runtime::Diagnostic;
use policy::SerialNumber;
use telemetry::{AuditError, FieldError};

use crate::authority::AuthorityError;
use crate::certificate::Mismatch;
use crate::document::ForeignContent;
use crate::handshake::HandshakeError;
use crate::inventory::InventoryError;
use crate::private_key::PrivateKeyError;
use crate::purpose::PurposeError;
use crate::secret::SecretError;
use crate::trust_domain::TrustDomainError;

/// Why an invocation failed. Secrets Manager tries the rotation again, with the same version; what was done is not done
/// twice.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// A foreign or malformed event. Nothing was changed.
    #[error(transparent)]
    Event(#[from] FieldError),
    /// Secrets Manager does not answer as it should.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The secret does not say whom the certificate is for, or nobody we issue for.
    #[error(transparent)]
    Purpose(#[from] PurposeError),
    /// Nobody says which identities are ours.
    #[error(transparent)]
    TrustDomain(#[from] TrustDomainError),
    /// Somebody else wrote this version.
    #[error("version `{version_id}`: {cause}; take AWSPENDING away from it and rotate again")]
    Foreign { version_id: String, cause: ForeignContent },
    /// The tags changed while the rotation went on.
    #[error(
        "whom the certificate is for has changed since this rotation began; take AWSPENDING away from version `{0}` and rotate again"
    )]
    Changed(String),
    /// There is nothing to try or to put to use.
    #[error("version `{0}` holds no whole certificate; createSecret comes first")]
    NotPending(String),
    /// A step that comes late, or again, after another rotation.
    #[error("version `{0}` is neither AWSPENDING nor AWSCURRENT: its rotation has ended; nothing was changed")]
    Ended(String),
    /// It was asked for twice already, and both answers were lost.
    #[error(
        "two certificates were asked for and none was seen; take AWSPENDING away from version `{0}`, find out why, and rotate again"
    )]
    GaveUp(String),
    /// Too many rotations at once.
    #[error("no certificate may be issued within this invocation: too many rotations at once")]
    TooFast,
    /// A loop somewhere.
    #[error(
        "a certificate was issued for `{subject}` less than {window:?} ago; find out why there is to be another, then wait \
         or set LINKWARD_ISSUANCE_WINDOW to `0s` for as long as it takes"
    )]
    TooOften { subject: String, window: Duration },
    /// The authority does not do what it should.
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    /// What was issued is not what was asked for. It was revoked.
    #[error("certificate `{serial_number}` is not used: {cause}")]
    Mismatch { serial_number: SerialNumber, cause: Mismatch },
    /// What is kept is no good.
    #[error("the certificate is not used: {0}")]
    Unusable(#[from] Mismatch),
    /// No key.
    #[error(transparent)]
    PrivateKey(#[from] PrivateKeyError),
    /// The certificate could not be written down, so that nobody could revoke it by its identity: it is not used.
    #[error(transparent)]
    Inventory(#[from] InventoryError),
    /// It was tried, and refused.
    #[error("the pending certificate is not used: {0}")]
    Handshake(#[from] HandshakeError),
    /// What was done is done; the audit trail has a gap.
    #[error(transparent)]
    Audit(#[from] AuditError),
}

impl Failure {
    /// The word of the metric, in camelCase.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Event(_) => "malformedEvent",
            Self::Secret(_) => "secretUnavailable",
            Self::Purpose(_) | Self::Changed(_) => "purposeRefused",
            Self::TrustDomain(_) => "policyUnavailable",
            Self::Foreign { .. } => "foreignVersion",
            Self::NotPending(_) | Self::Ended(_) => "notPending",
            Self::GaveUp(_) => "gaveUp",
            Self::TooFast | Self::TooOften { .. } => "tooFast",
            Self::Authority(_) => "authorityUnavailable",
            Self::Mismatch { .. } | Self::Unusable(_) => "certificateMismatch",
            Self::PrivateKey(_) => "privateKey",
            Self::Inventory(_) => "inventoryUnavailable",
            Self::Handshake(_) => "handshakeFailed",
            Self::Audit(_) => "auditIncomplete",
        }
    }
}

impl From<Failure> for Diagnostic {
    fn from(failure: Failure) -> Self {
        Self { error_type: failure.as_str().to_owned(), error_message: failure.to_string() }
    }
}
