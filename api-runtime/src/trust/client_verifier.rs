//! Verification of callers' certificates: the path to an anchor by webpki, revocation by our own index.

use std::cell::RefCell;
use std::sync::Arc;

use policy::{SerialNumber, Timestamp};
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};
use rustls_pki_types::{CertificateDer, UnixTime};
use webpki::{EndEntityCert, KeyUsage, VerifiedPath};

use super::anchors::{IssuerId, TrustAnchors};
use super::crl::{ChainCertificate, CrlIndex, CrlRefusal};
use super::peer::Peer;
use super::verified_chains::{ChainKey, VerifiedChains};
use crate::config::{ClientAuth, Identity};
use crate::identity::{self, Unreadable, timestamp};

/// What a caller's certificate is checked by. Makes the [`Peer`].
#[derive(Debug)]
pub(crate) struct ClientVerifier {
    anchors: TrustAnchors,
    crls: CrlIndex,
    identity: Identity,
    client_auth: ClientAuth,
    algorithms: WebPkiSupportedAlgorithms,
    /// Tells a caller with several certificates which one we take.
    hints: Vec<DistinguishedName>,
    verified: VerifiedChains,
}

/// What became of the certificate of the handshake under way.
#[derive(Clone, Debug)]
pub(crate) enum Presented {
    /// It is good.
    Verified(Arc<Peer>),
    /// It is not: its serial number and subject, if it could be read at all.
    Refused(Option<(SerialNumber, String)>),
}

tokio::task_local! {
    /// rustls asks a verifier shared by all connections; this tells the one under way what it found.
    static PRESENTED: RefCell<Option<Presented>>;
}

/// Runs a handshake; `None`: the caller presented nothing.
pub(crate) async fn observe<F: Future>(handshake: F) -> (F::Output, Option<Presented>) {
    PRESENTED
        .scope(RefCell::new(None), async {
            let output = handshake.await;
            (output, PRESENTED.with(RefCell::take))
        })
        .await
}

impl ClientVerifier {
    pub(crate) fn new(
        anchors: TrustAnchors,
        crls: CrlIndex,
        identity: Identity,
        client_auth: ClientAuth,
        algorithms: WebPkiSupportedAlgorithms,
    ) -> Self {
        let hints = anchors.anchors().iter().map(|anchor| DistinguishedName::in_sequence(&anchor.subject)).collect();
        Self { anchors, crls, identity, client_auth, algorithms, hints, verified: VerifiedChains::default() }
    }

    pub(crate) fn anchors(&self) -> &TrustAnchors {
        &self.anchors
    }

    pub(crate) fn crls(&self) -> &CrlIndex {
        &self.crls
    }

    /// Verifies what a caller presented. That it holds the key is rustls's to check.
    pub(crate) fn verify(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<Arc<Peer>, Error> {
        let at = timestamp(i64::try_from(now.as_secs()).unwrap_or(i64::MAX));
        let key = ChainKey::new(end_entity, intermediates);
        let known = self.verified.find(&key);
        if let Some(peer) = known.filter(|peer| peer.is_valid_at(at) && self.crls.check(peer.chain(), at).is_ok()) {
            return Ok(peer);
        }
        let peer = Arc::new(self.verify_anew(end_entity, intermediates, now, at).map_err(refusal)?);
        self.verified.remember(key, Arc::clone(&peer));
        Ok(peer)
    }

    fn verify_anew(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
        at: Timestamp,
    ) -> Result<Peer, webpki::Error> {
        let certificate = EndEntityCert::try_from(end_entity)?;
        let issuers: Vec<CertificateDer<'_>> = intermediates
            .iter()
            .chain(self.anchors.intermediates())
            .map(|certificate| CertificateDer::from(certificate.as_ref()))
            .collect();
        // webpki goes on to another path when one is refused, so the last one accepted is the one it ends with.
        let accepted = RefCell::new(None);
        let accept = |path: &VerifiedPath<'_>| {
            accepted.replace(Some(self.peer(path, at)?));
            Ok(())
        };
        let algorithms = self.algorithms.all;
        let usage = KeyUsage::client_auth();
        certificate.verify_for_usage(algorithms, self.anchors.anchors(), &issuers, now, usage, None, Some(&accept))?;
        accepted.into_inner().ok_or(webpki::Error::UnknownIssuer)
    }

    /// The peer at the end of a path whose signatures and times are good, if nothing on the path is revoked.
    fn peer(&self, path: &VerifiedPath<'_>, at: Timestamp) -> Result<Peer, webpki::Error> {
        let unreadable = |_: Unreadable| webpki::Error::BadDer;
        let (end_entity, first) = identity::end_entity(&path.end_entity().der(), &self.identity).map_err(unreadable)?;
        if !end_entity.is_for_clients {
            // webpki lets a certificate without any extended key usage pass.
            #[expect(deprecated, reason = "the variant with context cannot be made outside webpki")]
            return Err(webpki::Error::RequiredEkuNotFound);
        }
        let (mut valid_from, mut valid_until) = (first.not_before, first.not_after);
        let mut chain = Vec::with_capacity(2);
        let mut serial = path.end_entity().serial();
        let mut crl_uris = first.crl_uris;
        for issuer in path.intermediate_certificates() {
            let id = IssuerId::new(issuer.subject(), &issuer.subject_public_key_info());
            chain.push(ChainCertificate::new(id, serial, crl_uris, chain.is_empty()));
            let link = identity::intermediate(&issuer.der()).map_err(unreadable)?;
            valid_from = valid_from.max(link.not_before);
            valid_until = valid_until.min(link.not_after);
            serial = issuer.serial();
            crl_uris = link.crl_uris;
        }
        let anchor = path.anchor();
        let id = IssuerId::new(&anchor.subject, &webpki::spki_for_anchor(anchor));
        chain.push(ChainCertificate::new(id, serial, crl_uris, chain.is_empty()));
        self.crls.check(&chain, at).map_err(|refusal| revocation(refusal, at))?;
        Ok(Peer::new(end_entity, chain, valid_from, valid_until))
    }
}

