//! What came of a replay: counted, and grouped by caller and route.

use std::collections::HashMap;

use policy::Timestamp;
use policy_source::Decision;

use crate::access_log::{Recorded, Request, route};

/// More groups than these are added up in one for each caller and method, so that no log takes memory without end.
const MOST_GROUPS: usize = 10_000;

/// How a decision changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Change {
    NewlyDenied,
    NewlyAllowed,
}

/// The counts.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) lines: u64,
    pub(crate) as_before: u64,
    pub(crate) newly_denied: u64,
    pub(crate) newly_allowed: u64,
    /// Denied by both policies, and let pass by audit mode.
    pub(crate) audit_denied: u64,
    /// Came to an end before the policy was asked.
    pub(crate) undecided: u64,
    pub(crate) other_events: u64,
    pub(crate) malformed: u64,
    groups: HashMap<Key, Group>,
}

/// What requests of one group have in common.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Key {
    pub(crate) change: Change,
    pub(crate) caller: String,
    pub(crate) method: String,
    pub(crate) route: String,
    /// Decision, reason and rule as recorded.
    pub(crate) before: (Recorded, String, Option<String>),
    /// Reason and rule by the new policy.
    pub(crate) after: (&'static str, Option<String>),
}

/// What is kept of them.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    pub(crate) requests: u64,
    pub(crate) first: Timestamp,
    pub(crate) last: Timestamp,
    pub(crate) example: String,
}

impl Tally {
    /// How many requests were decided again.
    pub(crate) fn requests(&self) -> u64 {
        self.as_before + self.newly_denied + self.newly_allowed + self.audit_denied
    }

    pub(crate) fn changed(&mut self, change: Change, request: &Request<'_>, decision: &Decision, at: Timestamp) {
        match change {
            Change::NewlyDenied => self.newly_denied += 1,
            Change::NewlyAllowed => self.newly_allowed += 1,
        }
        let mut key = Key {
            change,
            caller: request.caller.to_string(),
            method: request.method.to_string(),
            route: route(&request.path),
            before: (request.recorded, request.reason.to_string(), request.rule.as_ref().map(|rule| rule.to_string())),
            after: (decision.reason.as_str(), decision.rule.as_ref().map(ToString::to_string)),
        };
        if self.groups.len() >= MOST_GROUPS && !self.groups.contains_key(&key) {
            "other routes".clone_into(&mut key.route);
            key.before.2 = None;
        }
        let group = self.groups.entry(key).or_insert_with(|| Group {
            requests: 0,
            first: at,
            last: at,
            example: request.path.to_string(),
        });
        group.requests += 1;
        group.first = group.first.min(at);
        group.last = group.last.max(at);
    }

    /// The groups of one change, those with the most requests first.
    pub(crate) fn groups(&self, change: Change) -> Vec<(&Key, &Group)> {
        let mut groups: Vec<_> = self.groups.iter().filter(|(key, _)| key.change == change).collect();
        groups.sort_by(|a, b| b.1.requests.cmp(&a.1.requests).then_with(|| a.0.cmp(b.0)));
        groups
    }
}
