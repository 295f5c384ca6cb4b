//! The trust domain: configured, or that of the access policy.

use std::path::{Path, PathBuf};

use aws_config::SdkConfig;
use policy::TrustDomain;
use policy_source::{Load, PolicySource, SourceError, SourceUri};
use telemetry::Deadline;
use tokio::sync::Mutex;

/// Where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TrustDomainSource {
    /// It is said.
    Configured(TrustDomain),
    /// The access policy says it.
    Policy {
        /// Where it is.
        source: SourceUri,
        /// The public key that a bundle must be signed by: a PEM file in the function's package.
        verification_key: Option<PathBuf>,
    },
}

/// The access policy cannot be read: nothing is issued.
#[derive(Debug, thiserror::Error)]
pub enum TrustDomainError {
    /// The source says why.
    #[error("the access policy cannot be read: {0}")]
    Source(#[from] SourceError),
    /// It takes too long.
    #[error("the access policy did not come in time; check that its source can be reached from the function")]
    TooLate,
    /// It is empty.
    #[error("the source of the access policy gave nothing; check that it holds a policy")]
    Nothing,
    /// A bundle need not say it.
    #[error("the bundle names no trust domain; give it `version`, `trustDomain` and `endpoints` at `data.linkward`")]
    Unsaid,
}

/// It is asked for at every step: no certificate is for a trust domain that is not ours any more.
#[derive(Debug)]
pub(crate) struct CurrentTrustDomain {
    source: TrustDomainSource,
    sdk: SdkConfig,
    /// With what the policy last read said; it may have said nothing.
    read: Mutex<(Option<PolicySource>, Option<Option<TrustDomain>>)>,
}

impl CurrentTrustDomain {
    pub(crate) fn new(source: TrustDomainSource, sdk: SdkConfig) -> Self {
        Self { source, sdk, read: Mutex::default() }
    }

    pub(crate) async fn now(&self, by: Deadline) -> Result<TrustDomain, TrustDomainError> {
        match &self.source {
            TrustDomainSource::Configured(trust_domain) => Ok(trust_domain.clone()),
            TrustDomainSource::Policy { source, verification_key } => {
                let loading = self.load(source, verification_key.as_deref());
                by.limit(loading).await.ok_or(TrustDomainError::TooLate)?
            }
        }
    }

    async fn load(&self, uri: &SourceUri, key: Option<&Path>) -> Result<TrustDomain, TrustDomainError> {
        let (source, known) = &mut *self.read.lock().await;
        let source = match source {
            Some(source) => source,
            empty => empty.insert(PolicySource::with_sdk_and_key(uri, &telemetry::package(), &self.sdk, key)?),
        };
        if let Some((_, policy)) = source.load().await? {
            *known = Some(policy.trust_domain().cloned());
        }
        known.clone().ok_or(TrustDomainError::Nothing)?.ok_or(TrustDomainError::Unsaid)
    }
}
