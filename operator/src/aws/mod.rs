//! How a command reaches AWS: nothing of this is touched by the commands that work offline.

pub(crate) mod appconfig;
mod bus;
pub(crate) mod grants;
mod item;
pub(crate) mod signed;

use std::future::Future;

use anyhow::Context as _;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

pub(crate) use bus::{Event, OPERATOR, PRODUCT, send};
pub(crate) use item::{Item, scan};

/// Runs a command that waits for answers.
pub(crate) fn block_on<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("no threads")?;
    runtime.block_on(work)
}

/// The configuration of the environment: credentials, Region, `AWS_ENDPOINT_URL…`.
pub(crate) async fn config() -> SdkConfig {
    aws_config::load_defaults(BehaviorVersion::latest()).await
}

/// What an SDK's error says, with the service's own words; they are in the chain of causes otherwise.
pub(crate) fn explained<E, R>(error: aws_smithy_runtime_api::client::result::SdkError<E, R>) -> anyhow::Error
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    R: std::fmt::Debug + Send + Sync + 'static,
{
    match (error.code().map(str::to_owned), error.message().map(str::to_owned)) {
        (Some(code), Some(message)) => anyhow::anyhow!("{code}: {message}"),
        (Some(code), None) => anyhow::anyhow!("{code}"),
        _ => anyhow::Error::from(error),
    }
}
