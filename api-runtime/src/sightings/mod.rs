//! One certificate, many users: through which endpoints each client certificate comes. Whoever shares one certificate
//! between services makes them one caller, and no gate can tell; so it is said. Asked when a connection opens and when
//! somebody looks, never by a request.

mod certificate;

pub(crate) use certificate::{Finding, Shared};

use crate::trust::Peer;
use certificate::Certificate;
use policy::{AccountId, SpiffeId, VpcEndpointId};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// So many certificates are remembered; of more, those seen last.
const CERTIFICATES: usize = 10_000;
/// An endpoint that a certificate has not come through for so long no longer counts: a replaced one is not a second one.
const MEMORY: Duration = Duration::from_secs(24 * 3600);

/// The certificates that came lately, by the digest of their bytes: two authorities may use the same serial number.
#[derive(Debug, Default)]
pub(crate) struct Sightings(Mutex<Seen>);

#[derive(Debug, Default)]
struct Seen {
    certificates: HashMap<Box<str>, Certificate>,
    /// Their digests, the one seen first first.
    order: BTreeMap<u64, Box<str>>,
    next: u64,
}

/// What is asked of the snapshots in force.
pub(crate) trait Expectations {
    /// Whose endpoint it is, as far as the inventory knows.
    fn account(&self, endpoint: &VpcEndpointId) -> Option<AccountId>;
    /// From how many endpoints an identity should come.
    fn max_endpoints(&self, identity: &SpiffeId) -> usize;
}

impl Sightings {
    /// Notes that a connection came, and returns what is new about its certificate.
    pub(crate) fn see(
        &self,
        peer: &Peer,
        endpoint: &VpcEndpointId,
        expected: &impl Expectations,
        now: Instant,
    ) -> Option<Finding> {
        let Ok(identity) = peer.identity() else { return None };
        let digest = peer.certificate_sha256_hex();
        self.locked().see(digest, || Certificate::new(peer, identity), endpoint, expected, now)
    }

    /// Looks at all of them again, for inventory and policy change too. Returns what is new.
    pub(crate) fn review(&self, expected: &impl Expectations, now: Instant) -> Vec<Finding> {
        let Seen { certificates, order, .. } = &mut *self.locked();
        certificates.retain(|_, certificate| certificate.forget(now, MEMORY));
        order.retain(|_, digest| certificates.contains_key(digest));
        certificates.values_mut().filter_map(|certificate| certificate.judge(expected)).collect()
    }

    /// Those with more than one user, by all signs, as of the last look.
    pub(crate) fn shared(&self, now: Instant) -> Vec<Shared> {
        let mut shared: Vec<Shared> = self.locked().certificates.values().filter_map(|each| each.shared(now)).collect();
        shared.sort_by(|a, b| (&a.identity, &a.serial).cmp(&(&b.identity, &b.serial)));
        shared
    }

    /// How many come through several accounts, and how many through too many endpoints, as of the last look.
    pub(crate) fn counts(&self) -> [usize; 2] {
        let seen = self.locked();
        let count = |sign: fn(&Certificate) -> bool| seen.certificates.values().filter(|each| sign(each)).count();
        [count(Certificate::has_several_accounts), count(Certificate::has_too_many_endpoints)]
    }

    fn locked(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seen {
    fn see(
        &mut self,
        digest: &str,
        new: impl FnOnce() -> Certificate,
        endpoint: &VpcEndpointId,
        expected: &impl Expectations,
        now: Instant,
    ) -> Option<Finding> {
        let place = self.next;
        self.next += 1;
        let certificate = match self.certificates.get_mut(digest) {
            Some(certificate) => certificate,
            None => self.certificates.entry(digest.into()).or_insert_with(new),
        };
        self.order.remove(&std::mem::replace(&mut certificate.place, place));
        self.order.insert(place, digest.into());
        certificate.forget(now, MEMORY);
        certificate.see(endpoint, now);
        let finding = certificate.judge(expected);
        if self.certificates.len() > CERTIFICATES
            && let Some((_, oldest)) = self.order.pop_first()
        {
            self.certificates.remove(&oldest);
        }
        finding
    }
}

#[cfg(test)]
mod tests;
