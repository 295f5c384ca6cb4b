//! Our own certificate, and whom we trust: one snapshot, built whole, checked, and swapped.

mod anchors;
mod client_verifier;
mod crl;
mod file_set;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod material;
mod peer;
mod remote_part;
mod tls;
mod verified_chains;

use std::sync::Arc;

use policy::access::Reason;
use policy::{Revision, Timestamp};
use policy_source::Load;
use policy_source::crl::{CrlEncodingError, ders as crl_ders};
use rustls::ServerConfig;
use sha2::{Digest, Sha256};

use self::anchors::{TrustAnchors, TrustAnchorsError};
use self::client_verifier::ClientVerifier;
pub(crate) use self::client_verifier::{Presented, observe};
use self::crl::{Crl, CrlError, CrlIndex, CrlRefusal, HighestSeen, Older};
use self::material::{Material, MaterialError};
pub use self::peer::Peer;
use self::tls::{OwnCertificate, OwnCertificateError};
use crate::config::{Identity, OwnPart, Tls};
use crate::identity::hex;

/// What a handshake needs, and what revocation is asked of.
#[derive(Debug)]
pub struct Trust {
    verifier: Arc<ClientVerifier>,
    server_config: Arc<ServerConfig>,
    certificate_not_after: Timestamp,
}

impl Trust {
    /// The configuration of new connections.
    pub fn server_config(&self) -> &Arc<ServerConfig> {
        &self.server_config
    }

    /// When our own certificate expires.
    pub fn certificate_not_after(&self) -> Timestamp {
        self.certificate_not_after
    }

    /// When the first CRL passes its nextUpdate; `None` without CRLs.
    pub fn crl_next_update(&self) -> Option<Timestamp> {
        self.verifier.crls().next_update()
    }

    /// Each certificate authority of the bundle: its subject, and when it expires.
    pub fn authorities(&self) -> impl Iterator<Item = (&str, Timestamp)> {
        self.verifier.anchors().authorities().iter().map(|authority| (authority.name(), authority.not_after()))
    }

    /// The CRLs in force.
    pub(crate) fn crls(&self) -> impl Iterator<Item = CrlFacts<'_>> {
        let authorities = self.verifier.anchors().authorities();
        self.verifier.crls().list().iter().map(|crl| {
            let issuer = authorities.iter().find(|authority| authority.id() == crl.issuer());
            CrlFacts { issuer: issuer.map_or("?", |issuer| issuer.name()), crl }
        })
    }

    /// How many serials the CRLs revoke.
    pub fn crl_entries(&self) -> usize {
        self.verifier.crls().entries()
    }

    /// The peer of a chain, as a handshake would make it.
    #[cfg(test)]
    pub(crate) fn verify(&self, pems: &[&str]) -> Result<Arc<Peer>, rustls::Error> {
        use rustls_pki_types::pem::PemObject as _;
        use rustls_pki_types::{CertificateDer, UnixTime};
        let ders: Vec<_> = pems.iter().map(|pem| CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()).collect();
        self.verifier.verify(&ders[0], &ders[1..], UnixTime::now())
    }

    /// Whether a peer verified earlier would still pass: its anchor is trusted, and nothing of its chain revoked. A
    /// removed anchor counts as revoked, an issuer without a CRL any more as one whose CRL is stale.
    pub(crate) fn check(&self, peer: &Peer, now: Timestamp) -> Result<(), Reason> {
        let anchored = peer.chain().last().is_some_and(|last| self.verifier.anchors().contains(last.issuer()));
        match (anchored, self.verifier.crls().check(peer.chain(), now)) {
            (false, _) | (true, Err(CrlRefusal::Revoked)) => Err(Reason::CertificateRevoked),
            (true, Err(CrlRefusal::Unknown | CrlRefusal::Stale { .. })) => Err(Reason::CrlStale),
            (true, Ok(())) => Ok(()),
        }
    }
}

/// A CRL, for whoever looks.
#[derive(Debug)]
pub(crate) struct CrlFacts<'a> {
    /// The subject of its issuer.
    pub(crate) issuer: &'a str,
    pub(crate) crl: &'a Crl,
}

