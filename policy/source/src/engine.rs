//! The access policy in force, whichever way it is written.

use policy::access::{self, Effect, Reason};
use policy::{Policy, Revision, RuleId, SpiffeId, TrustDomain};
use policy_rego::RegoRequest;

use crate::SourceError;

/// The access policy in force: decides requests, and knows who decides endpoint connections.
#[derive(Debug)]
pub enum Engine {
    /// The document that opens both gates.
    Declarative(Policy),
    /// A bundle with Rego.
    Rego(Box<RegoEngine>),
}

/// The policy of a bundle.
#[derive(Debug)]
pub struct RegoEngine {
    revision: Revision,
    #[cfg(feature = "rego")]
    callers: policy_rego::RegoPolicy,
    /// `data.linkward.{version,trustDomain,endpoints}`, if the bundle has them.
    endpoints: Option<Policy>,
}

/// What the policy says of a request, to be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Allow or deny.
    pub effect: Effect,
    /// Why.
    pub reason: Reason,
    /// The rule that decided, when one did.
    pub rule: Option<RuleId>,
    /// The revision of the policy that decided.
    pub revision: Revision,
    /// For the operator's log alone: why the policy could not be evaluated.
    pub detail: Option<String>,
}

impl Engine {
    /// Checks a bundle; `budget` is how long the evaluation of one request may take. Without the feature `rego` its Rego is
    /// not looked at, and denies every request.
    ///
    /// # Errors
    /// Its Rego cannot decide, or its part about endpoints is not valid.
    #[cfg(feature = "bundle")]
    #[cfg_attr(not(feature = "rego"), allow(unused_variables, reason = "nothing is evaluated"))]
    pub fn of_bundle(
        bundle: crate::bundle::Bundle,
        revision: Revision,
        budget: std::time::Duration,
    ) -> Result<Self, crate::bundle::BundleError> {
        let crate::bundle::Bundle { modules, data, roots, .. } = bundle;
        let endpoints = endpoints_of(&data, &revision)?;
        Ok(Self::Rego(Box::new(RegoEngine {
            revision,
            #[cfg(feature = "rego")]
            callers: policy_rego::RegoPolicy::compile(&modules, &roots, data, budget)?,
            endpoints,
        })))
    }

    /// The revision of the document or the bundle.
    #[must_use]
    pub fn revision(&self) -> &Revision {
        match self {
            Self::Declarative(policy) => policy.revision(),
            Self::Rego(engine) => &engine.revision,
        }
    }

    /// The policy that decides endpoint connections: the document, or what a bundle says at `data.linkward`. `None`: the
    /// bundle says nothing of them.
    #[must_use]
    pub fn outer_gate(&self) -> Option<&Policy> {
        match self {
            Self::Declarative(policy) => Some(policy),
            Self::Rego(engine) => engine.endpoints.as_ref(),
        }
    }

    /// The trust domain that the policy is for, which a bundle need not say.
    #[must_use]
    pub fn trust_domain(&self) -> Option<&TrustDomain> {
        self.outer_gate().map(Policy::trust_domain)
    }

    /// How many callers the document names; whom Rego names, nobody counts.
    #[must_use]
    pub fn callers_len(&self) -> Option<usize> {
        match self {
            Self::Declarative(policy) => Some(policy.callers_len()),
            Self::Rego(_) => None,
        }
    }

    /// From how many endpoints a caller may come, if the document says so; Rego does not.
    #[must_use]
    pub fn max_endpoints(&self, identity: &SpiffeId) -> Option<u32> {
        match self {
            Self::Declarative(policy) => policy.max_endpoints(identity),
            Self::Rego(_) => None,
        }
    }

    /// Decides a request.
    #[must_use]
    pub fn authorize(&self, request: &RegoRequest<'_>) -> Decision {
        match self {
            Self::Declarative(policy) => {
                let access::Decision { effect, reason, rule, revision } = access::authorize(policy, &request.access);
                Decision { effect, reason, rule: rule.cloned(), revision: revision.clone(), detail: None }
            }
            Self::Rego(engine) => engine.decide(request),
        }
    }

    /// A policy for another trust domain names none of our callers: its source or our configuration is the wrong one. A
    /// bundle need not say for which one it is.
    pub(crate) fn check_trust_domain(&self, expected: Option<&TrustDomain>) -> Result<(), SourceError> {
        match (self.trust_domain(), expected) {
            (Some(found), Some(expected)) if found != expected => {
                Err(SourceError::TrustDomain { found: found.clone(), expected: expected.clone() })
            }
            _ => Ok(()),
        }
    }
}

impl RegoEngine {
    #[cfg(feature = "rego")]
    fn decide(&self, request: &RegoRequest<'_>) -> Decision {
        let policy_rego::RegoDecision { effect, reason, rule, detail } = self.callers.decide(request);
        Decision { effect, reason, rule, revision: self.revision.clone(), detail }
    }

    #[cfg(not(feature = "rego"))]
    fn decide(&self, _: &RegoRequest<'_>) -> Decision {
        let detail = Some("this program was built without Rego".to_owned());
        let revision = self.revision.clone();
        Decision { effect: Effect::Deny, reason: Reason::PolicyError, rule: None, revision, detail }
    }
}

/// What a bundle says of endpoint connections: the access policy without callers, at `data.linkward`.
#[cfg(feature = "bundle")]
fn endpoints_of(data: &serde_json::Value, revision: &Revision) -> Result<Option<Policy>, crate::bundle::BundleError> {
    use crate::bundle::BundleError;

    let Some(linkward) = data.get("linkward") else { return Ok(None) };
    let keys = ["version", "trustDomain", "endpoints"];
    let said = keys.iter().filter_map(|key| Some(((*key).to_owned(), linkward.get(key)?.clone())));
    let document: serde_json::Map<_, _> = said.collect();
    if document.is_empty() {
        return Ok(None);
    }
    if let Some(missing) = keys.iter().find(|key| !document.contains_key(**key)) {
        let message = format!(
            "`data.linkward` lacks `{missing}`; it needs all of {keys:?} to decide endpoint connections, or none"
        );
        return Err(BundleError::OuterGate(message));
    }
    let text = format!("{:#}", serde_json::Value::Object(document));
    let policy = Policy::parse(text.as_bytes(), policy::Format::Json, "data.linkward", revision.clone());
    policy.map(Some).map_err(|error| BundleError::OuterGate(error.to_string()))
}
