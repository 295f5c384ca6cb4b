use jiff::Timestamp;

use super::entries::{CallerEntry, RuleEntry};
use super::rule::{Kind, Rule};
use crate::document::{Keyed, NonEmpty, Problem, Problems};
use crate::{AccountId, RuleId};

/// What one entry of the policy says of its callers.
#[derive(Debug)]
pub(crate) struct Caller {
    /// The accounts it must come through; none means any.
    pub(crate) accounts: Option<Box<[AccountId]>>,
    pub(crate) valid_until: Option<Timestamp>,
    /// By id, so that it does not depend on the order in the document which of several matching rules is named.
    pub(crate) permit: Box<[Rule]>,
    pub(crate) forbid: Box<[Rule]>,
}

impl Caller {
    pub(super) fn new(entry: CallerEntry, path: impl Fn() -> String, problems: &mut Problems) -> Self {
        check_ids(&entry, path, problems);
        Self {
            accounts: entry.accounts.0.map(NonEmpty::into_inner),
            valid_until: entry.valid_until.0.map(|date_time| date_time.0),
            permit: rules(entry.permit, Kind::Permit),
            forbid: rules(entry.forbid, Kind::Forbid),
        }
    }

    /// Whether the two are the same word for word, but for the names of rules. A quick yes; no says nothing.
    pub(crate) fn says_the_same(&self, other: &Self) -> bool {
        self.accounts == other.accounts
            && self.valid_until == other.valid_until
            && Rule::all_say_the_same(&self.permit, &other.permit)
            && Rule::all_say_the_same(&self.forbid, &other.forbid)
    }
}

fn rules(entries: Vec<Keyed<RuleEntry>>, kind: Kind) -> Box<[Rule]> {
    let mut rules: Vec<Rule> = entries.into_iter().map(|Keyed(entry)| Rule::new(entry, kind)).collect();
    rules.sort_unstable_by(|a, b| a.id.cmp(&b.id));
    rules.into()
}

/// The log names a rule by its id, so no two rules of a caller may share one.
fn check_ids(entry: &CallerEntry, path: impl Fn() -> String, problems: &mut Problems) {
    let mut ids: Vec<(&RuleId, &str, usize)> = written_ids(&entry.permit, "permit").collect();
    ids.extend(written_ids(&entry.forbid, "forbid"));
    // Stable, so that of two equal ids the later one is reported.
    ids.sort_by_key(|(id, ..)| *id);
    for [(first, ..), (second, list, index)] in ids.array_windows() {
        if first == second {
            problems.push(|| {
                let message = format!("another rule of this caller has the id `{second}` too");
                Problem::in_value(format!("{}/{list}/{index}/id", path()), message)
            });
        }
    }
}

fn written_ids<'e>(
    rules: &'e [Keyed<RuleEntry>],
    list: &'static str,
) -> impl Iterator<Item = (&'e RuleId, &'static str, usize)> {
    rules.iter().enumerate().filter_map(move |(index, Keyed(rule))| Some((rule.id.0.as_ref()?, list, index)))
}
