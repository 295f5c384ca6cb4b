//! DynamoDB: one client, every call bounded in time.

mod entry;
mod item;
mod page;
mod policy_table;
mod rows;

use std::error::Error;
use std::time::Duration;

use aws_config::{BehaviorVersion, SdkConfig};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;

use crate::error::with_causes;

pub(crate) use entry::Entry;
pub use item::changed_at;
pub(crate) use policy_table::PolicyTable;
pub(crate) use rows::Rows;

/// Why a table gave nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TableError {
    /// A call failed, after retries.
    #[error(
        "cannot read table `{table}`: {cause}; check that it exists in this account and Region, and that this \
         process may call dynamodb:{operation} on it"
    )]
    Call {
        /// The table.
        table: String,
        /// DynamoDB's operation.
        operation: &'static str,
        /// The SDK's error and its causes.
        cause: String,
    },
    /// There is no policy in the table.
    #[error("table `{0}` has no item `meta`; put one with `pk`, `revision` and `document`")]
    NoPolicy(String),
    /// An item that cannot be understood. Nothing of what was read with it comes into force.
    #[error("table `{table}`, item `{key}`: {cause}; correct or delete the item")]
    Malformed {
        /// The table.
        table: String,
        /// The item's key.
        key: String,
        /// What is wrong with it.
        cause: String,
    },
}

/// The AWS configuration of the environment.
pub(crate) async fn environment() -> SdkConfig {
    aws_config::load_defaults(BehaviorVersion::latest()).await
}

#[derive(Clone, Debug)]
struct Table {
    client: Client,
    name: String,
}

impl Table {
    fn new(name: &str, sdk: &SdkConfig) -> Self {
        let set = sdk.timeout_config().map(TimeoutConfig::to_builder).unwrap_or_default();
        let bounds = TimeoutConfig::builder()
            .operation_attempt_timeout(Duration::from_secs(3))
            .operation_timeout(Duration::from_secs(10));
        let config =
            aws_sdk_dynamodb::config::Builder::from(sdk).timeout_config(set.take_unset_from(bounds).build()).build();
        Self { client: Client::from_conf(config), name: name.to_owned() }
    }

    fn failed(&self, operation: &'static str, error: &dyn Error) -> TableError {
        TableError::Call { table: self.name.clone(), operation, cause: with_causes(error) }
    }

    fn malformed(&self, key: &str, cause: String) -> TableError {
        TableError::Malformed { table: self.name.clone(), key: key.to_owned(), cause }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_call_is_bounded_although_the_environment_bounds_none() {
        let sdk = SdkConfig::builder().behavior_version(BehaviorVersion::latest()).build();
        let table = Table::new("deny-list", &sdk);
        let bounds = table.client.config().timeout_config().unwrap();
        assert_eq!(bounds.operation_timeout(), Some(Duration::from_secs(10)));
        assert_eq!(bounds.operation_attempt_timeout(), Some(Duration::from_secs(3)));
    }
}
