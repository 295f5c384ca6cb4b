//! What Secrets Manager asks for. Only a whole, known request is one.

use std::fmt;
use std::str::FromStr;

use serde_json::Value;
use telemetry::{FieldError, Fields};

/// One step of a rotation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Which one.
    pub step: Step,
    /// The secret's ARN, or its name.
    pub secret_id: String,
    /// Which rotation; also the id of the new version.
    pub version_id: VersionId,
    /// Where Secrets Manager wants to know that a new value comes from the rotation it has started.
    pub rotation_token: Option<RotationToken>,
}

/// The steps of a rotation, in their order.
/// <https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html>
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A new certificate becomes the pending value.
    CreateSecret,
    /// The service that checks it is told; ours needs no telling.
    SetSecret,
    /// The pending value is tried.
    TestSecret,
    /// The pending value becomes the current one.
    FinishSecret,
}

/// None of them.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is none of createSecret, setSecret, testSecret, finishSecret")]
pub struct StepError(String);

/// The id of a version of a secret: 32 to 64 letters, digits and dashes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VersionId(String);

/// No id of a version.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("it has 32 to 64 letters, digits and dashes, as a UUID")]
pub struct VersionIdError;

/// Proves to Secrets Manager who writes; never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct RotationToken(String);

impl Step {
    const ALL: [Self; 4] = [Self::CreateSecret, Self::SetSecret, Self::TestSecret, Self::FinishSecret];

    /// Secrets Manager's word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CreateSecret => "createSecret",
            Self::SetSecret => "setSecret",
            Self::TestSecret => "testSecret",
            Self::FinishSecret => "finishSecret",
        }
    }
}

impl FromStr for Step {
    type Err = StepError;

    fn from_str(text: &str) -> Result<Self, StepError> {
        Self::ALL.into_iter().find(|step| step.as_str() == text).ok_or_else(|| StepError(text.to_owned()))
    }
}

impl VersionId {
    /// The id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for VersionId {
    type Err = VersionIdError;

    fn from_str(text: &str) -> Result<Self, VersionIdError> {
        let plain = text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        if plain && (32..=64).contains(&text.len()) { Ok(Self(text.to_owned())) } else { Err(VersionIdError) }
    }
}

impl fmt::Display for VersionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl RotationToken {
    /// To be sent, and to nobody but Secrets Manager.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for RotationToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RotationToken(…)")
    }
}

impl TryFrom<&Value> for Request {
    type Error = FieldError;

    /// Fields that we do not know are left alone: this event is AWS's, not ours.
    fn try_from(event: &Value) -> Result<Self, FieldError> {
        let fields = Fields::of(event)?;
        let secret_id = fields.text("SecretId")?;
        if secret_id.len() > 2048 {
            return Err(fields.error("SecretId", "has more than 2048 bytes"));
        }
        Ok(Self {
            step: fields.parsed("Step")?,
            secret_id: secret_id.to_owned(),
            version_id: fields.parsed("ClientRequestToken")?,
            rotation_token: rotation_token(event, &fields)?,
        })
    }
}

/// Where nothing has to be proven it is missing, empty or null.
fn rotation_token(event: &Value, fields: &Fields<'_>) -> Result<Option<RotationToken>, FieldError> {
    match event.get("RotationToken") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(token)) => Ok((!token.is_empty()).then(|| RotationToken(token.clone()))),
        // Its value is not told.
        Some(_) => Err(fields.error("RotationToken", "must be a string")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_rotation_token_is_not_shown() {
        let mut event = json!({"Step": "setSecret", "SecretId": "s", "ClientRequestToken": "0".repeat(32)});
        assert_eq!(Request::try_from(&event).unwrap().rotation_token, None);
        event["RotationToken"] = json!("very secret");
        let request = Request::try_from(&event).unwrap();
        assert_eq!(request.rotation_token.as_ref().unwrap().reveal(), "very secret");
        assert!(!format!("{request:?}").contains("very"), "{request:?}");
        event["RotationToken"] = json!({"very": "secret"});
        assert_eq!(Request::try_from(&event).unwrap_err().to_string(), "field `RotationToken` must be a string");
    }

    #[test]
    fn a_version_id_has_32_to_64_plain_characters() {
        for good in ["3d1f7c1e-5a0b-4d7e-9a52-0c7a1c1f0b11".to_owned(), "a".repeat(32), "a".repeat(64)] {
            assert_eq!(good.parse::<VersionId>().unwrap().as_str(), good);
        }
        for bad in ["".to_owned(), "a".repeat(31), "a".repeat(65), "ü".repeat(32), "a b".repeat(12)] {
            assert_eq!(bad.parse::<VersionId>(), Err(VersionIdError), "{bad}");
        }
    }
}
