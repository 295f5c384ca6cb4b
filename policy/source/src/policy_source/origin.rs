//! The kinds of places a policy comes from, asked alike.

use std::time::Duration;

use policy::{Format, Timestamp};

use super::Document;
use crate::SourceError;
use crate::file::FileSource;

#[derive(Debug)]
pub(super) enum Origin {
    File(FileSource),
    #[cfg(feature = "appconfig")]
    AppConfig(Box<crate::appconfig::AppConfig>),
    #[cfg(feature = "bundle")]
    Bundle(Box<crate::bundle::BundleSource>),
    #[cfg(feature = "dynamodb")]
    DynamoDb(crate::dynamodb::PolicyTable),
}

impl Origin {
    /// The document if it is not the one given last; a bundle has none to give.
    pub(super) async fn fetch(&mut self) -> Result<Option<Document>, SourceError> {
        match self {
            Self::File(file) => {
                let name = file.name();
                let format = Format::from_name(&name);
                Ok(file.fetch().await?.map(|(revision, bytes)| Document { revision, bytes, format, name }))
            }
            #[cfg(feature = "appconfig")]
            Self::AppConfig(profile) => Ok(profile.fetch().await?),
            #[cfg(feature = "bundle")]
            Self::Bundle(bundle) => Err(SourceError::NoDocument(bundle.name().to_owned())),
            #[cfg(feature = "dynamodb")]
            Self::DynamoDb(table) => Ok(table.fetch().await?),
        }
    }

    pub(super) fn refuse(&mut self) {
        match self {
            Self::File(file) => file.refuse(),
            #[cfg(feature = "appconfig")]
            Self::AppConfig(profile) => profile.refuse(),
            #[cfg(feature = "bundle")]
            Self::Bundle(bundle) => bundle.refuse(),
            #[cfg(feature = "dynamodb")]
            Self::DynamoDb(table) => table.refuse(),
        }
    }

    /// When the document that has come into force was changed, if that is known and not told yet.
    pub(super) fn take_news(&mut self) -> Option<Timestamp> {
        match self {
            Self::File(file) => file.take_news(),
            #[cfg(feature = "appconfig")]
            Self::AppConfig(profile) => profile.take_news(),
            #[cfg(feature = "bundle")]
            Self::Bundle(bundle) => bundle.take_news(),
            #[cfg(feature = "dynamodb")]
            Self::DynamoDb(table) => table.take_news(),
        }
    }

    pub(super) async fn frozen(&self) -> Result<bool, SourceError> {
        match self {
            #[cfg(feature = "dynamodb")]
            Self::DynamoDb(table) => Ok(table.frozen().await?),
            _ => Ok(false),
        }
    }

    pub(super) fn is_remote(&self) -> bool {
        match self {
            Self::File(_) => false,
            #[cfg(feature = "bundle")]
            Self::Bundle(bundle) => bundle.is_remote(),
            #[cfg(any(feature = "appconfig", feature = "dynamodb"))]
            _ => true,
        }
    }

    pub(super) fn rest(&self) -> Duration {
        match self {
            #[cfg(feature = "appconfig")]
            Self::AppConfig(profile) => profile.rest(),
            _ => Duration::ZERO,
        }
    }

    pub(super) fn age(&self) -> Duration {
        match self {
            #[cfg(feature = "bundle")]
            Self::Bundle(bundle) => bundle.age(),
            _ => Duration::ZERO,
        }
    }
}
