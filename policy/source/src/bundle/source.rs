//! A bundle in a file, behind a web server, or in S3.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use policy::{Revision, Timestamp, TrustDomain};
use sha2::{Digest, Sha256};

use super::cache::Cache;
use super::{Bundle, BundleSettings, MAX_BYTES, VerificationKey};
use crate::error::off_thread;
use crate::file::{FileSource, revision};
use crate::remote::{Fetched, RemoteObject};
use crate::{BundleUri, Engine, SourceError};

/// Gives the engine of the newest bundle, checked; at a start without the source, that of the last good one.
#[derive(Debug)]
pub(crate) struct BundleSource {
    origin: Origin,
    name: String,
    settings: BundleSettings,
    cache: Cache,
    /// Of the bundle in force.
    digest: Option<[u8; 32]>,
    /// What was fetched last was not found good: refused, or its check was cancelled.
    unchecked: bool,
    /// Since when the bundle in force had not been confirmed as it came from the disk.
    age: Duration,
    /// When the bundle that was fetched last took its place behind the network.
    news: Option<Timestamp>,
}

#[derive(Debug)]
enum Origin {
    File(FileSource),
    Remote(Box<RemoteObject>),
}

/// An archive that can decide.
#[derive(Debug)]
struct Checked {
    engine: Engine,
    /// As in the manifest.
    revision: String,
    archive: Arc<[u8]>,
    digest: [u8; 32],
}

impl BundleSource {
    /// Relative paths, also those of the settings, start at `base`. Nothing is fetched yet.
    pub(crate) async fn open(uri: &BundleUri, base: &Path, settings: &BundleSettings) -> Result<Self, SourceError> {
        let origin = match uri {
            BundleUri::File(path) => Origin::File(FileSource::new(base.join(path))),
            BundleUri::Remote(uri) => Origin::Remote(Box::new(RemoteObject::open(uri, MAX_BYTES).await?)),
        };
        Self::new(origin, base, settings)
    }

    /// The same, but S3 is reached with this AWS configuration.
    pub(crate) fn with_sdk(
        uri: &BundleUri,
        base: &Path,
        settings: &BundleSettings,
        sdk: &aws_config::SdkConfig,
    ) -> Result<Self, SourceError> {
        let origin = match uri {
            BundleUri::File(path) => Origin::File(FileSource::new(base.join(path))),
            BundleUri::Remote(uri) => Origin::Remote(Box::new(RemoteObject::with_sdk(uri, sdk, MAX_BYTES)?)),
        };
        Self::new(origin, base, settings)
    }

    fn new(origin: Origin, base: &Path, settings: &BundleSettings) -> Result<Self, SourceError> {
        let name = match &origin {
            Origin::File(file) => file.name(),
            Origin::Remote(object) => object.name(),
        };
        let in_base = |path: &PathBuf| base.join(path);
        let settings = BundleSettings {
            verification_key: settings.verification_key.as_ref().map(in_base),
            cache_directory: settings.cache_directory.as_ref().map(in_base),
            budget: settings.budget,
        };
        let source = revision(&Sha256::digest(&name).into());
        let cache = Cache::open(settings.cache_directory.as_deref(), &source).map_err(|cause| {
            SourceError::Unreadable { path: settings.cache_directory.clone().unwrap_or_default(), cause }
        })?;
        Ok(Self { origin, name, settings, cache, digest: None, unchecked: false, age: Duration::ZERO, news: None })
    }

