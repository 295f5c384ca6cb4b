//! Whom enforcing would break: what audit mode let pass, by caller and reason.

use crate::sharded::Sharded;
use policy::access::Reason;
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// So many callers are told apart in each thread, and shown; the rest are one, `other`.
const CALLERS: usize = 1_000;
const OTHER: &str = "other";
const REASONS: usize = Reason::ALL.len();

type Counts = HashMap<Box<str>, [u64; REASONS]>;

/// Each thread counts on its own, so that audit mode makes no request wait for another.
#[derive(Debug)]
pub(crate) struct AuditDenials(Sharded<Mutex<Counts>>);

/// What a caller would have been denied since this process began.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct AuditedCaller {
    pub(crate) caller: Box<str>,
    counts: [u64; REASONS],
}

impl AuditDenials {
    pub(crate) fn new() -> Self {
        Self(Sharded::new(Mutex::default))
    }

    pub(crate) fn count(&self, caller: &str, reason: Reason) {
        let mut counts = self.0.here().lock().unwrap_or_else(PoisonError::into_inner);
        let caller = if counts.contains_key(caller) || counts.len() < CALLERS { caller } else { OTHER };
        let slots = match counts.get_mut(caller) {
            Some(slots) => slots,
            None => counts.entry(caller.into()).or_insert([0; REASONS]),
        };
        if let Some(slot) = slots.get_mut(reason as usize) {
            *slot += 1;
        }
    }

    /// Who would have been denied, the most often first, `other` last.
    pub(crate) fn callers(&self) -> Vec<AuditedCaller> {
        let mut total = Counts::new();
        for shard in self.0.iter() {
            for (caller, counts) in shard.lock().unwrap_or_else(PoisonError::into_inner).iter() {
                let sums = total.entry(caller.clone()).or_insert([0; REASONS]);
                sums.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
            }
        }
        let mut callers: Vec<AuditedCaller> =
            total.into_iter().map(|(caller, counts)| AuditedCaller { caller, counts }).collect();
        callers.sort_by(|a, b| {
            let rank = |each: &AuditedCaller| (&*each.caller == OTHER, std::cmp::Reverse(each.requests()));
            rank(a).cmp(&rank(b)).then_with(|| a.caller.cmp(&b.caller))
        });
        callers
    }
}

impl AuditedCaller {
    pub(crate) fn requests(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The reasons that there were, with how many requests each.
    pub(crate) fn reasons(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let reasons = Reason::ALL.into_iter().zip(self.counts).filter(|(_, count)| *count > 0);
        reasons.map(|(reason, count)| (reason.as_str(), count))
    }

    pub(crate) fn json(&self) -> Value {
        let reasons: Map<String, Value> = self.reasons().map(|(name, count)| (name.to_owned(), count.into())).collect();
        json!({"callerId": &*self.caller, "requests": self.requests(), "reasons": reasons})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn denials_are_counted_by_caller_and_reason_over_all_threads() {
        let audit = AuditDenials::new();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| audit.count("spiffe://a/b", Reason::NoMatchingRule));
            }
        });
        audit.count("spiffe://a/b", Reason::Forbidden);
        audit.count("spiffe://a/c", Reason::GrantExpired);
        let shown: Vec<Value> = audit.callers().iter().map(AuditedCaller::json).collect();
        let first =
            json!({"callerId": "spiffe://a/b", "requests": 5, "reasons": {"noMatchingRule": 4, "forbidden": 1}});
        let second = json!({"callerId": "spiffe://a/c", "requests": 1, "reasons": {"grantExpired": 1}});
        assert_eq!(shown, [first, second]);
    }

    #[test]
    fn callers_beyond_the_bound_are_others() {
        let audit = AuditDenials::new();
        for number in 0..CALLERS + 7 {
            audit.count(&format!("spiffe://a/{number}"), Reason::NoMatchingCaller);
        }
        audit.count("spiffe://a/0", Reason::NoMatchingCaller);
        let callers = audit.callers();
        assert_eq!(callers.len(), CALLERS + 1);
        assert_eq!((&*callers[0].caller, callers[0].requests()), ("spiffe://a/0", 2));
        assert_eq!((&*callers[CALLERS].caller, callers[CALLERS].requests()), ("other", 7));
    }
}
