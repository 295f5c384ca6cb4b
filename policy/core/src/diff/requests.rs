//! The inner gate of two policies: who may ask for what by one of them only.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::region::{Region, Rules};
use super::{Access, CallerDiff, Selection, What};
use crate::policy::Caller;
use crate::{AccountId, Policy};

/// Every caller for whom something changes, by identity.
pub(super) fn callers(old: &Policy, new: &Policy, at: Timestamp) -> Vec<CallerDiff> {
    // Whoever has an entry in one policy only is under the nearest prefix in the other, or nobody.
    let only_new = new.patterns().filter(|pattern| !old.names(pattern));
    let diffs = old.patterns().chain(only_new).filter_map(|identity| {
        let in_force = |caller: &&Caller| caller.valid_until.is_none_or(|end| at < end);
        let before = old.caller_for(&identity).filter(in_force);
        let after = new.caller_for(&identity).filter(in_force);
        let (gains, losses) = compare(before, after);
        (!gains.is_empty() || !losses.is_empty()).then_some(CallerDiff { identity, gains, losses })
    });
    let mut diffs: Vec<CallerDiff> = diffs.collect();
    diffs.sort_by(|a, b| a.identity.cmp(&b.identity));
    diffs
}

/// What is gained, and what is lost, from one entry to the other.
fn compare(before: Option<&Caller>, after: Option<&Caller>) -> (Vec<Access>, Vec<Access>) {
    if before.is_none() && after.is_none() || before.zip(after).is_some_and(|(a, b)| a.says_the_same(b)) {
        return (Vec::new(), Vec::new());
    }
    let by_method = ByMethod::of(before, after);
    let mut gains = requests(&by_method, |(before, after)| after.without(before), after);
    let mut losses = requests(&by_method, |(before, after)| before.without(after), before);
    if let (Some(before), Some(after)) = (before, after)
        && by_method.0.values().any(|(ours, theirs)| ours.meet(theirs))
    {
        gains.extend(further_accounts(before, after));
        losses.extend(further_accounts(after, before));
        let through = shared_accounts(before, after);
        if !through.is_nothing() {
            gains.extend(longer(before, after, &through));
            losses.extend(longer(after, before, &through));
        }
    }
    (gains, losses)
}

/// The rules before and after for every method that one of them names, and under none for all others.
struct ByMethod<'p>(BTreeMap<Option<&'p str>, (Rules<'p>, Rules<'p>)>);

impl<'p> ByMethod<'p> {
    fn of(before: Option<&'p Caller>, after: Option<&'p Caller>) -> Self {
        let rules = [before, after].into_iter().flatten().flat_map(|caller| caller.permit.iter().chain(&caller.forbid));
        let mut methods: BTreeSet<Option<&str>> =
            rules.filter_map(|rule| rule.methods().named()).flatten().map(Some).collect();
        methods.insert(None);
        let rules = |caller: Option<&'p Caller>, method| caller.map_or_else(Rules::default, |c| Rules::of(c, method));
        Self(methods.into_iter().map(|method| (method, (rules(before, method), rules(after, method)))).collect())
    }

    /// In the fewest words.
    fn selection(&self, methods: &BTreeSet<Option<&str>>) -> Selection<String> {
        let text = |method: &Option<&str>| method.map(str::to_owned);
        if methods.contains(&None) {
            Selection::AllBut(self.0.keys().filter(|method| !methods.contains(*method)).filter_map(text).collect())
        } else {
            Selection::Only(methods.iter().filter_map(text).collect())
        }
    }
}

/// The requests that only the `holder`'s rules allow, those with the same paths together.
fn requests<'p>(
    by_method: &ByMethod<'p>,
    only: impl Fn(&(Rules<'p>, Rules<'p>)) -> Vec<Region<'p>>,
    holder: Option<&Caller>,
) -> Vec<Access> {
    let Some(holder) = holder else { return Vec::new() };
    let mut methods: BTreeMap<(String, Vec<String>), BTreeSet<Option<&str>>> = BTreeMap::new();
    for (method, rules) in &by_method.0 {
        for region in only(rules) {
            methods.entry(region.texts()).or_default().insert(*method);
        }
    }
    let accounts = accounts(holder);
    let access = |((path, except), methods): (_, BTreeSet<Option<&str>>)| Access {
        what: What::Requests { methods: by_method.selection(&methods), path, except },
        accounts: accounts.clone(),
        from: None,
        until: holder.valid_until,
    };
    methods.into_iter().map(access).collect()
}

/// What both allow, through accounts that only the second may use.
fn further_accounts(first: &Caller, second: &Caller) -> Option<Access> {
    let accounts = accounts(second).without(&accounts(first));
    (!accounts.is_nothing()).then_some(Access {
        what: What::AllowedByBoth,
        accounts,
        from: None,
        until: second.valid_until,
    })
}

/// What both allow, after the end of the first.
fn longer(first: &Caller, second: &Caller, through: &Selection<AccountId>) -> Option<Access> {
    let end = first.valid_until?;
    second.valid_until.is_none_or(|later| end < later).then(|| Access {
        what: What::AllowedByBoth,
        accounts: through.clone(),
        from: Some(end),
        until: second.valid_until,
    })
}

fn accounts(caller: &Caller) -> Selection<AccountId> {
    match &caller.accounts {
        Some(accounts) => Selection::only(accounts.iter().copied()),
        None => Selection::any(),
    }
}

fn shared_accounts(before: &Caller, after: &Caller) -> Selection<AccountId> {
    accounts(before).intersection(&accounts(after))
}
