//! What a version of the secret holds: a draft while its certificate is being issued, then the whole.

use std::fmt::Write;

use policy::{AuthorityArn, SerialNumber, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::private_key::PrivateKey;
use crate::purpose::Purpose;
use crate::request::VersionId;

/// What applications read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Complete {
    /// PEM of the end-entity certificate.
    pub(crate) certificate: String,
    /// PEM of the issuing authority's certificate, then those above it.
    pub(crate) chain: String,
    pub(crate) private_key: PrivateKey,
    #[serde(flatten)]
    pub(crate) purpose: Purpose,
    pub(crate) serial_number: SerialNumber,
    pub(crate) not_after: Timestamp,
}

/// Everything that is needed to go on after a crash. A version of a secret never changes: each state of a draft is a
/// version of its own, with an id that follows from the rotation's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Draft {
    /// The rotation that began it, whose id the whole version gets.
    rotation: String,
    #[serde(flatten)]
    pub(crate) purpose: Purpose,
    pub(crate) private_key: PrivateKey,
    /// PEM.
    pub(crate) certificate_signing_request: String,
    pub(crate) certificate_authority_arn: AuthorityArn,
    pub(crate) requested_not_before: Timestamp,
    pub(crate) requested_not_after: Timestamp,
    /// When the authority was asked to issue, each time written before it was.
    pub(crate) attempts: Vec<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) certificate_arn: Option<String>,
}

/// What a version holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Stored {
    Draft(Box<Draft>),
    Complete(Box<Complete>),
}

/// A version holds something else. What it holds is not told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it holds neither a certificate nor the beginning of one")]
pub struct ForeignContent;

impl Stored {
    pub(crate) fn read(text: &str) -> Result<Self, ForeignContent> {
        let value: Value = serde_json::from_str(text).map_err(|_| ForeignContent)?;
        let stored = match value.get("certificateSigningRequest") {
            Some(_) => serde_json::from_value(value).map(Box::new).map(Self::Draft),
            None => serde_json::from_value(value).map(Box::new).map(Self::Complete),
        };
        // The cause would quote what it could not read.
        stored.map_err(|_| ForeignContent)
    }
}

impl Draft {
    /// A new key for this rotation; the authority is to be asked right after it is kept.
    pub(crate) fn new(
        rotation: &VersionId,
        purpose: Purpose,
        (private_key, certificate_signing_request): (PrivateKey, String),
        certificate_authority_arn: AuthorityArn,
        [requested_not_before, requested_not_after]: [Timestamp; 2],
        now: Timestamp,
    ) -> Self {
        Self {
            rotation: rotation.as_str().to_owned(),
            purpose,
            private_key,
            certificate_signing_request,
            certificate_authority_arn,
            requested_not_before,
            requested_not_after,
            attempts: vec![now],
            certificate_arn: None,
        }
    }

    /// The id of the version that holds the whole, once there is one.
    pub(crate) fn rotation(&self) -> Result<VersionId, ForeignContent> {
        self.rotation.parse().map_err(|_| ForeignContent)
    }

    /// The id of the version that holds this state of the draft.
    pub(crate) fn version_id(&self) -> String {
        let state = match &self.certificate_arn {
            Some(_) => "issued".to_owned(),
            None => format!("attempt {}", self.attempts.len()),
        };
        derived(&[&self.rotation, &state])
    }

    /// By which the authority knows that it was asked before; 32 characters, it takes 36.
    pub(crate) fn idempotency_token(&self) -> String {
        derived(&[&self.rotation, "IssueCertificate"]).replace('-', "")
    }

    /// How far it got: of two drafts of one rotation the later one counts.
    pub(crate) fn progress(&self) -> (bool, usize) {
        (self.certificate_arn.is_some(), self.attempts.len())
    }

    pub(crate) fn is_of(&self, rotation: &VersionId) -> bool {
        self.rotation == rotation.as_str()
    }
}

/// Always the same for the same words, in the form of a UUID.
fn derived(words: &[&str]) -> String {
    let digest = Sha256::digest(words.join("\n"));
    let mut id = String::with_capacity(36);
    for (index, byte) in digest.iter().take(16).enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            id.push('-');
        }
        // Writing to a `String` cannot fail.
        let _ = write!(id, "{byte:02x}");
    }
    id
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft() -> Draft {
        let identity = Some("spiffe://internal.example/prod/orders-api".parse().unwrap());
        let purpose = Purpose { kind: Default::default(), identity, dns_names: Vec::new() };
        let keys = PrivateKey::generate(&purpose).unwrap();
        let authority = "arn:aws:acm-pca:eu-west-1:111122223333:certificate-authority/1".parse().unwrap();
        let rotation = "0".repeat(32).parse().unwrap();
        Draft::new(&rotation, purpose, keys, authority, [Timestamp::UNIX_EPOCH; 2], Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn each_state_has_an_id_of_its_own_that_is_always_the_same() {
        let mut draft = draft();
        let first = draft.version_id();
        assert_eq!((first.len(), &first), (36, &draft.clone().version_id()));
        draft.attempts.push(Timestamp::UNIX_EPOCH);
        let second = draft.version_id();
        draft.certificate_arn = Some("arn".to_owned());
        let issued = draft.version_id();
        assert!(first != second && second != issued && first != issued);
        assert!(first.parse::<VersionId>().is_ok());
        assert_eq!(draft.idempotency_token().len(), 32);
    }

    #[test]
    fn what_is_written_is_read_and_nothing_of_it_is_shown() {
        let draft = draft();
        let text = serde_json::to_string(&draft).unwrap();
        assert!(text.contains("BEGIN PRIVATE KEY") && text.contains(r#""identity":"spiffe://"#), "{text}");
        let read = Stored::read(&text).unwrap();
        assert_eq!(read, Stored::Draft(Box::new(draft)));
        assert!(!format!("{read:?}").contains("BEGIN PRIVATE KEY"));
        for foreign in ["", "{}", "[]", "hunter2", r#"{"password":"hunter2"}"#, r#"{"certificateSigningRequest":"x"}"#]
        {
            assert_eq!(Stored::read(foreign), Err(ForeignContent), "{foreign}");
        }
    }
}
