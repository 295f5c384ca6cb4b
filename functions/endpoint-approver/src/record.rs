//! What the inventory's table remembers besides connections: which units accounts are in, the drift of the services'
//! allowed principals, and the policy in force. Each is an item of its own, marked as withdrawn, so that whoever reads
//! the table for endpoints passes over it.
//!
//! | `endpointId` | attributes |
//! |---|---|
//! | `account#123456789012` | `organizationalUnits` (list), `at`: when Organizations said so |
//! | `service#vpce-svc-…` | `principalsWithoutConsumer`, `consumersWithoutPrincipal` (lists), `at`: since when |
//! | `policy#` | `policyRevision`, `at`: since when it is in force |

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use policy::sortable_time;
use policy::{AccountId, ServiceId};

use crate::drift::Drift;
use crate::row::Rows;
use crate::units::{Membership, Memberships};

const UNITS: &str = "organizationalUnits";
const PRINCIPALS: &str = "principalsWithoutConsumer";
const CONSUMERS: &str = "consumersWithoutPrincipal";
const REVISION: &str = "policyRevision";
/// How long the answer about an account stays, should nobody ask again.
const ACCOUNT_STAYS: Duration = Duration::from_secs(7 * 86_400);

pub(crate) type Item = HashMap<String, AttributeValue>;

/// All that the table remembers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Memory {
    pub(crate) rows: Rows,
    pub(crate) accounts: Memberships,
    pub(crate) services: HashMap<ServiceId, Drift>,
    pub(crate) policy_revision: Option<String>,
}

/// Something to remember.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Record {
    Account(AccountId, Membership),
    Service(ServiceId, Drift),
    Policy(String),
}

impl Memory {
    /// Takes in an item that is no connection; `false` when it is not understood.
    pub(crate) fn take(&mut self, kind: &str, of: &str, item: &Item) -> bool {
        let taken = match kind {
            "account" => account(of, item).map(|(account, membership)| {
                self.accounts.insert(account, membership);
            }),
            "service" => service(of, item).map(|(service, drift)| {
                self.services.insert(service, drift);
            }),
            "policy" => text(item, REVISION).map(|revision| self.policy_revision = Some(revision)),
            _ => None,
        };
        taken.is_some()
    }
}

impl Record {
    /// The item, as of now.
    pub(crate) fn item(&self, now: Timestamp) -> Item {
        let (key, at, attributes) = match self {
            Self::Account(account, Membership { units, at }) => {
                let expires = at.saturating_add(ACCOUNT_STAYS).unwrap_or(*at).as_second();
                let expires = ("expiresEpoch", AttributeValue::N(expires.to_string()));
                (format!("account#{account}"), *at, vec![(UNITS, list(units)), expires])
            }
            Self::Service(service, drift) => {
                let principals = (PRINCIPALS, list(&drift.principals_without_consumer));
                let consumers = (CONSUMERS, list(&drift.consumers_without_principal));
                let id = ("serviceId", AttributeValue::S(service.to_string()));
                (format!("service#{service}"), now, vec![principals, consumers, id])
            }
            Self::Policy(revision) => {
                ("policy#".to_owned(), now, vec![(REVISION, AttributeValue::S(revision.clone()))])
            }
        };
        let always = [
            ("endpointId", AttributeValue::S(key)),
            ("withdrawn", AttributeValue::Bool(true)),
            ("at", AttributeValue::S(sortable_time(at))),
        ];
        always.into_iter().chain(attributes).map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

fn account(id: &str, item: &Item) -> Option<(AccountId, Membership)> {
    let at = text(item, "at")?.parse().ok()?;
    Some((id.parse().ok()?, Membership { units: texts(item, UNITS)?, at }))
}

fn service(id: &str, item: &Item) -> Option<(ServiceId, Drift)> {
    let set = |name| texts::<BTreeSet<String>>(item, name);
    let (principals_without_consumer, consumers_without_principal) = (set(PRINCIPALS)?, set(CONSUMERS)?);
    Some((id.parse().ok()?, Drift { principals_without_consumer, consumers_without_principal }))
}

fn list<'a>(texts: impl IntoIterator<Item = &'a String>) -> AttributeValue {
    AttributeValue::L(texts.into_iter().map(|text| AttributeValue::S(text.clone())).collect())
}

fn text(item: &Item, name: &str) -> Option<String> {
    item.get(name)?.as_s().ok().cloned()
}

fn texts<C: FromIterator<String>>(item: &Item, name: &str) -> Option<C> {
    item.get(name)?.as_l().ok()?.iter().map(|value| value.as_s().ok().cloned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_what_is_read() {
        let now: Timestamp = "2026-11-23T10:00:00Z".parse().unwrap();
        let membership = Membership { units: vec!["ou-ab12-abcdefgh".to_owned()], at: now };
        let drift = Drift {
            principals_without_consumer: BTreeSet::from(["*".to_owned()]),
            consumers_without_principal: BTreeSet::new(),
        };
        let (account, service): (AccountId, ServiceId) =
            ("123456789012".parse().unwrap(), "vpce-svc-1".parse().unwrap());
        let mut memory = Memory::default();
        for record in [
            Record::Account(account, membership.clone()),
            Record::Service(service.clone(), drift.clone()),
            Record::Policy("7".to_owned()),
        ] {
            let item = record.item(now);
            assert_eq!(item["withdrawn"], AttributeValue::Bool(true), "readers of endpoints pass over it");
            let (kind, of) = item["endpointId"].as_s().unwrap().split_once('#').unwrap();
            assert!(memory.take(kind, of, &item), "{item:?}");
        }
        assert_eq!((&memory.accounts[&account], &memory.services[&service]), (&membership, &drift));
        assert_eq!(memory.policy_revision.as_deref(), Some("7"));
    }

    #[test]
    fn what_is_not_understood_is_not_taken() {
        let mut memory = Memory::default();
        assert!(!memory.take("account", "123456789012", &Item::new()));
        assert!(!memory.take("service", "vpce-svc-1", &Item::new()));
        assert!(!memory.take("person", "alice", &Item::new()));
    }
}
