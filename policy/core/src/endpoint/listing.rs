use std::str::FromStr;

use super::Consumer;
use crate::AccountId;
use crate::document::{Keyed, Problem, Problems};
use crate::policy::EndpointsEntry;
use crate::text::{prints_as_str, text};

/// What the policy says of endpoint connections.
#[derive(Debug)]
pub struct Endpoints {
    unlisted: Unlisted,
    /// Sorted, so that the order in the document does not matter.
    consumers: Vec<Consumer>,
}

impl Endpoints {
    pub(crate) fn new(entry: EndpointsEntry, problems: &mut Problems) -> Self {
        let mut consumers = Vec::with_capacity(entry.consumers.len());
        for (index, Keyed(entry)) in entry.consumers.into_iter().enumerate() {
            let path = || format!("/endpoints/consumers/{index}");
            consumers.extend(Consumer::new(entry, path, problems).map(|consumer| (consumer, index)));
        }
        consumers.sort();
        for [(first, _), (second, index)] in consumers.array_windows() {
            if first.grants_the_same(second) {
                problems.push(|| {
                    let path = format!("/endpoints/consumers/{index}");
                    Problem::in_value(path, "another entry grants the same, leave one of them out")
                });
            }
        }
        let consumers = consumers.into_iter().map(|(consumer, _)| consumer).collect();
        Self { unlisted: entry.unlisted.0.unwrap_or_default(), consumers }
    }

    /// What becomes of a connection whose owner is not listed.
    #[must_use]
    pub fn unlisted(&self) -> Unlisted {
        self.unlisted
    }

    /// The consumer entries: those for accounts, by account, then those for organizational units.
    #[must_use]
    pub fn consumers(&self) -> &[Consumer] {
        &self.consumers
    }

    /// Whether an entry is for an organizational unit.
    #[must_use]
    pub fn names_units(&self) -> bool {
        self.consumers.last().is_some_and(|consumer| consumer.organizational_unit().is_some())
    }

    /// How many endpoints the entries for an account let in together. `None`: there is none, or one without a limit.
    pub(crate) fn max_endpoints(&self, account: &AccountId) -> Option<u32> {
        let mut entries = self.for_owner(account, &[]).map(|(_, consumer)| consumer.max_endpoints());
        let first = entries.next()??;
        entries.try_fold(first, |sum, more| Some(sum.saturating_add(more?)))
    }

    /// The index from which on the entries are for organizational units.
    pub(super) fn first_unit(&self) -> usize {
        self.consumers.partition_point(|consumer| consumer.account().is_some())
    }

    /// The entries for an account below these organizational units, each with its index.
    pub(super) fn for_owner(&self, owner: &AccountId, units: &[String]) -> impl Iterator<Item = (usize, &Consumer)> {
        let consumers = self.consumers.iter().enumerate();
        // Sorted by account, those without one last.
        let start =
            self.consumers.partition_point(|consumer| consumer.account().is_some_and(|account| account < owner));
        let own = consumers.clone().skip(start).take_while(|(_, consumer)| consumer.account() == Some(owner));
        let above = consumers.skip(self.first_unit()).filter(|(_, consumer)| {
            consumer.organizational_unit().is_some_and(|unit| units.iter().any(|u| u == unit.as_str()))
        });
        own.chain(above)
    }
}

/// What becomes of a connection whose owner is not listed.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub enum Unlisted {
    /// It is rejected.
    #[default]
    Reject,
    /// It is left as it is.
    Hold,
}

impl Unlisted {
    /// `reject` or `hold`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Reject => "reject",
            Self::Hold => "hold",
        }
    }
}

/// Why a text is not [`Unlisted`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is neither `reject` nor `hold`")]
pub struct UnlistedError(String);

impl FromStr for Unlisted {
    type Err = UnlistedError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "reject" => Ok(Self::Reject),
            "hold" => Ok(Self::Hold),
            _ => Err(UnlistedError(text.to_owned())),
        }
    }
}

prints_as_str!(Unlisted);
text!(Unlisted, "`reject` or `hold`", "enum": ["reject", "hold"]);