fn revocation(refusal: CrlRefusal, at: Timestamp) -> webpki::Error {
    let unix = |time: Timestamp| {
        UnixTime::since_unix_epoch(std::time::Duration::from_secs(u64::try_from(time.as_second()).unwrap_or(0)))
    };
    match refusal {
        CrlRefusal::Revoked => webpki::Error::CertRevoked,
        CrlRefusal::Unknown => webpki::Error::UnknownRevocationStatus,
        CrlRefusal::Stale { next_update } => {
            webpki::Error::CrlExpired { time: unix(at), next_update: unix(next_update) }
        }
    }
}

/// In rustls's words, which decide the alert the caller is sent.
fn refusal(error: webpki::Error) -> Error {
    use webpki::Error as W;
    #[expect(deprecated, reason = "made by `peer`")]
    let error = match error {
        W::BadDer | W::BadDerTime | W::TrailingData(_) => CertificateError::BadEncoding,
        W::CertNotValidYet { time, not_before } => CertificateError::NotValidYetContext { time, not_before },
        W::CertExpired { time, not_after } => CertificateError::ExpiredContext { time, not_after },
        W::InvalidCertValidity => CertificateError::Expired,
        W::CertRevoked => CertificateError::Revoked,
        W::UnknownRevocationStatus => CertificateError::UnknownRevocationStatus,
        W::CrlExpired { time, next_update } => CertificateError::ExpiredRevocationListContext { time, next_update },
        W::RequiredEkuNotFound | W::RequiredEkuNotFoundContext(_) | W::EmptyEkuExtension | W::CaUsedAsEndEntity => {
            CertificateError::InvalidPurpose
        }
        // A signature that is not of the anchor with the issuer's name: a foreign CA of the same name.
        W::UnknownIssuer
        | W::InvalidSignatureForPublicKey
        | W::EndEntityUsedAsCa
        | W::PathLenConstraintViolated
        | W::NameConstraintViolation => CertificateError::UnknownIssuer,
        other => CertificateError::Other(rustls::OtherError(Arc::new(other))),
    };
    Error::InvalidCertificate(error)
}

impl ClientCertVerifier for ClientVerifier {
    fn client_auth_mandatory(&self) -> bool {
        self.client_auth == ClientAuth::Required
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &self.hints
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let outcome = self.verify(end_entity, intermediates, now);
        let presented = match &outcome {
            Ok(peer) => Presented::Verified(Arc::clone(peer)),
            Err(_) => Presented::Refused(identity::presented(end_entity)),
        };
        // Outside `observe` nobody asks.
        let _ = PRESENTED.try_with(|slot| slot.replace(Some(presented)));
        outcome.map(|_| ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::CrlExpiry;
    use crate::test_authority::{CertificateContent, DAY, TestAuthority, TestCertificate};
    use crate::trust::tls::signature_algorithms;

    fn verifier(pems: &[&str]) -> ClientVerifier {
        let identity = serde_json::from_value(serde_json::json!({ "trustDomain": "internal.example" })).unwrap();
        let anchors = TrustAnchors::read(pems.concat().as_bytes()).unwrap();
        let crls = CrlIndex::new(Vec::new(), CrlExpiry::Enforce);
        ClientVerifier::new(anchors, crls, identity, ClientAuth::Required, signature_algorithms())
    }

    fn orders(not_after: i64) -> CertificateContent {
        CertificateContent { not_after, ..CertificateContent::caller(&["spiffe://internal.example/prod/orders-api"]) }
    }

    /// Days from now.
    fn verify(verifier: &ClientVerifier, chain: &[&TestCertificate], days: u64) -> Result<Arc<Peer>, Error> {
        let ders: Vec<_> = chain.iter().map(|certificate| CertificateDer::from(certificate.der.as_slice())).collect();
        let now = UnixTime::now().as_secs() + days * DAY.unsigned_abs();
        verifier.verify(&ders[0], &ders[1..], UnixTime::since_unix_epoch(std::time::Duration::from_secs(now)))
    }

    #[test]
    fn a_chain_is_verified_once_but_expires_all_the_same() {
        let root = TestAuthority::root("root");
        let (verifier, caller) = (verifier(&[&root.pem]), root.issue(&orders(3 * DAY)));
        let first = verify(&verifier, &[&caller], 0).unwrap();
        assert!(Arc::ptr_eq(&first, &verify(&verifier, &[&caller], 2).unwrap()));
        let expired = verify(&verifier, &[&caller], 4).unwrap_err();
        assert!(matches!(expired, Error::InvalidCertificate(CertificateError::ExpiredContext { .. })), "{expired}");
    }

    #[test]
    fn what_is_remembered_is_the_whole_chain() {
        let root = TestAuthority::root("root");
        let (verifier, caller, other) = (verifier(&[&root.pem]), root.issue(&orders(DAY)), root.issue(&orders(DAY)));
        let alone = verify(&verifier, &[&caller], 0).unwrap();
        assert!(!Arc::ptr_eq(&alone, &verify(&verifier, &[&caller, &other], 0).unwrap()));
        assert!(!Arc::ptr_eq(&alone, &verify(&verifier, &[&other, &caller], 0).unwrap()));
    }
}
