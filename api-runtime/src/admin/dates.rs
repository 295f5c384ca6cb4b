//! Certificates and CRLs with the time they have left. Names and dates; no certificate.

use super::components::pressing;
use super::words::Level;
use crate::connection::Gate;
use policy::Timestamp;
use serde_json::{Value, json};

/// Something with an end.
#[derive(Debug)]
pub(super) struct Dated {
    pub(super) what: &'static str,
    pub(super) name: String,
    pub(super) until: Timestamp,
    pub(super) level: Level,
    /// Of a CRL, its number and how many serials it revokes.
    pub(super) crl: Option<(String, usize)>,
}

impl Dated {
    pub(super) fn json(&self) -> Value {
        let (number, entries) = self.crl.clone().unzip();
        match self.crl {
            Some(_) => json!({ "issuer": self.name, "number": number, "nextUpdate": self.until, "entries": entries }),
            None => json!({ "kind": self.what, "subject": self.name, "expires": self.until }),
        }
    }
}

/// Our own certificate, then whom we trust, then the CRLs.
pub(super) fn list(gate: &Gate, now: Timestamp) -> Vec<Dated> {
    let trust = gate.snapshots.trust.load();
    let dated = |what, name: &str, until, crl| {
        let level = pressing(until, now);
        Dated { what, name: name.to_owned(), until, level, crl }
    };
    let ours = dated("server certificate", "our own", trust.value.certificate_not_after(), None);
    let authorities = trust.value.authorities().map(|(name, until)| dated("trust anchor", name, until, None));
    let crls = trust.value.crls().map(|facts| {
        let crl = Some((facts.crl.number().to_string(), facts.crl.entries()));
        dated("CRL", facts.issuer, facts.crl.next_update(), crl)
    });
    std::iter::once(ours).chain(authorities).chain(crls).collect()
}