    /// What messages call it.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn is_remote(&self) -> bool {
        matches!(self.origin, Origin::Remote(_))
    }

    /// The engine if it is not the one given last. A bundle for another trust domain than that of the callers is refused.
    pub(crate) async fn load(
        &mut self,
        trust_domain: Option<&TrustDomain>,
    ) -> Result<Option<(Revision, Engine)>, SourceError> {
        match self.newest(trust_domain).await {
            Err(error) if self.digest.is_none() => match self.last_good(trust_domain).await {
                Some(found) => {
                    tracing::warn!(bundle = self.name, %error, "the last good bundle of an earlier run is used");
                    Ok(Some(found))
                }
                None => Err(error),
            },
            outcome => outcome,
        }
    }

    async fn newest(&mut self, trust_domain: Option<&TrustDomain>) -> Result<Option<(Revision, Engine)>, SourceError> {
        if self.unchecked {
            self.refuse();
        }
        let Some(archive) = self.fetch().await? else {
            self.confirmed();
            return Ok(None);
        };
        self.unchecked = true;
        let digest: [u8; 32] = Sha256::digest(&archive).into();
        if self.digest == Some(digest) {
            self.unchecked = false;
            self.confirmed();
            return Ok(None);
        }
        let checked = self.check(archive.into(), digest, trust_domain).await?;
        self.cache.check(&checked.revision).map_err(|error| refused(&self.name, &error.to_string()))?;
        if let Err(error) = self.cache.keep(&checked.revision, &checked.archive) {
            tracing::warn!(bundle = self.name, %error, "the bundle cannot be kept on disk; a restart needs its source");
        }
        self.unchecked = false;
        self.confirmed();
        Ok(Some(self.put_in_force(checked)))
    }

    async fn last_good(&mut self, trust_domain: Option<&TrustDomain>) -> Option<(Revision, Engine)> {
        let archive = self.cache.bundle().inspect_err(|error| tracing::warn!(%error, "the kept bundle cannot be read"));
        let archive: Arc<[u8]> = archive.ok()??.into();
        let digest = Sha256::digest(&archive).into();
        let checked = self.check(archive, digest, trust_domain).await;
        let checked = checked.inspect_err(|error| tracing::warn!(%error, "the kept bundle is not used"));
        self.age = self.cache.age();
        Some(self.put_in_force(checked.ok()?))
    }

    /// By the source, just now.
    fn confirmed(&mut self) {
        self.age = Duration::ZERO;
        if let Err(error) = self.cache.confirm() {
            tracing::warn!(bundle = self.name, %error, "cannot note that the bundle was confirmed; a restart takes it for older");
        }
    }

    /// How old the bundle in force was already when it was loaded: more than nothing if it came from the disk.
    pub(crate) fn age(&self) -> Duration {
        self.age
    }

    fn put_in_force(&mut self, checked: Checked) -> (Revision, Engine) {
        self.digest = Some(checked.digest);
        (checked.engine.revision().clone(), checked.engine)
    }

    async fn check(
        &self,
        archive: Arc<[u8]>,
        digest: [u8; 32],
        trust_domain: Option<&TrustDomain>,
    ) -> Result<Checked, SourceError> {
        let (name, settings) = (self.name.clone(), self.settings.clone());
        let checked = off_thread(move || checked(archive, digest, &name, &settings)).await?;
        checked.engine.check_trust_domain(trust_domain)?;
        Ok(checked)
    }

    async fn fetch(&mut self) -> Result<Option<Vec<u8>>, SourceError> {
        match &mut self.origin {
            Origin::File(file) => Ok(file.fetch().await?.map(|(_, bytes)| bytes)),
            Origin::Remote(object) => Ok(match object.fetch().await? {
                Fetched::Changed { bytes, modified, .. } => {
                    self.news = modified;
                    Some(bytes)
                }
                Fetched::Unchanged => None,
            }),
        }
    }

    /// When the bundle given last took the place of another, told once.
    pub(crate) fn take_news(&mut self) -> Option<Timestamp> {
        match &mut self.origin {
            Origin::File(file) => file.take_news(),
            Origin::Remote(_) => self.news.take(),
        }
    }

    /// Has the next fetch give the bundle again although it did not change.
    pub(crate) fn refuse(&mut self) {
        match &mut self.origin {
            Origin::File(file) => file.refuse(),
            Origin::Remote(object) => object.refuse(),
        }
    }
}

fn checked(
    archive: Arc<[u8]>,
    digest: [u8; 32],
    name: &str,
    settings: &BundleSettings,
) -> Result<Checked, SourceError> {
    let key = match &settings.verification_key {
        None => None,
        Some(path) => {
            let pem = fs::read(path).map_err(|cause| SourceError::Unreadable { path: path.clone(), cause })?;
            let key = VerificationKey::from_pem(&pem);
            Some(key.map_err(|error| SourceError::Refused(format!("{}: {error}", path.display())))?)
        }
    };
    let bundle = Bundle::read(&archive, key.as_ref()).map_err(|error| refused(name, &error.to_string()))?;
    if bundle.is_signed && key.is_none() {
        tracing::warn!(bundle = name, "its signature is not checked: no verification key is configured");
    }
    let written = bundle.revision.clone();
    let effective = if written.is_empty() { revision(&digest) } else { Revision::from(written.as_str()) };
    let engine = Engine::of_bundle(bundle, effective, settings.budget);
    let engine = engine.map_err(|error| refused(name, &error.to_string()))?;
    Ok(Checked { engine, revision: written, archive, digest })
}

/// Each line on its own leads to its file.
fn refused(name: &str, message: &str) -> SourceError {
    let lines: Vec<String> = message.lines().map(|line| format!("{name}: {line}")).collect();
    SourceError::Refused(lines.join("\n"))
}
