//! Which organizational units accounts are in, as far as it is known: each answer is kept with its age, in the table,
//! and counts for a while. Afterwards, and for an account nobody was told about, nothing is known.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use jiff::Timestamp;
use policy::AccountId;
use telemetry::{CallError, Deadline};

use crate::organization::{Organization, Tree};
use crate::row::waited;

/// An answer that is older is asked for again.
const FRESH: Duration = Duration::from_secs(3_600);
/// An answer that is older does not count, even while Organizations does not answer.
const USABLE: Duration = Duration::from_secs(4 * 3_600);
/// Of the run's time, for Organizations: what is not known by then is asked for by the next run.
const SHARE: u32 = 3;

/// The units above an account, and when Organizations said so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Membership {
    pub(crate) units: Vec<String>,
    pub(crate) at: Timestamp,
}

/// By account.
pub(crate) type Memberships = HashMap<AccountId, Membership>;

/// What is known of the accounts of a run.
#[derive(Debug, Default)]
pub(crate) struct Units {
    known: Memberships,
    /// What Organizations said in this run, for the table.
    pub(crate) news: Vec<AccountId>,
    /// How many accounts nothing is known of.
    pub(crate) unknown: usize,
    /// Why.
    pub(crate) failure: Option<CallError>,
}

impl Units {
    /// The units above an account; `None`: not known.
    pub(crate) fn above(&self, account: &AccountId) -> Option<Vec<String>> {
        self.known.get(account).map(|membership| membership.units.clone())
    }

    /// Every answer that counts.
    pub(crate) fn known(&self) -> &Memberships {
        &self.known
    }

    /// An account's answer with its time.
    pub(crate) fn membership(&self, account: &AccountId) -> Option<&Membership> {
        self.known.get(account)
    }

    /// How old the oldest answer is that counts.
    pub(crate) fn age(&self, now: Timestamp) -> Duration {
        let ages = self.known.values().map(|membership| now.duration_since(membership.at));
        ages.max().and_then(|age| Duration::try_from(age).ok()).unwrap_or_default()
    }

    /// Asks for what is not known or not fresh, the unknown first. The first failure ends it: what holds for one
    /// account, a throttle or a missing permission, holds for the next.
    pub(crate) async fn resolve(
        organization: &Organization,
        accounts: &BTreeSet<AccountId>,
        mut known: Memberships,
        now: Timestamp,
        by: Deadline,
    ) -> Self {
        // One that is dated later would never grow old.
        known.retain(|account, membership| accounts.contains(account) && membership.at <= now);
        let by = Deadline::after(by.remaining() / SHARE);
        let mut units = Self::default();
        let mut tree = Tree::new();
        for account in to_ask(accounts, &known, now) {
            match organization.units_above(&account, &mut tree, by).await {
                Ok(above) => {
                    known.insert(account, Membership { units: above, at: now });
                    units.news.push(account);
                }
                Err(error) => {
                    units.failure = Some(error);
                    break;
                }
            }
        }
        known.retain(|_, membership| !waited(membership.at, now, USABLE));
        units.unknown = accounts.len().saturating_sub(known.len());
        units.known = known;
        units
    }
}

fn to_ask(accounts: &BTreeSet<AccountId>, known: &Memberships, now: Timestamp) -> Vec<AccountId> {
    let asked = |account: &AccountId| known.get(account).map(|membership| membership.at);
    let stale = accounts.iter().filter(|account| asked(account).is_none_or(|at| waited(at, now, FRESH)));
    let mut stale: Vec<_> = stale.copied().collect();
    stale.sort_by_key(asked);
    stale
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_unknown_are_asked_for_first_then_the_oldest_and_the_fresh_not_at_all() {
        let now: Timestamp = "2026-11-23T10:00:00Z".parse().unwrap();
        let account = |digit: u8| digit.to_string().repeat(12).parse::<AccountId>().unwrap();
        let ago = |minutes: u64| now.checked_sub(Duration::from_secs(60 * minutes)).unwrap();
        let known = [(1, 59), (2, 60), (3, 200)];
        let membership = |minutes| Membership { units: Vec::new(), at: ago(minutes) };
        let known = known.into_iter().map(|(digit, minutes)| (account(digit), membership(minutes))).collect();
        let accounts = (1..=4).map(account).collect();
        assert_eq!(to_ask(&accounts, &known, now), [account(4), account(3), account(2)]);
    }
}
