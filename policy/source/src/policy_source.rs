//! Where the access policy comes from.

mod origin;

use std::path::Path;
use std::time::Duration;

use policy::{Format, Policy, Revision, TrustDomain};

use crate::error::off_thread;
use crate::file::FileSource;
use crate::observer::Observer;
use crate::{Engine, Load, SourceError, SourceUri};
use origin::Origin;

/// A document as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// Its version: what the source says it is, or for a file `sha256:` and 16 hex digits of its hash.
    pub revision: Revision,
    /// Its bytes, unchecked.
    pub bytes: Vec<u8>,
    /// How to read them.
    pub format: Format,
    /// What messages call it: a file's path, a configuration profile, or a table and its item.
    pub name: String,
}

/// The source of the access policy; as a [`Load`] it gives it parsed and checked.
///
/// # AppConfig
/// `appconfig:APP/ENV/PROFILE`: the document is what is deployed, YAML, or JSON where the content type says so; its
/// revision is the version's label up to the time that [`VersionLabel`](crate::VersionLabel) describes, or the hash of the
/// content without a label. It is asked at most every 15 seconds. The reader needs `appconfig:StartConfigurationSession` and `appconfig:GetLatestConfiguration`.
///
/// # The table
/// `dynamodb:TABLE` names a table with the partition key `pk` (string) and these items, which
/// [`PolicyPublisher`](crate::PolicyPublisher) writes:
///
/// | `pk` | attribute | |
/// |---|---|---|
/// | `meta` | `revision` (string) | of the policy in force |
/// | | `publication` (string) | which items are the policy in force |
/// | | `consumers`, `callers` (numbers) | how many there are of each |
/// | | `head` (string) | the policy without its two lists, in JSON |
/// | | `publishedAt` (string) | optional: when it came into force, as [`sortable_time`](policy::sortable_time) writes times |
/// | | `digest` (string) | SHA-256 in hex of head and entries, in order, a line break after each |
/// | `consumer#PUBLICATION#N`, `caller#PUBLICATION#N` | `publication` (string) | as in the key |
/// | | `entry` (string) | the Nth entry of the list, from 0, in JSON |
/// | `publications` | an attribute for each publication | which ones are, or may be, partly in the table |
/// | `freeze` | `frozen` (boolean) | `true`: endpoint connections are left as they are; no item: `false` |
///
/// A small policy may also be put by hand: `meta` with `revision`, which must change whenever the document does,
/// `document` (string: the access policy, with all else in the item at most 400 KB) and `format` (`yaml` or `json`,
/// default `yaml`), without `publication`.
///
/// Reads are strongly consistent, and what was read is held against count and digest: a reader has the whole of a
/// revision or keeps the previous one. Unchanged, it costs one read of `meta`. The reader needs `dynamodb:GetItem` and
/// `dynamodb:Scan`.
#[derive(Debug)]
pub struct PolicySource {
    origin: Origin,
    /// The document given last was not found good: refused, or its check was cancelled.
    unchecked: bool,
    trust_domain: Option<TrustDomain>,
    observer: Observer,
}

impl PolicySource {
    /// Opens a source, reading nothing yet; relative paths start at `base`. What is kept in AWS looks for an AWS
    /// configuration in the environment. A bundle is read by the default settings.
    ///
    /// # Errors
    /// This build does not have the source.
    pub async fn open(uri: &SourceUri, base: &Path) -> Result<Self, SourceError> {
        match uri {
            SourceUri::File(path) => Ok(Self::new(Origin::File(FileSource::new(base.join(path))))),
            #[cfg(feature = "bundle")]
            SourceUri::Bundle(bundle) => Self::bundle(bundle, base, &crate::bundle::BundleSettings::default()).await,
            #[cfg(feature = "aws")]
            _ => Self::with_sdk(uri, base, &crate::sdk::environment().await),
            #[cfg(not(feature = "aws"))]
            _ => Err(SourceError::NotInThisBuild(uri.to_string())),
        }
    }

    /// The same, but a bundle is read by these settings, whose relative paths start at `base` too.
    ///
    /// # Errors
    /// This build does not have the source, or what is kept of its bundles cannot be read.
    #[cfg(feature = "bundle")]
    pub async fn open_with(
        uri: &SourceUri,
        base: &Path,
        settings: &crate::bundle::BundleSettings,
    ) -> Result<Self, SourceError> {
        match uri {
            SourceUri::Bundle(bundle) => Self::bundle(bundle, base, settings).await,
            other => Self::open(other, base).await,
        }
    }

    #[cfg(feature = "bundle")]
    async fn bundle(
        uri: &crate::BundleUri,
        base: &Path,
        settings: &crate::bundle::BundleSettings,
    ) -> Result<Self, SourceError> {
        let source = crate::bundle::BundleSource::open(uri, base, settings).await?;
        Ok(Self::new(Origin::Bundle(Box::new(source))))
    }

    /// The same as [`PolicySource::open`] with this AWS configuration. Calls are bounded in time whether it says so or not.
    ///
    /// # Errors
    /// This build does not have the source.
    #[cfg(feature = "aws")]
    pub fn with_sdk(uri: &SourceUri, base: &Path, sdk: &aws_config::SdkConfig) -> Result<Self, SourceError> {
        Self::with_sdk_and_key(uri, base, sdk, None)
    }

