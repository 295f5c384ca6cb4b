//! Who may issue callers' certificates.
//!
//! A certificate of the bundle whose own issuer is in the bundle too is an intermediate: it helps to build chains and
//! its CRLs can be verified, but it is not trusted on its own. Otherwise a root's CRL could not revoke it.

use std::fmt;

use policy::Timestamp;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, SubjectPublicKeyInfoDer, TrustAnchor};
use sha2::{Digest, Sha256};

use crate::identity;

/// An issuer is a name and a key: a renewed certificate of the same two is the same issuer, and a CA that changes its
/// key is another one.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct IssuerId([u8; 16]);

impl IssuerId {
    /// From the DER of a name (without its outer tag) and of a public key.
    pub(crate) fn new(name: &[u8], key: &SubjectPublicKeyInfoDer<'_>) -> Self {
        // A hash of the name, so that no other split of the same bytes gives the same id.
        let digest = Sha256::new().chain_update(Sha256::digest(name)).chain_update(key).finalize();
        let (id, _) = digest.split_first_chunk().unwrap_or((&[0; 16], &[]));
        Self(*id)
    }
}

impl fmt::Debug for IssuerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&identity::hex(&self.0))
    }
}

/// A certificate authority of the bundle.
#[derive(Debug)]
pub(crate) struct Authority {
    id: IssuerId,
    certificate: identity::AuthorityCertificate,
    anchor: TrustAnchor<'static>,
    key: SubjectPublicKeyInfoDer<'static>,
}

impl Authority {
    pub(crate) fn id(&self) -> IssuerId {
        self.id
    }

    /// Its subject, for messages.
    pub(crate) fn name(&self) -> &str {
        &self.certificate.subject
    }

    /// Its subject in DER, without its outer tag.
    pub(crate) fn subject(&self) -> &[u8] {
        &self.anchor.subject
    }

    pub(crate) fn public_key(&self) -> &SubjectPublicKeyInfoDer<'static> {
        &self.key
    }

    pub(crate) fn may_sign_crls(&self) -> bool {
        self.certificate.may_sign_crls
    }

    pub(crate) fn not_after(&self) -> Timestamp {
        self.certificate.not_after
    }
}

/// Why a bundle is not used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TrustAnchorsError {
    #[error("it is not PEM ({0})")]
    Pem(String),
    #[error("there is no certificate in it; it needs `-----BEGIN CERTIFICATE-----`")]
    Empty,
    #[error("its certificate {0} cannot be read as X.509")]
    Unreadable(usize),
    #[error("its certificate {0}, `{1}`, is not a certificate authority (basicConstraints lacks cA)")]
    NotAnAuthority(usize, String),
    #[error(
        "each of its certificates is issued by another one of them, so that none is trusted on its own; add the root"
    )]
    NoRoot,
}

/// The bundle in force.
#[derive(Debug)]
pub(crate) struct TrustAnchors {
    authorities: Vec<Authority>,
    anchors: Vec<TrustAnchor<'static>>,
    anchor_ids: Vec<IssuerId>,
    intermediates: Vec<CertificateDer<'static>>,
}

impl TrustAnchors {
    /// Reads a PEM bundle; what is not a certificate in it is passed over.
    pub(crate) fn read(pem: &[u8]) -> Result<Self, TrustAnchorsError> {
        let certificates: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(pem)
            .collect::<Result<_, _>>()
            .map_err(|error| TrustAnchorsError::Pem(error.to_string()))?;
        let authorities: Vec<Authority> =
            certificates.iter().enumerate().map(|(at, der)| authority(at + 1, der)).collect::<Result<_, _>>()?;
        let is_anchor = |authority: &Authority| {
            let issuer = &authority.certificate.raw_issuer;
            *issuer == authority.certificate.raw_subject
                || !authorities.iter().any(|other| other.certificate.raw_subject == *issuer)
        };
        let (anchors, others): (Vec<_>, Vec<_>) =
            authorities.iter().zip(&certificates).partition(|(authority, _)| is_anchor(authority));
        match (certificates.is_empty(), anchors.is_empty()) {
            (true, _) => Err(TrustAnchorsError::Empty),
            (false, true) => Err(TrustAnchorsError::NoRoot),
            (false, false) => Ok(Self {
                anchors: anchors.iter().map(|(authority, _)| authority.anchor.clone()).collect(),
                anchor_ids: anchors.iter().map(|(authority, _)| authority.id).collect(),
                intermediates: others.into_iter().map(|(_, der)| der.clone()).collect(),
                authorities,
            }),
        }
    }