/// Why there is no new snapshot; names the file, or what else it was to be made of.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TrustError {
    #[error(transparent)]
    Material(#[from] MaterialError),
    #[error("`{name}`: {cause}")]
    OwnCertificate { name: String, cause: OwnCertificateError },
    #[error("`{name}`: {cause}")]
    TrustAnchors { name: String, cause: TrustAnchorsError },
    #[error("`{name}`: it is neither a CRL in DER nor in PEM ({cause})")]
    CrlEncoding { name: String, cause: CrlEncodingError },
    #[error("`{name}`: {cause}")]
    Crl { name: String, cause: CrlError },
    #[error("{0}")]
    OlderCrl(Older),
    #[error("rustls refuses the configuration: {0}")]
    Rustls(#[from] rustls::Error),
    #[error("stopped before it was checked; the process is ending")]
    Stopped,
}

/// Builds snapshots from what the configuration names.
#[derive(Debug)]
pub(crate) struct TrustSource {
    /// `None` while a load runs.
    state: Option<State>,
}

#[derive(Debug)]
struct State {
    tls: Tls,
    identity: Identity,
    material: Material,
    highest_seen: HighestSeen,
}

impl TrustSource {
    pub(crate) fn new(tls: Tls, identity: Identity) -> Self {
        let state = State { material: Material::new(&tls), highest_seen: HighestSeen::default(), tls, identity };
        Self { state: Some(state) }
    }
}

impl Load for TrustSource {
    type Value = Trust;
    type Error = TrustError;

    async fn load(&mut self) -> Result<Option<(Revision, Trust)>, TrustError> {
        self.state.as_mut().ok_or(TrustError::Stopped)?.material.refresh().await;
        let mut state = self.state.take().ok_or(TrustError::Stopped)?;
        // A large CRL takes a second to index: not on a thread that serves requests.
        let work = move || {
            let outcome = state.load();
            (state, outcome)
        };
        let (state, outcome) = tokio::task::spawn_blocking(work).await.map_err(|_| TrustError::Stopped)?;
        self.state = Some(state);
        outcome
    }
}

impl State {
    fn load(&mut self) -> Result<Option<(Revision, Trust)>, TrustError> {
        let Some(parts) = self.material.read()? else { return Ok(None) };
        let [chain, key, anchors, crls @ ..] = parts.bytes.as_slice() else { return Err(TrustError::Stopped) };
        let own = self.own_certificate(chain, key)?;
        let name = || self.tls.client_trust_anchors.display().to_string();
        let anchors = TrustAnchors::read(anchors).map_err(|cause| TrustError::TrustAnchors { name: name(), cause })?;
        let crls = self.crls(crls, &anchors)?;
        let highest_seen = self.highest_seen.and(&crls).map_err(TrustError::OlderCrl)?;
        warn(&own, &anchors, &crls, Timestamp::now());
        let (tls, identity) = (&self.tls, self.identity.clone());
        let algorithms = tls::signature_algorithms();
        let verifier = Arc::new(ClientVerifier::new(anchors, crls, identity, tls.client_auth, algorithms));
        let certificate_not_after = own.not_after;
        let server_config = Arc::new(tls::server_config(own, Arc::clone(&verifier), tls.min_version)?);
        let revision = revision(&parts.bytes);
        self.highest_seen = highest_seen;
        self.material.accept(parts);
        Ok(Some((revision, Trust { verifier, server_config, certificate_not_after })))
    }

    fn own_certificate(&self, chain: &[u8], key: &[u8]) -> Result<OwnCertificate, TrustError> {
        let of = |part: &OwnPart| {
            let name = part.to_string();
            |cause| TrustError::OwnCertificate { name, cause }
        };
        let chain = tls::certificate_chain(chain).map_err(of(&self.tls.certificate_chain))?;
        OwnCertificate::new(chain, key).map_err(of(&self.tls.private_key))
    }

    fn crls(&self, files: &[Vec<u8>], anchors: &TrustAnchors) -> Result<CrlIndex, TrustError> {
        let algorithms = tls::signature_algorithms();
        let mut crls = Vec::new();
        for (part, file) in self.tls.crls.iter().zip(files) {
            let encoding = |cause| TrustError::CrlEncoding { name: part.to_string(), cause };
            for der in crl_ders(file).map_err(encoding)? {
                let crl = Crl::read(&der, anchors.authorities(), &algorithms)
                    .map_err(|cause| TrustError::Crl { name: part.to_string(), cause })?;
                crls.push(crl);
            }
        }
        Ok(CrlIndex::new(crls, self.tls.crl_expiry))
    }
}

/// What is no reason to refuse a snapshot, but will keep callers out, or us.
fn warn(own: &OwnCertificate, anchors: &TrustAnchors, crls: &CrlIndex, now: Timestamp) {
    if now < own.not_before || own.not_after < now {
        let (not_before, not_after) = (own.not_before, own.not_after);
        tracing::warn!(%not_before, %not_after, "our own certificate is not valid now; callers will refuse it");
    }
    for authority in anchors.authorities().iter().filter(|authority| authority.not_after() < now) {
        tracing::warn!(subject = authority.name(), not_after = %authority.not_after(), "a trust anchor has expired");
    }
    if let Some(next_update) = crls.next_update().filter(|next_update| *next_update <= now) {
        tracing::warn!(%next_update, "a CRL has passed its nextUpdate");
    }
}

/// Of everything but the key, so that no log holds anything derived from it.
fn revision(files: &[Vec<u8>]) -> Revision {
    let public = files.iter().enumerate().filter(|(place, _)| *place != 1);
    let digest = public.fold(Sha256::new(), |digest, (_, file)| digest.chain_update(Sha256::digest(file))).finalize();
    Revision::from(format!("sha256:{}", hex(digest.get(..8).unwrap_or_default())))
}

#[cfg(test)]
mod remote_tests;
#[cfg(test)]
mod tests;
