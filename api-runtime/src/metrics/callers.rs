//! Counters per caller, for a bounded number of callers: the policy may name a million, and an identity that it does
//! not name is the attacker's choice.

use super::{Value, Visit, table};
use policy::SpiffeId;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// So many callers have counters of their own.
const CALLERS: usize = 1_000;

/// Where a caller is counted. Found once for a connection, used for each of its requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CallerSlot(u16);

impl CallerSlot {
    /// A caller that the policy does not name is not counted here.
    pub(crate) const NONE: Self = Self(u16::MAX);
    const OTHER: Self = Self(CALLERS as u16);

    /// For keeping in an atomic.
    pub(crate) fn to_bits(self) -> u16 {
        self.0
    }

    pub(crate) fn from_bits(bits: u16) -> Self {
        Self(bits)
    }
}

/// Who is counted where.
#[derive(Debug, Default)]
pub(super) struct Callers(Mutex<HashMap<SpiffeId, u16>>);

/// One thread's counts: requests and denials. Memory is touched only for callers that come.
#[derive(Debug)]
pub(super) struct Counters(Box<[[AtomicU64; 2]]>);

impl Default for Counters {
    fn default() -> Self {
        Self((0..=CALLERS).map(|_| Default::default()).collect())
    }
}

impl Counters {
    pub(super) fn count(&self, slot: CallerSlot, denied: bool) {
        if let Some([requests, denials]) = self.0.get(usize::from(slot.0)) {
            requests.fetch_add(1, Ordering::Relaxed);
            if denied {
                denials.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

impl Callers {
    pub(super) fn slot(&self, identity: &SpiffeId) -> CallerSlot {
        let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = slots.get(identity) {
            return CallerSlot(*slot);
        }
        match u16::try_from(slots.len()) {
            Ok(free) if free < CallerSlot::OTHER.0 => {
                slots.insert(identity.clone(), free);
                CallerSlot(free)
            }
            _ => CallerSlot::OTHER,
        }
    }

    pub(super) fn collect<'a>(&self, shards: impl Iterator<Item = &'a Counters>, visit: &mut Visit<'_>) {
        let mut totals = vec![[0, 0]; CALLERS + 1];
        for shard in shards {
            for ([requests, denials], counted) in totals.iter_mut().zip(&shard.0) {
                *requests += counted[0].load(Ordering::Relaxed);
                *denials += counted[1].load(Ordering::Relaxed);
            }
        }
        let slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut named: Vec<(u16, &str)> = slots.iter().map(|(identity, slot)| (*slot, identity.as_str())).collect();
        named.sort_unstable();
        if totals.last().is_some_and(|[requests, _]| *requests > 0) {
            named.push((CallerSlot::OTHER.0, "other"));
        }
        for (at, definition) in [&table::CALLER_REQUESTS, &table::CALLER_DENIALS].into_iter().enumerate() {
            for (slot, name) in &named {
                let count = totals.get(usize::from(*slot)).and_then(|counts| counts.get(at));
                visit(definition, &[name], Value::Count(count.copied().unwrap_or(0)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(number: usize) -> SpiffeId {
        format!("spiffe://internal.example/svc/{number}").parse().unwrap()
    }

    fn shown(callers: &Callers, counters: &Counters) -> Vec<(&'static str, String, u64)> {
        let mut shown = Vec::new();
        callers.collect(std::iter::once(counters), &mut |definition, attributes, value| {
            let Value::Count(count) = value else { panic!("{value:?}") };
            shown.push((definition.name, attributes[0].to_owned(), count));
        });
        shown
    }

    #[test]
    fn a_caller_is_counted_under_its_own_name_and_a_stranger_nowhere() {
        let (callers, counters) = (Callers::default(), Counters::default());
        counters.count(callers.slot(&identity(1)), false);
        counters.count(callers.slot(&identity(1)), true);
        counters.count(CallerSlot::NONE, true);
        let name = identity(1).to_string();
        assert_eq!(shown(&callers, &counters), [("caller_requests", name.clone(), 2), ("caller_denials", name, 1)]);
    }

    #[test]
    fn beyond_a_thousand_callers_there_are_others() {
        let (callers, counters) = (Callers::default(), Counters::default());
        for number in 0..CALLERS + 7 {
            counters.count(callers.slot(&identity(number)), false);
        }
        let shown = shown(&callers, &counters);
        assert_eq!(shown.len(), 2 * (CALLERS + 1));
        assert_eq!(shown[CALLERS], ("caller_requests", "other".to_owned(), 7));
    }
}
