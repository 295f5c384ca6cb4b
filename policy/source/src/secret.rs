//! A certificate with its key in Secrets Manager.

use std::fmt;
use std::str::FromStr;

use aws_config::SdkConfig;
use aws_sdk_secretsmanager::Client;
use serde::Deserialize;

use crate::error::with_causes;

/// A secret, by its ARN or its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretId(String);

/// Why a text names no secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` names no secret; write `secretsmanager:` and an ARN, or a name of letters, digits and `/_+=.@-`")]
pub struct SecretIdError(String);

impl FromStr for SecretId {
    type Err = SecretIdError;

    /// Reads `secretsmanager:ARN`.
    fn from_str(text: &str) -> Result<Self, SecretIdError> {
        let refused = || SecretIdError(text.to_owned());
        let id = text.strip_prefix("secretsmanager:").ok_or_else(refused)?;
        let allowed = |c: char| c.is_ascii_alphanumeric() || "/_+=.@-".contains(c);
        let valid = match id.strip_prefix("arn:") {
            Some(arn) => arn.contains(":secretsmanager:") && arn.chars().all(|c| allowed(c) || c == ':'),
            None => id.chars().all(allowed),
        };
        if valid && (1..=2048).contains(&id.len()) { Ok(Self(id.to_owned())) } else { Err(refused()) }
    }
}

impl fmt::Display for SecretId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "secretsmanager:{}", self.0)
    }
}

/// Why a secret gave nothing; nothing of what it holds is in the message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SecretError {
    /// The call failed, after retries.
    #[error(
        "cannot read `{secret}`: {cause}; check that it exists in this account and Region, and that this process may \
         call secretsmanager:GetSecretValue on it and kms:Decrypt with its key"
    )]
    Call {
        /// `secretsmanager:ARN`.
        secret: SecretId,
        /// The SDK's error and its causes.
        cause: String,
    },
    /// Neither what the rotator writes nor PEM.
    #[error(
        "`{0}` holds neither JSON with the strings `certificate`, `chain` and `privateKey` nor PEM; let \
         certificate-rotator write it"
    )]
    Malformed(SecretId),
}

/// A certificate chain and its key, both in PEM.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyPair {
    /// The certificate and its intermediates.
    pub certificate_chain: Vec<u8>,
    /// Its key.
    pub private_key: Vec<u8>,
}

impl fmt::Debug for KeyPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyPair").finish_non_exhaustive()
    }
}

/// A certificate with its key in Secrets Manager: the version that is labelled `AWSCURRENT`.
///
/// The secret is JSON as certificate-rotator writes it, `{"certificate": PEM, "chain": PEM, "privateKey": PEM, …}`, of
/// which `chain` may be missing; or it is PEM itself, from which each reader takes what it looks for.
#[derive(Debug)]
pub struct Secret {
    client: Client,
    id: SecretId,
    /// The version given last.
    given: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Written {
    certificate: String,
    #[serde(default)]
    chain: String,
    private_key: String,
}

impl Secret {
    /// Opens a secret with the AWS configuration of the environment, reading nothing yet.
    pub async fn open(id: &SecretId) -> Self {
        Self::with_sdk(id, &crate::sdk::environment().await)
    }

    /// The same with this AWS configuration.
    #[must_use]
    pub fn with_sdk(id: &SecretId, sdk: &SdkConfig) -> Self {
        Self { client: Client::new(&crate::sdk::bounded(sdk)), id: id.clone(), given: None }
    }

    /// What the secret holds, if it is not the version given last.
    ///
    /// # Errors
    /// It cannot be read, or not be understood: what was given last is still right as far as anybody knows.
    pub async fn fetch(&mut self) -> Result<Option<KeyPair>, SecretError> {
        let answer = self.client.get_secret_value().secret_id(&self.id.0).send().await;
        let answer =
            answer.map_err(|error| SecretError::Call { secret: self.id.clone(), cause: with_causes(&error) })?;
        if answer.version_id.is_some() && answer.version_id == self.given {
            return Ok(None);
        }
        let text = answer.secret_string.unwrap_or_default();
        let pair = read(&text).ok_or_else(|| SecretError::Malformed(self.id.clone()))?;
        self.given = answer.version_id;
        Ok(Some(pair))
    }
}

fn read(text: &str) -> Option<KeyPair> {
    if text.trim_start().starts_with('{') {
        // The reader's own message would quote what it found.
        let Written { certificate, chain, private_key } = serde_json::from_str(text).ok()?;
        let certificate_chain = format!("{}\n{chain}", certificate.trim_end()).into_bytes();
        return Some(KeyPair { certificate_chain, private_key: private_key.into_bytes() });
    }
    let pem = || text.as_bytes().to_vec();
    text.contains("-----BEGIN ").then(|| KeyPair { certificate_chain: pem(), private_key: pem() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_named_by_arn_or_name() {
        for text in [
            "secretsmanager:arn:aws:secretsmanager:eu-west-1:123456789012:secret:invoices/server-a1b2c3",
            "secretsmanager:arn:aws-cn:secretsmanager:cn-north-1:123456789012:secret:x",
            "secretsmanager:invoices/server@2+x=y",
        ] {
            assert_eq!(text.parse::<SecretId>().unwrap().to_string(), text);
        }
        for text in ["", "server.key", "secretsmanager:", "secretsmanager:a b", "secretsmanager:arn:aws:s3:::bucket"] {
            assert_eq!(text.parse::<SecretId>(), Err(SecretIdError(text.to_owned())));
        }
    }

    #[test]
    fn what_the_rotator_writes_and_pem_are_understood_and_nothing_else() {
        let pair = read(r#"{"certificate":"C\n","chain":"I\n","privateKey":"K","serialNumber":"0a"}"#).unwrap();
        assert_eq!((pair.certificate_chain, pair.private_key), (b"C\nI\n".to_vec(), b"K".to_vec()));
        assert_eq!(read(r#"{"certificate":"C","privateKey":"K"}"#).unwrap().certificate_chain, b"C\n");
        assert!(read("-----BEGIN CERTIFICATE-----\n…").is_some());
        for text in ["", "{}", "hunter2", r#"{"certificate":"C"}"#, r#"{"certificate":7,"privateKey":"K"}"#] {
            assert!(read(text).is_none(), "{text}");
        }
        assert_eq!(format!("{:?}", read(r#"{"certificate":"C","privateKey":"K"}"#).unwrap()), "KeyPair { .. }");
    }
}
