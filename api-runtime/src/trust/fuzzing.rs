//! What the fuzz targets and the benchmarks need of this module.

use super::anchors::TrustAnchors;
use super::crl::{ChainCertificate, Crl, CrlIndex};
use super::tls;
use crate::config::CrlExpiry;
use policy::Timestamp;
use policy_source::crl::ders;

/// Whether the bytes are a PEM bundle that trusts somebody.
#[must_use]
pub fn read_anchors(bytes: &[u8]) -> bool {
    TrustAnchors::read(bytes).is_ok()
}

/// How many CRLs of the authorities are in the bytes, in DER or PEM.
#[must_use]
pub fn read_crl(bytes: &[u8], authorities_pem: &[u8]) -> usize {
    let Ok(anchors) = TrustAnchors::read(authorities_pem) else { return 0 };
    crls(bytes, &anchors).len()
}

fn crls(bytes: &[u8], anchors: &TrustAnchors) -> Vec<Crl> {
    let algorithms = tls::signature_algorithms();
    let read = |der: &rustls_pki_types::CertificateRevocationListDer<'_>| {
        Crl::read(der, anchors.authorities(), &algorithms).ok()
    };
    ders(bytes).unwrap_or_default().iter().filter_map(read).collect()
}

/// CRLs in force, and a certificate to ask them about.
#[derive(Debug)]
pub struct Revocation {
    index: CrlIndex,
    chain: [ChainCertificate; 1],
}

impl Revocation {
    /// `None` if there is no CRL of the first authority.
    #[must_use]
    pub fn new(crl: &[u8], authorities_pem: &[u8], serial: &[u8]) -> Option<Self> {
        let anchors = TrustAnchors::read(authorities_pem).ok()?;
        let issuer = anchors.authorities().first()?.id();
        let index = CrlIndex::new(crls(crl, &anchors), CrlExpiry::Enforce);
        let chain = [ChainCertificate::new(issuer, serial, Box::default(), true)];
        (!index.is_empty()).then_some(Self { index, chain })
    }

    /// Whether the certificate may pass.
    #[must_use]
    pub fn passes(&self, now: Timestamp) -> bool {
        self.index.check(&self.chain, now).is_ok()
    }
}
