use jiff::Timestamp;

use super::{Connection, Places, VerdictReason};
use crate::document::{NonEmpty, Problem, Problems};
use crate::policy::ConsumerEntry;
use crate::{AccountId, OrganizationalUnitId, Region, ServiceId};

/// One consumer entry. The order of the fields is the order of the entries: those for accounts first, by account, and
/// among those of one account the ones without a limit first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Consumer {
    subject: ConsumerSubject,
    max_endpoints: Option<u32>,
    valid_until: Option<Timestamp>,
    regions: Option<Box<[Region]>>,
    services: Option<Box<[ServiceId]>>,
    name: Option<String>,
}

/// Whose endpoints an entry is for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum ConsumerSubject {
    /// Those of one account.
    Account(AccountId),
    /// Those of all accounts below it.
    OrganizationalUnit(OrganizationalUnitId),
}

impl Consumer {
    /// Whose endpoints it is for.
    #[must_use]
    pub fn subject(&self) -> &ConsumerSubject {
        &self.subject
    }

    /// The Regions the endpoints may be in; none means any.
    #[must_use]
    pub fn regions(&self) -> Option<&[Region]> {
        self.regions.as_deref()
    }

    /// The services they may connect to; none means every managed one.
    #[must_use]
    pub fn services(&self) -> Option<&[ServiceId]> {
        self.services.as_deref()
    }

    /// How many may be connected; none means any number.
    #[must_use]
    pub fn max_endpoints(&self) -> Option<u32> {
        self.max_endpoints
    }

    /// From when on the entry admits nothing; none means never.
    #[must_use]
    pub fn valid_until(&self) -> Option<Timestamp> {
        self.valid_until
    }

    /// The account, when the entry is for one.
    #[must_use]
    pub fn account(&self) -> Option<&AccountId> {
        match &self.subject {
            ConsumerSubject::Account(account) => Some(account),
            ConsumerSubject::OrganizationalUnit(_) => None,
        }
    }

    /// The organizational unit, when the entry is for one.
    #[must_use]
    pub fn organizational_unit(&self) -> Option<&OrganizationalUnitId> {
        match &self.subject {
            ConsumerSubject::Account(_) => None,
            ConsumerSubject::OrganizationalUnit(unit) => Some(unit),
        }
    }

    /// The name, when it has one.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    pub(super) fn new(entry: ConsumerEntry, path: impl Fn() -> String, problems: &mut Problems) -> Option<Self> {
        let subject = match (entry.account.0, entry.organizational_unit.0) {
            (Some(account), None) => ConsumerSubject::Account(account),
            (None, Some(unit)) => ConsumerSubject::OrganizationalUnit(unit),
            _ => {
                let message = "one of `account` and `organizationalUnit` must be here, and only one";
                problems.push(|| Problem::in_value(path(), message));
                return None;
            }
        };
        Some(Self {
            subject,
            max_endpoints: entry.max_endpoints.0,
            valid_until: entry.valid_until.0.map(|date_time| date_time.0),
            regions: sorted(entry.regions.0),
            services: sorted(entry.services.0),
            name: entry.name.0,
        })
    }

    /// Whether the two differ in their names at most.
    pub(crate) fn grants_the_same(&self, other: &Self) -> bool {
        let grant = |consumer: &Self| Self { name: None, ..consumer.clone() };
        grant(self) == grant(other)
    }

    /// What the entry says of a connection of its owner, when so many others hold a place before it.
    pub(super) fn judge(&self, connection: &Connection, now: Timestamp, before: Places) -> VerdictReason {
        let region = connection.region.as_deref();
        let in_regions =
            self.regions.as_deref().is_none_or(|regions| regions.iter().any(|r| Some(r.as_str()) == region));
        if region.is_some() && !in_regions {
            VerdictReason::RegionNotAllowed
        } else if self.services.as_deref().is_some_and(|services| !services.contains(&connection.service_id)) {
            VerdictReason::ServiceNotAllowed
        } else if self.valid_until.is_some_and(|end| now >= end) {
            VerdictReason::GrantExpired
        } else if !in_regions {
            VerdictReason::StateUnknown
        } else if self.is_full(before.taken) {
            VerdictReason::LimitReached
        } else if self.is_full(before.taken + before.perhaps) {
            VerdictReason::StateUnknown
        } else {
            VerdictReason::Allowed
        }
    }

    fn is_full(&self, taken: usize) -> bool {
        self.max_endpoints.is_some_and(|limit| usize::try_from(limit).is_ok_and(|limit| taken >= limit))
    }
}

fn sorted<T: Ord>(items: Option<NonEmpty<T>>) -> Option<Box<[T]>> {
    let mut items = items?.into_inner();
    items.sort_unstable();
    Some(items)
}