    /// The same, but a bundle must be signed by this key, if there is one: a PEM file, whose path starts at `base`.
    ///
    /// # Errors
    /// This build does not have the source, or the key cannot be used.
    #[cfg(feature = "aws")]
    #[cfg_attr(not(feature = "bundle"), expect(unused_variables, reason = "no bundles, no keys"))]
    pub fn with_sdk_and_key(
        uri: &SourceUri,
        base: &Path,
        sdk: &aws_config::SdkConfig,
        verification_key: Option<&Path>,
    ) -> Result<Self, SourceError> {
        Ok(Self::new(match uri {
            SourceUri::File(path) => Origin::File(FileSource::new(base.join(path))),
            #[cfg(feature = "appconfig")]
            SourceUri::AppConfig(profile) => {
                Origin::AppConfig(Box::new(crate::appconfig::AppConfig::new(profile, sdk)))
            }
            #[cfg(feature = "bundle")]
            SourceUri::Bundle(bundle) => {
                let verification_key = verification_key.map(Path::to_path_buf);
                let settings = crate::bundle::BundleSettings { verification_key, ..Default::default() };
                return Self::bundle_with_sdk(bundle, base, &settings, sdk);
            }
            #[cfg(feature = "dynamodb")]
            SourceUri::DynamoDb(table) => Origin::DynamoDb(crate::dynamodb::PolicyTable::new(table, sdk)),
            #[cfg(not(all(feature = "appconfig", feature = "dynamodb")))]
            _ => return Err(SourceError::NotInThisBuild(uri.to_string())),
        }))
    }

    /// A bundle by these settings, from S3 with this AWS configuration if it is there.
    ///
    /// # Errors
    /// What is kept of its bundles cannot be read.
    #[cfg(feature = "bundle")]
    pub fn bundle_with_sdk(
        uri: &crate::BundleUri,
        base: &Path,
        settings: &crate::bundle::BundleSettings,
        sdk: &aws_config::SdkConfig,
    ) -> Result<Self, SourceError> {
        let source = crate::bundle::BundleSource::with_sdk(uri, base, settings, sdk)?;
        Ok(Self::new(Origin::Bundle(Box::new(source))))
    }

    /// The same source, which from now on refuses policies for other trust domains.
    #[must_use]
    pub fn within(self, trust_domain: TrustDomain) -> Self {
        Self { trust_domain: Some(trust_domain), ..self }
    }

    /// Has `observer` told of each revision but the first how long it took to come into force: of a file, also a
    /// bundle's, from when it was written or put in place; of a table from `publishedAt` and of AppConfig from the version's
    /// label, both by the publisher's clock; of a bundle behind a network from its `Last-Modified`. Where there is no such
    /// date, or one that cannot be, the observer is not told.
    #[must_use]
    pub fn observed(self, observer: impl Fn(Duration) + Send + 'static) -> Self {
        Self { observer: Observer::new(observer), ..self }
    }

    fn new(origin: Origin) -> Self {
        Self { origin, unchecked: false, trust_domain: None, observer: Observer::default() }
    }

    /// The document if it is not the one given last. Who finds that it cannot be used says so by
    /// [`PolicySource::refuse`]; [`Load::load`] does both.
    ///
    /// # Errors
    /// The source cannot be read, or there is no document in it: a bundle is loaded, never only fetched.
    pub async fn fetch(&mut self) -> Result<Option<Document>, SourceError> {
        self.origin.fetch().await
    }

    /// Has the next fetch give the document again although it did not change, because it was refused.
    pub fn refuse(&mut self) {
        self.origin.refuse();
    }

    /// Whether the freeze switch is on; only a table has one.
    ///
    /// # Errors
    /// The table cannot be read, or the switch is not a boolean: then nothing is known, and nothing may be changed.
    pub async fn frozen(&self) -> Result<bool, SourceError> {
        self.origin.frozen().await
    }
}

impl Load for PolicySource {
    type Value = Engine;
    type Error = SourceError;

    fn is_remote(&self) -> bool {
        self.origin.is_remote()
    }

    fn rest(&self) -> Duration {
        self.origin.rest()
    }

    fn age(&self) -> Duration {
        self.origin.age()
    }

    async fn load(&mut self) -> Result<Option<(Revision, Engine)>, SourceError> {
        #[cfg(feature = "bundle")]
        if let Origin::Bundle(bundle) = &mut self.origin {
            let loaded = bundle.load(self.trust_domain.as_ref()).await?;
            if loaded.is_some() {
                self.observer.tell(self.origin.take_news());
            }
            return Ok(loaded);
        }
        if self.unchecked {
            self.refuse();
        }
        let Some(document) = self.fetch().await? else { return Ok(None) };
        self.unchecked = true;
        let policy = off_thread(move || {
            let Document { revision, bytes, format, name } = document;
            Policy::parse(&bytes, format, &name, revision).map_err(|error| SourceError::Refused(error.to_string()))
        })
        .await?;
        let engine = Engine::Declarative(policy);
        engine.check_trust_domain(self.trust_domain.as_ref())?;
        self.unchecked = false;
        self.observer.tell(self.origin.take_news());
        Ok(Some((engine.revision().clone(), engine)))
    }
}
