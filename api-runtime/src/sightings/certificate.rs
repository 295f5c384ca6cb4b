//! What is remembered of one certificate.

use super::Expectations;
use crate::trust::Peer;
use policy::{AccountId, SerialNumber, SpiffeId, Timestamp, VpcEndpointId};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// So many endpoints of a certificate are told apart: more than anybody should have.
pub(super) const ENDPOINTS: usize = 64;

#[derive(Debug)]
pub(super) struct Certificate {
    identity: SpiffeId,
    serial: SerialNumber,
    expires: Timestamp,
    endpoints: Vec<Endpoint>,
    /// Those that were said to share it.
    told_accounts: BTreeSet<AccountId>,
    /// Among those seen last, at the limit of then.
    several_accounts: bool,
    too_many_endpoints: bool,
    limit: usize,
    /// Where it stands among all.
    pub(super) place: u64,
}

#[derive(Clone, Debug)]
struct Endpoint {
    id: VpcEndpointId,
    account: Option<AccountId>,
    seen: Instant,
    /// Whether it was said to be one of too many.
    told: bool,
}

/// Something new about who uses a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) identity: SpiffeId,
    pub(crate) serial: SerialNumber,
    pub(crate) endpoints: Vec<VpcEndpointId>,
    pub(crate) accounts: Vec<AccountId>,
    /// From how many endpoints its identity should come.
    pub(crate) limit: usize,
    pub(crate) signs: Vec<&'static str>,
}

/// A certificate with more than one user, for the status.
#[derive(Clone, Debug)]
pub(crate) struct Shared {
    pub(crate) identity: SpiffeId,
    pub(crate) serial: SerialNumber,
    pub(crate) expires: Timestamp,
    /// Each with its account, if that is known, and how long ago it was seen.
    pub(crate) endpoints: Vec<(VpcEndpointId, Option<AccountId>, Duration)>,
    pub(crate) limit: usize,
    pub(crate) signs: Vec<&'static str>,
}

impl Certificate {
    pub(super) fn new(peer: &Peer, identity: &SpiffeId) -> Self {
        Self::of(identity.clone(), peer.serial().clone(), peer.not_after())
    }

    pub(super) fn of(identity: SpiffeId, serial: SerialNumber, expires: Timestamp) -> Self {
        Self {
            identity,
            serial,
            expires,
            endpoints: Vec::new(),
            told_accounts: BTreeSet::new(),
            several_accounts: false,
            too_many_endpoints: false,
            limit: 0,
            place: u64::MAX,
        }
    }

    pub(super) fn see(&mut self, endpoint: &VpcEndpointId, now: Instant) {
        if let Some(known) = self.endpoints.iter_mut().find(|each| each.id == *endpoint) {
            known.seen = now;
        } else if self.endpoints.len() < ENDPOINTS {
            self.endpoints.push(Endpoint { id: endpoint.clone(), account: None, seen: now, told: false });
        }
    }

    /// Forgets what was seen too long ago; false if nothing is left.
    pub(super) fn forget(&mut self, now: Instant, memory: Duration) -> bool {
        self.endpoints.retain(|each| now.saturating_duration_since(each.seen) <= memory);
        !self.endpoints.is_empty()
    }

    /// Compares with what is expected now. Returns what was not said before.
    pub(super) fn judge(&mut self, expected: &impl Expectations) -> Option<Finding> {
        for each in &mut self.endpoints {
            // An endpoint has one owner all its life: an inventory that is too old to say so takes nothing back.
            each.account = expected.account(&each.id).or(each.account);
        }
        let accounts = self.accounts();
        self.limit = expected.max_endpoints(&self.identity);
        self.several_accounts = accounts.len() > 1;
        self.too_many_endpoints = self.endpoints.len() > self.limit;
        let mut signs = Vec::new();
        if self.several_accounts && !accounts.is_subset(&self.told_accounts) {
            self.told_accounts.clone_from(&accounts);
            signs.push("accounts");
        }
        if self.too_many_endpoints && self.endpoints.iter().any(|each| !each.told) {
            self.endpoints.iter_mut().for_each(|each| each.told = true);
            signs.push("endpoints");
        }
        (!signs.is_empty()).then(|| Finding {
            identity: self.identity.clone(),
            serial: self.serial.clone(),
            endpoints: self.endpoints.iter().map(|each| each.id.clone()).collect(),
            accounts: accounts.into_iter().collect(),
            limit: self.limit,
            signs,
        })
    }

    #[cfg(test)]
    pub(super) fn endpoints(&self) -> usize {
        self.endpoints.len()
    }

    pub(super) fn has_several_accounts(&self) -> bool {
        self.several_accounts
    }

    pub(super) fn has_too_many_endpoints(&self) -> bool {
        self.too_many_endpoints
    }

    pub(super) fn shared(&self, now: Instant) -> Option<Shared> {
        let signs = [("accounts", self.several_accounts), ("endpoints", self.too_many_endpoints)];
        let signs: Vec<_> = signs.into_iter().filter_map(|(sign, shown)| shown.then_some(sign)).collect();
        let endpoint = |each: &Endpoint| (each.id.clone(), each.account, now.saturating_duration_since(each.seen));
        (!signs.is_empty()).then(|| Shared {
            identity: self.identity.clone(),
            serial: self.serial.clone(),
            expires: self.expires,
            endpoints: self.endpoints.iter().map(endpoint).collect(),
            limit: self.limit,
            signs,
        })
    }

    fn accounts(&self) -> BTreeSet<AccountId> {
        self.endpoints.iter().filter_map(|each| each.account).collect()
    }
}

impl Finding {
    /// Once for each new fact, in the log of the process: the certificate's users are many, and here is who.
    pub(crate) fn say(&self) {
        let joined = |texts: &mut dyn Iterator<Item = &str>| texts.collect::<Vec<_>>().join(" ");
        tracing::warn!(
            event = "certificateShared",
            signs = joined(&mut self.signs.iter().copied()),
            callerId = %self.identity,
            serialNumber = self.serial.as_str(),
            endpointIds = joined(&mut self.endpoints.iter().map(VpcEndpointId::as_str)),
            accounts = joined(&mut self.accounts.iter().map(AccountId::as_str)),
            maxEndpoints = self.limit,
            "one client certificate is used by several"
        );
    }
}

impl Shared {
    pub(crate) fn json(&self) -> Value {
        let endpoint = |(id, account, ago): &(VpcEndpointId, Option<AccountId>, Duration)| {
            let account = account.as_ref().map(AccountId::as_str);
            json!({ "endpointId": id.as_str(), "account": account, "seenSecondsAgo": ago.as_secs() })
        };
        json!({
            "callerId": self.identity.as_str(),
            "serialNumber": self.serial.as_str(),
            "certificateExpires": self.expires,
            "signs": self.signs,
            "maxEndpoints": self.limit,
            "endpoints": self.endpoints.iter().map(endpoint).collect::<Vec<_>>(),
        })
    }
}
