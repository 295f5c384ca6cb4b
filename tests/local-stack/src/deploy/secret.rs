//! Secrets.

use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::types::Tag;

use super::{DeployError, aws, missing};
use crate::stack::LocalStack;

/// A secret with its first value and its tags; returns its ARN. Nobody rotates it: the emulator calls no function.
pub async fn secret(stack: &LocalStack, name: &str, value: &str, tags: &[(&str, &str)]) -> Result<String, DeployError> {
    let client = Client::new(&stack.sdk_config(&stack.provider()).await);
    let what = format!("the secret `{name}`");
    let tags = tags.iter().map(|(key, value)| Tag::builder().key(*key).value(*value).build()).collect();
    let secret = client.create_secret().name(name).secret_string(value).set_tags(Some(tags)).send().await;
    secret.map_err(aws(&what))?.arn.ok_or_else(|| missing(what, "ARN"))
}

/// What the version with this label holds, such as `AWSCURRENT`.
pub async fn secret_value(stack: &LocalStack, arn: &str, label: &str) -> Result<String, DeployError> {
    let client = Client::new(&stack.sdk_config(&stack.provider()).await);
    let what = format!("the value `{label}` of `{arn}`");
    let value = client.get_secret_value().secret_id(arn).version_stage(label).send().await.map_err(aws(&what))?;
    value.secret_string.ok_or_else(|| missing(what, "text"))
}
