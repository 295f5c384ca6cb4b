//! Where policy, deny list and endpoint inventory come from.
//!
//! A source gives bytes with a revision; they are checked whole and become a snapshot, which [`Live`] keeps in force
//! and replaces whole, or not at all. `file:` needs no AWS configuration; every other source is a cargo feature.
//! [`remote`] fetches objects by HTTPS and from S3, and [`crl`] finds the CRLs in one.
//!
//! The formats of the tables, which their writers keep to, are described at [`PolicySource`], [`DenyListSource`] and
//! [`InventorySource`].

#[cfg(feature = "appconfig")]
mod appconfig;
#[cfg(feature = "bundle")]
pub mod bundle;
#[cfg(feature = "https")]
pub mod crl;
#[cfg(feature = "dynamodb")]
mod dynamodb;
mod engine;
mod entries;
mod error;
mod file;
mod live;
mod observer;
mod pace;
mod policy_source;
#[cfg(feature = "https")]
pub mod remote;
#[cfg(feature = "aws")]
mod sdk;
#[cfg(feature = "secretsmanager")]
mod secret;
mod uri;
#[cfg(feature = "appconfig")]
mod version_label;

#[cfg(feature = "appconfig")]
pub use appconfig::AppConfigError;
#[cfg(feature = "dynamodb")]
pub use dynamodb::{PolicyPublisher, PublishError, Published, TableError};
pub use engine::{Decision, Engine, RegoEngine};
pub use entries::{DenyListSource, EntrySource, InventorySource};
pub use error::SourceError;
pub use live::{Live, LiveError, Load, Loaded};
pub use pace::Pace;
pub use policy_rego::{RegoError, RegoProblem, RegoRequest};
pub use policy_source::{Document, PolicySource};
#[cfg(feature = "secretsmanager")]
pub use secret::{KeyPair, Secret, SecretError, SecretId, SecretIdError};
#[cfg(feature = "bundle")]
pub use uri::BundleUri;
pub use uri::{AppConfigProfile, SourceUri, SourceUriError};
#[cfg(feature = "appconfig")]
pub use version_label::VersionLabel;
