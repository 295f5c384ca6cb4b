//! DynamoDB.

mod batch;
mod entry;
mod faults;
mod item;
mod meta;
mod open;
mod page;
mod policy_table;
mod publication;
mod publish;
mod reading;
mod rows;

use std::error::Error;

use aws_config::SdkConfig;
use aws_sdk_dynamodb::Client;
use policy::Revision;

use crate::error::with_causes;

pub(crate) use entry::Listed;
pub(crate) use policy_table::PolicyTable;
pub use publish::{PolicyPublisher, PublishError, Published};
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
    #[error("table `{0}` has no item `meta`; publish a policy with `linkward policy push`")]
    NoPolicy(String),
    /// `meta` names a revision whose items are not all there, or are not those that were published.
    #[error("table `{table}` lacks items of the revision `{revision}`, or they were changed; publish the policy again")]
    Incomplete {
        /// The table.
        table: String,
        /// What `meta` names.
        revision: Revision,
    },
    /// One publication followed another for as long as it was tried.
    #[error("table `{0}` changes while it is read; it is read again at the next refresh")]
    Restless(String),
    /// DynamoDB put a batch of writes off again and again.
    #[error("table `{0}` takes no more writes for now; give it more write capacity, or try again later")]
    Busy(String),
    /// An item of a policy that cannot be understood. Nothing of what was read with it comes into force.
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

#[derive(Clone, Debug)]
struct Table {
    client: Client,
    name: String,
}

impl Table {
    fn new(name: &str, sdk: &SdkConfig) -> Self {
        Self { client: Client::new(&crate::sdk::bounded(sdk)), name: name.to_owned() }
    }

    fn failed(&self, operation: &'static str, error: &dyn Error) -> TableError {
        TableError::Call { table: self.name.clone(), operation, cause: with_causes(error) }
    }

    fn malformed(&self, key: &str, cause: String) -> TableError {
        TableError::Malformed { table: self.name.clone(), key: key.to_owned(), cause }
    }
}
