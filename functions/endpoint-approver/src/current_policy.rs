use std::path::PathBuf;

use aws_config::SdkConfig;
use policy::Policy;
use policy_source::{Engine, Load, PolicySource, SourceError, SourceUri};
use telemetry::Deadline;

/// The access policy as its source has it now; between runs only its parsed form is kept.
#[derive(Debug)]
pub(crate) struct CurrentPolicy {
    uri: SourceUri,
    key: Option<PathBuf>,
    switch: Option<SourceUri>,
    sdk: SdkConfig,
    source: Option<PolicySource>,
    policy: Option<Engine>,
}

/// The policy of one run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct InForce<'a> {
    pub(crate) policy: &'a Policy,
    /// Nothing may be changed.
    pub(crate) frozen: bool,
}

/// There is no policy to ask: nothing changes, not even by the policy of an earlier run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PolicyUnavailable {
    #[error("{0}")]
    Source(#[from] SourceError),
    #[error("the source did not answer in time; check that it can be reached from the function")]
    TooLate,
    #[error("the source gave nothing; check that it holds a policy")]
    Nothing,
    #[error(
        "the bundle says nothing of endpoint connections; give it `version`, `trustDomain` and `endpoints` at \
         `data.linkward`, or use a source with an access policy"
    )]
    NoOuterGate,
}

impl CurrentPolicy {
    /// `switch` is the table with the freeze switch where the policy itself comes from elsewhere.
    pub(crate) fn new(uri: SourceUri, key: Option<PathBuf>, switch: Option<SourceUri>, sdk: SdkConfig) -> Self {
        Self { uri, key, switch, sdk, source: None, policy: None }
    }

    pub(crate) async fn load(&mut self, deadline: Deadline) -> Result<InForce<'_>, PolicyUnavailable> {
        let frozen = deadline.limit(self.read()).await.ok_or(PolicyUnavailable::TooLate)??;
        let engine = self.policy.as_ref().ok_or(PolicyUnavailable::Nothing)?;
        let policy = engine.outer_gate().ok_or(PolicyUnavailable::NoOuterGate)?;
        Ok(InForce { policy, frozen })
    }

    async fn read(&mut self) -> Result<bool, SourceError> {
        let source = match &mut self.source {
            Some(source) => source,
            empty => empty.insert(PolicySource::with_sdk_and_key(
                &self.uri,
                &telemetry::package(),
                &self.sdk,
                self.key.as_deref(),
            )?),
        };
        if let Some((revision, policy)) = source.load().await? {
            tracing::info!(%revision, "new policy");
            self.policy = Some(policy);
        }
        let switched = match &self.switch {
            Some(switch) => PolicySource::with_sdk(switch, &telemetry::package(), &self.sdk)?.frozen().await?,
            None => false,
        };
        Ok(switched || source.frozen().await?)
    }
}
