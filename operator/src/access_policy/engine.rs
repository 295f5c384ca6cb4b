//! A policy that decides requests as the log or a file of cases tells of them.

use std::collections::HashMap;

use policy::access::{AccessRequest, Effect};
use policy::{AccountId, Policy, RequestPath, SpiffeId, Timestamp};

/// A request in the words of a log or a file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<'a> {
    pub(crate) caller: &'a str,
    pub(crate) account: Option<&'a str>,
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) now: Timestamp,
}

/// What is decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer<'e> {
    pub(crate) effect: Effect,
    pub(crate) reason: &'static str,
    pub(crate) rule: Option<&'e str>,
}

/// Why a request cannot be decided.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AskError {
    #[error(transparent)]
    Caller(#[from] policy::SpiffeIdError),
    #[error(transparent)]
    Account(#[from] policy::AccountIdError),
    #[error("the path `{0}`: {1}")]
    Path(String, policy::PathError),
}

/// Decides one request after the other.
#[derive(Debug)]
pub(crate) struct Engine {
    policy: Policy,
    /// Callers by what was written: there are few of them, and reading one takes longer than finding it.
    callers: HashMap<String, SpiffeId>,
}

/// More callers than these are read anew each time.
const MOST_CALLERS: usize = 100_000;

impl Engine {
    pub(crate) fn new(policy: Policy) -> Self {
        Self { policy, callers: HashMap::new() }
    }

    pub(crate) fn decide(&mut self, asked: &Asked<'_>) -> Result<Answer<'_>, AskError> {
        let identity = self.identity(asked.caller)?;
        let account: Option<AccountId> = asked.account.map(str::parse).transpose()?;
        let path = RequestPath::parse(asked.path).map_err(|error| AskError::Path(asked.path.to_owned(), error))?;
        let request = AccessRequest {
            identity: &identity,
            account: account.as_ref(),
            endpoint: None,
            method: asked.method,
            path: &path,
            now: asked.now,
        };
        let decision = policy::access::authorize(&self.policy, &request);
        let rule = decision.rule.map(policy::RuleId::as_str);
        Ok(Answer { effect: decision.effect, reason: decision.reason.as_str(), rule })
    }

    fn identity(&mut self, caller: &str) -> Result<SpiffeId, AskError> {
        if let Some(identity) = self.callers.get(caller) {
            return Ok(identity.clone());
        }
        let identity: SpiffeId = caller.parse()?;
        if self.callers.len() < MOST_CALLERS {
            self.callers.insert(caller.to_owned(), identity.clone());
        }
        Ok(identity)
    }
}
