//! What a change of the access policy means: who gains and who loses what, at which gate.
//!
//! By meaning and not by text: rules that are written otherwise, moved or renamed and come to the same make no
//! difference. What counts is what is decided from a given moment on, so that a grant which has expired by then is none.
//! Paths are told apart without the parameters of their segments (`;x`): a forbid denies them with the path that has none.

mod connections;
mod cover;
mod region;
mod requests;
mod selection;
mod shape;

use jiff::Timestamp;

pub use selection::Selection;

use crate::endpoint::{Action, ConsumerSubject, Unlisted};
use crate::{AccountId, IdentityPattern, Policy};

/// Everything that one policy decides otherwise than another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyDiff {
    /// The inner gate, by identity.
    pub callers: Vec<CallerDiff>,
    /// The outer gate, by account, then by organizational unit.
    pub consumers: Vec<ConsumerDiff>,
    /// What becomes of connections of accounts that are not listed, before and after.
    pub unlisted: Option<(Unlisted, Unlisted)>,
}

/// What changes for one caller, or for all below a prefix that have no nearer entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallerDiff {
    /// Who.
    pub identity: IdentityPattern,
    /// What only the new policy allows.
    pub gains: Vec<Access>,
    /// What only the old policy allows.
    pub losses: Vec<Access>,
}

/// Some requests, through some accounts, for some time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// Which requests.
    pub what: What,
    /// The accounts whose endpoints they may come through. Any includes those that are not known.
    pub accounts: Selection<AccountId>,
    /// From when on; from now on if none.
    pub from: Option<Timestamp>,
    /// Until when; for ever if none.
    pub until: Option<Timestamp>,
}

/// Which requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// Those with one of these methods and a path that fits the template and none of the exceptions.
    Requests { methods: Selection<String>, path: String, except: Vec<String> },
    /// All that both policies allow the caller: only accounts or times change.
    AllowedByBoth,
}

/// What changes for the endpoints of one account, or of all below one organizational unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsumerDiff {
    /// Whose endpoints.
    pub subject: ConsumerSubject,
    /// The name in the new policy, or else in the old one.
    pub name: Option<String>,
    /// What changes.
    pub changes: Vec<ConsumerChange>,
}

/// For endpoints in some Regions that connect to some services.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsumerChange {
    /// Which Regions.
    pub regions: Selection<String>,
    /// Which services.
    pub services: Selection<String>,
    /// What the old policy does with them.
    pub before: Admission,
    /// What the new policy does with them.
    pub after: Admission,
}

/// What becomes of connections.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Admission {
    /// Whether they are accepted.
    pub action: Action,
    /// How many, if they are; any number if none.
    pub max_endpoints: Option<u64>,
    /// Until when, if they are; for ever if none.
    pub until: Option<Timestamp>,
}

impl PolicyDiff {
    /// Whether both policies come to the same.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.callers.is_empty() && self.consumers.is_empty() && self.unlisted.is_none()
    }
}

/// Compares what two policies decide from `at` on.
#[must_use]
pub fn diff(old: &Policy, new: &Policy, at: Timestamp) -> PolicyDiff {
    let unlisted = (old.endpoints().unlisted(), new.endpoints().unlisted());
    PolicyDiff {
        callers: requests::callers(old, new, at),
        consumers: connections::consumers(old, new, at),
        unlisted: (unlisted.0 != unlisted.1).then_some(unlisted),
    }
}
