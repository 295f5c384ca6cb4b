//! Who is revoked, by CRLs that were parsed and whose signatures were checked once, when they were loaded.
//!
//! A lookup is one probe of a hash set, however long the CRL. CRLs split by distribution point (AWS's `PARTITIONED`) are
//! kept side by side: a serial in any of an issuer's CRLs is revoked, but only a CRL whose scope includes a certificate
//! can say that it is not.

mod document;
mod highest_seen;
mod number;

use policy::Timestamp;

pub(crate) use self::document::{Crl, CrlError};
pub(crate) use self::highest_seen::{HighestSeen, Older};
use self::number::{CrlNumber, SerialKey};
use crate::config::CrlExpiry;
use crate::trust::anchors::IssuerId;

/// What it takes to ask whether a certificate of a verified chain is revoked.
#[derive(Debug)]
pub(crate) struct ChainCertificate {
    issuer: IssuerId,
    serial: SerialKey,
    /// Where it says that its CRL is; empty when it does not say.
    crl_uris: Box<[Box<str>]>,
    is_end_entity: bool,
}

impl ChainCertificate {
    pub(crate) fn new(issuer: IssuerId, serial: &[u8], crl_uris: Box<[Box<str>]>, is_end_entity: bool) -> Self {
        Self { issuer, serial: SerialKey::new(serial), crl_uris, is_end_entity }
    }

    pub(crate) fn issuer(&self) -> IssuerId {
        self.issuer
    }
}

/// Why the CRLs keep a chain out, the gravest last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum CrlRefusal {
    /// The CRL that covers a certificate has passed its nextUpdate.
    Stale {
        /// That nextUpdate.
        next_update: Timestamp,
    },
    /// No CRL covers a certificate.
    Unknown,
    /// A certificate is revoked.
    Revoked,
}

/// The CRLs in force: for each issuer and scope the one with the highest number.
#[derive(Debug)]
pub(crate) struct CrlIndex {
    crls: Vec<Crl>,
    expiry: CrlExpiry,
}

impl CrlIndex {
    pub(crate) fn new(read: Vec<Crl>, expiry: CrlExpiry) -> Self {
        let mut crls: Vec<Crl> = Vec::with_capacity(read.len());
        for crl in read {
            match crls.iter_mut().find(|other| other.covers_the_same_as(&crl)) {
                Some(other) if other.version() < crl.version() => *other = crl,
                Some(_) => {}
                None => crls.push(crl),
            }
        }
        Self { crls, expiry }
    }

    pub(crate) fn list(&self) -> &[Crl] {
        &self.crls
    }

    /// Whether there is nothing to check by.
    pub(crate) fn is_empty(&self) -> bool {
        self.crls.is_empty()
    }

    /// How many revoked serials there are.
    pub(crate) fn entries(&self) -> usize {
        self.crls.iter().map(Crl::entries).sum()
    }

    /// When the first of them passes its nextUpdate.
    pub(crate) fn next_update(&self) -> Option<Timestamp> {
        self.crls.iter().map(Crl::next_update).min()
    }

    /// Whether no certificate of a chain is revoked, as far as the CRLs know; without any CRL nothing is checked.
    pub(crate) fn check(&self, chain: &[ChainCertificate], now: Timestamp) -> Result<(), CrlRefusal> {
        if self.is_empty() {
            return Ok(());
        }
        let gravest = chain.iter().filter_map(|certificate| self.check_one(certificate, now).err()).max();
        gravest.map_or(Ok(()), Err)
    }

    fn check_one(&self, certificate: &ChainCertificate, now: Timestamp) -> Result<(), CrlRefusal> {
        let mut latest = None;
        for crl in self.crls.iter().filter(|crl| crl.issuer() == certificate.issuer) {
            if crl.revokes(certificate.serial) {
                return Err(CrlRefusal::Revoked);
            }
            if crl.covers(certificate) {
                latest = latest.max(Some(crl.next_update()));
            }
        }
        match (latest, self.expiry) {
            (None, _) => Err(CrlRefusal::Unknown),
            (Some(next_update), CrlExpiry::Enforce) if next_update <= now => Err(CrlRefusal::Stale { next_update }),
            (Some(_), _) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
