//! Secrets Manager: what is said of a secret, what its versions hold, which labels they have.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use aws_sdk_secretsmanager::Client;
use telemetry::{CallError, Deadline};

use crate::purpose::Tags;
use crate::quiet::quiet;
use crate::request::{RotationToken, VersionId};

pub(crate) const CURRENT: &str = "AWSCURRENT";
pub(crate) const PENDING: &str = "AWSPENDING";
/// Keeps a draft findable when somebody takes `AWSPENDING` away to begin anew, as AWS's troubleshooting page tells them.
pub(crate) const DRAFT: &str = "LINKWARDDRAFT";

/// What passes while Secrets Manager works on the same secret elsewhere.
const PASSES: &[&str] = &["ThrottlingException", "InternalServiceError", "timeout", "unreachable"];

/// The version does not have the label, or is gone.
const NOT_THERE: &[&str] = &["InvalidParameterException", "ResourceNotFoundException"];

#[derive(Debug)]
pub(crate) struct Secrets {
    client: Client,
}

/// A secret as it is described: everything but its values.
#[derive(Clone, Debug, Default)]
pub(crate) struct Description {
    pub(crate) arn: String,
    pub(crate) tags: Tags,
    /// The labels of each version that has any.
    pub(crate) versions: BTreeMap<String, BTreeSet<String>>,
    /// How often it is rotated, if by days.
    pub(crate) every_days: Option<i64>,
}

/// A call to Secrets Manager that failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("secretsmanager:{operation} failed: {cause}")]
pub struct SecretError {
    /// Which one.
    pub operation: &'static str,
    /// Why. It holds nothing of an answer, which may hold a secret.
    pub cause: CallError,
}

/// What became of a new value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kept {
    /// It is there.
    Now,
    /// The version holds another value: somebody was faster.
    Other,
}

impl Description {
    pub(crate) fn has(&self, version_id: &str, label: &str) -> bool {
        self.versions.get(version_id).is_some_and(|labels| labels.contains(label))
    }

    /// Whether a version is pending or current. A whole one that is neither belongs to a rotation that has ended, of which a
    /// step may come late.
    pub(crate) fn is_in_play(&self, version_id: &str) -> bool {
        self.has(version_id, PENDING) || self.has(version_id, CURRENT)
    }

    /// The versions with a label; AWS gives each to one version only, others may be less strict.
    pub(crate) fn with<'a>(&'a self, label: &'a str) -> impl Iterator<Item = &'a str> {
        self.versions.iter().filter(move |(_, labels)| labels.contains(label)).map(|(id, _)| id.as_str())
    }
}

impl Secrets {
    pub(crate) fn new(client: Client) -> Self {
        Self { client }
    }

    pub(crate) async fn describe(&self, secret_id: &str, by: Deadline) -> Result<Description, SecretError> {
        let call = async || quiet(by, self.client.describe_secret().secret_id(secret_id).send()).await;
        let answer = retried(by, "DescribeSecret", call).await?;
        let tags = answer.tags().iter().filter_map(|tag| Some((tag.key()?.to_owned(), tag.value()?.to_owned())));
        let versions = answer.version_ids_to_stages().into_iter().flatten();
        Ok(Description {
            arn: answer.arn().unwrap_or(secret_id).to_owned(),
            tags: tags.collect::<HashMap<_, _>>(),
            versions: versions.map(|(id, labels)| (id.clone(), labels.iter().cloned().collect())).collect(),
            every_days: answer.rotation_rules().and_then(|rules| rules.automatically_after_days()),
        })
    }

    /// What a version holds; none if there is no such version, or nothing in it yet.
    pub(crate) async fn value(&self, arn: &str, version_id: &str, by: Deadline) -> Result<Option<String>, SecretError> {
        let call =
            async || quiet(by, self.client.get_secret_value().secret_id(arn).version_id(version_id).send()).await;
        match retried(by, "GetSecretValue", call).await {
            Ok(answer) => Ok(answer.secret_string),
            Err(error) if error.cause.code == "ResourceNotFoundException" => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// A new version with these labels, which other versions lose.
    pub(crate) async fn put(
        &self,
        arn: &str,
        version_id: &str,
        value: &str,
        (labels, token): (&[&str], Option<&RotationToken>),
        by: Deadline,
    ) -> Result<Kept, SecretError> {
        let call = async || {
            let labels = labels.iter().map(|label| (*label).to_owned()).collect();
            let put = self.client.put_secret_value().secret_id(arn).client_request_token(version_id);
            let put = put.secret_string(value).set_version_stages(Some(labels));
            quiet(by, put.set_rotation_token(token.map(|token| token.reveal().to_owned())).send()).await
        };
        match retried(by, "PutSecretValue", call).await {
            Ok(_) => Ok(Kept::Now),
            Err(error) if error.cause.code == "ResourceExistsException" => Ok(Kept::Other),
            Err(error) => Err(error),
        }
    }

    /// Gives a label to a version, and takes it from the one that has it.
    pub(crate) async fn move_label(
        &self,
        arn: &str,
        label: &str,
        (from, to): (Option<&str>, &VersionId),
        by: Deadline,
    ) -> Result<(), SecretError> {
        let call = async || {
            let update = self.client.update_secret_version_stage().secret_id(arn).version_stage(label);
            let update = update.move_to_version_id(to.as_str()).set_remove_from_version_id(from.map(str::to_owned));
            quiet(by, update.send()).await
        };
        retried(by, "UpdateSecretVersionStage", call).await.map(drop)
    }

    /// Takes a label away; whether it was there.
    pub(crate) async fn remove_label(
        &self,
        arn: &str,
        label: &str,
        from: &str,
        by: Deadline,
    ) -> Result<bool, SecretError> {
        let call = async || {
            let update = self.client.update_secret_version_stage().secret_id(arn).version_stage(label);
            quiet(by, update.remove_from_version_id(from).send()).await
        };
        match retried(by, "UpdateSecretVersionStage", call).await {
            Ok(_) => Ok(true),
            Err(error) if NOT_THERE.contains(&error.cause.code.as_str()) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

async fn retried<T>(
    by: Deadline,
    operation: &'static str,
    call: impl AsyncFnMut() -> Result<T, CallError>,
) -> Result<T, SecretError> {
    let outcome = by.retry(|error| PASSES.contains(&error.code.as_str()), call).await;
    outcome.map_err(|cause| SecretError { operation, cause })
}
