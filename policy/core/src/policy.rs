//! The access policy in force.

mod caller;
mod entries;
mod parts;
mod rule;

use std::collections::HashMap;
use std::collections::hash_map::Entry;

pub(crate) use caller::Caller;
use entries::PolicyDocument;
pub(crate) use entries::{ConsumerEntry, EndpointsEntry};
use foldhash::fast::RandomState;
pub use parts::{NoHead, PolicyParts};
pub(crate) use rule::Rule;

use crate::document::{self, DocumentError, Keyed, Problem, Problems};
use crate::endpoint::Endpoints;
use crate::{Format, IdentityPattern, Revision, SpiffeId, TrustDomain};

/// Everything that is wrong with a policy.
pub type PolicyError = DocumentError;

/// The access policy in force: the checked and indexed form of the one document that opens both gates.
#[derive(Debug)]
pub struct Policy {
    revision: Revision,
    trust_domain: TrustDomain,
    endpoints: Endpoints,
    callers: Vec<Caller>,
    /// Identities, to indices of `callers`.
    exact: HashMap<SpiffeId, usize, RandomState>,
    /// What comes before the `/*` of a pattern, likewise.
    prefixes: HashMap<SpiffeId, usize, RandomState>,
}

impl Policy {
    /// Reads and checks a document.
    ///
    /// # Errors
    /// Everything that is wrong with it, each with line and column.
    pub fn parse(bytes: &[u8], format: Format, name: &str, revision: Revision) -> Result<Self, PolicyError> {
        document::read(bytes, format, name, |document| Self::build(document, &revision))
    }

    fn build(document: PolicyDocument, revision: &Revision) -> Result<Self, Problems> {
        let mut problems = Problems::default();
        let mut policy = Self {
            revision: revision.clone(),
            trust_domain: document.trust_domain,
            endpoints: Endpoints::new(document.endpoints.0, &mut problems),
            callers: Vec::with_capacity(document.callers.len()),
            exact: HashMap::with_capacity_and_hasher(document.callers.len(), RandomState::default()),
            prefixes: HashMap::default(),
        };
        for (index, Keyed(entry)) in document.callers.into_iter().enumerate() {
            let path = || format!("/callers/{index}");
            policy.index_caller(&entry.identity, index, &mut problems);
            policy.callers.push(Caller::new(entry, path, &mut problems));
        }
        if problems.is_empty() { Ok(policy) } else { Err(problems) }
    }

    fn index_caller(&mut self, identity: &IdentityPattern, index: usize, problems: &mut Problems) {
        let path = || format!("/callers/{index}/identity");
        if identity.base().trust_domain() != self.trust_domain.as_str() {
            problems.push(|| {
                let message = format!("`{identity}` is not in the trust domain `{}`", self.trust_domain);
                Problem::in_value(path(), message)
            });
        }
        let map = if identity.is_prefix() { &mut self.prefixes } else { &mut self.exact };
        match map.entry(identity.base().clone()) {
            Entry::Vacant(entry) => _ = entry.insert(index),
            Entry::Occupied(_) => problems.push(|| {
                Problem::in_value(path(), format!("`{identity}` has an entry already, put its rules together"))
            }),
        }
    }

    /// The revision the document was read with.
    #[must_use]
    pub fn revision(&self) -> &Revision {
        &self.revision
    }

    /// The trust domain every caller belongs to.
    #[must_use]
    pub fn trust_domain(&self) -> &TrustDomain {
        &self.trust_domain
    }

    /// What the policy says of endpoint connections.
    #[must_use]
    pub fn endpoints(&self) -> &Endpoints {
        &self.endpoints
    }

    /// How many callers the policy names, patterns included.
    #[must_use]
    pub fn callers_len(&self) -> usize {
        self.callers.len()
    }

    /// From how many endpoints a caller may come: as many as the consumer entries of its accounts let in together. `None`:
    /// nobody limits them.
    #[must_use]
    pub fn max_endpoints(&self, identity: &SpiffeId) -> Option<u32> {
        let accounts = self.caller(identity)?.accounts.as_deref()?;
        accounts.iter().try_fold(0_u32, |sum, account| Some(sum.saturating_add(self.endpoints.max_endpoints(account)?)))
    }

    /// The identities named in full, without the patterns.
    pub fn caller_identities(&self) -> impl Iterator<Item = &SpiffeId> {
        self.exact.keys()
    }

    /// Everybody the policy has an entry for, in no order.
    pub fn patterns(&self) -> impl Iterator<Item = IdentityPattern> {
        let exact = self.exact.keys().cloned().map(IdentityPattern::exact);
        exact.chain(self.prefixes.keys().cloned().map(IdentityPattern::below))
    }

    /// Whether there is an entry for just this pattern.
    pub(crate) fn names(&self, pattern: &IdentityPattern) -> bool {
        if pattern.is_prefix() { &self.prefixes } else { &self.exact }.contains_key(pattern.base())
    }

    /// The entry for whoever this is: for a prefix, those below it that have no nearer entry.
    pub(crate) fn caller_for(&self, pattern: &IdentityPattern) -> Option<&Caller> {
        if !pattern.is_prefix() {
            return self.caller(pattern.base());
        }
        let own = self.prefixes.get(pattern.base());
        self.callers.get(*own.or_else(|| self.longest_prefix(pattern.base().as_str()))?)
    }

    /// The entry for an identity: its own, or that of the longest prefix above it.
    pub(crate) fn caller(&self, identity: &SpiffeId) -> Option<&Caller> {
        let index = self.exact.get(identity).or_else(|| self.longest_prefix(identity.as_str()))?;
        self.callers.get(*index)
    }

    fn longest_prefix(&self, identity: &str) -> Option<&usize> {
        self.prefix_entry(identity).map(|(_, index)| index)
    }

    fn prefix_entry(&self, identity: &str) -> Option<(&SpiffeId, &usize)> {
        if self.prefixes.is_empty() {
            return None;
        }
        let mut parents = std::iter::successors(Some(identity), |child| Some(child.rsplit_once('/')?.0)).skip(1);
        parents.find_map(|parent| self.prefixes.get_key_value(parent))
    }

    /// As [`Policy::caller`], with whom the entry is for.
    pub(crate) fn entry(&self, identity: &SpiffeId) -> Option<(IdentityPattern, &Caller)> {
        let exact = self.exact.get_key_value(identity).map(|(id, index)| (IdentityPattern::exact(id.clone()), index));
        let below =
            || self.prefix_entry(identity.as_str()).map(|(id, index)| (IdentityPattern::below(id.clone()), index));
        let (pattern, index) = exact.or_else(below)?;
        Some((pattern, self.callers.get(*index)?))
    }
}

/// The JSON Schema of the access policy.
#[must_use]
pub fn json_schema() -> serde_json::Value {
    schemars::schema_for!(PolicyDocument).to_value()
}