    /// All of them: whoever may sign a CRL.
    pub(crate) fn authorities(&self) -> &[Authority] {
        &self.authorities
    }

    /// Those trusted on their own.
    pub(crate) fn anchors(&self) -> &[TrustAnchor<'static>] {
        &self.anchors
    }

    /// Those that are not, for callers that do not send them.
    pub(crate) fn intermediates(&self) -> &[CertificateDer<'static>] {
        &self.intermediates
    }

    /// Whether an issuer is trusted on its own.
    pub(crate) fn contains(&self, id: IssuerId) -> bool {
        self.anchor_ids.contains(&id)
    }
}

fn authority(number: usize, der: &CertificateDer<'static>) -> Result<Authority, TrustAnchorsError> {
    let unreadable = || TrustAnchorsError::Unreadable(number);
    let certificate = identity::authority(der).map_err(|_| unreadable())?;
    let anchor = webpki::anchor_from_trusted_cert(der).map_err(|_| unreadable())?.to_owned();
    if !certificate.is_ca {
        return Err(TrustAnchorsError::NotAnAuthority(number, certificate.subject));
    }
    let key = webpki::spki_for_anchor(&anchor);
    Ok(Authority { id: IssuerId::new(&anchor.subject, &key), certificate, anchor, key })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_authority::{CertificateContent, TestAuthority};

    fn read(pems: &[&str]) -> Result<TrustAnchors, TrustAnchorsError> {
        TrustAnchors::read(pems.concat().as_bytes())
    }

    #[test]
    fn an_intermediate_beside_its_root_is_not_trusted_on_its_own() {
        let root = TestAuthority::root("root");
        let intermediate = root.intermediate("intermediate", b"\x02");
        for pems in [[&root.pem[..], &intermediate.pem], [&intermediate.pem, &root.pem]] {
            let bundle = read(&pems).unwrap();
            assert_eq!((bundle.anchors().len(), bundle.intermediates().len()), (1, 1));
            let trusted = |authority: &&Authority| bundle.contains(authority.id());
            let names: Vec<_> = bundle.authorities().iter().filter(trusted).map(Authority::name).collect();
            assert_eq!(names, ["CN=root"]);
        }
        // Without its root it is what is trusted.
        assert_eq!(read(&[&intermediate.pem]).unwrap().anchors().len(), 1);
    }

    #[test]
    fn both_keys_of_a_rollover_are_trusted() {
        let (old, new) = (TestAuthority::root("root"), TestAuthority::root("root"));
        let bundle = read(&[&old.pem, "# the new one\n", &new.pem]).unwrap();
        assert_eq!(bundle.anchors().len(), 2);
        assert_ne!(bundle.authorities()[0].id(), bundle.authorities()[1].id());
    }

    #[test]
    fn a_bundle_that_trusts_nobody_is_refused() {
        let root = TestAuthority::root("root");
        let server = root.issue(&CertificateContent::server());
        let name = "CN=svc.orders-api.prod,O=Example".to_owned();
        assert_eq!(read(&[&root.pem, &server.pem]).unwrap_err(), TrustAnchorsError::NotAnAuthority(2, name));
        assert_eq!(read(&[]).unwrap_err(), TrustAnchorsError::Empty);
        assert_eq!(read(&[&server.key_pem]).unwrap_err(), TrustAnchorsError::Empty);
        let half = &root.pem[..root.pem.len() / 2];
        assert!(matches!(read(&[&root.pem, half]), Err(TrustAnchorsError::Pem(_))));
        let other = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
        assert_eq!(read(&[other]).unwrap_err(), TrustAnchorsError::Unreadable(1));
    }
}
