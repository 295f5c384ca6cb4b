//! The verified caller of a connection.

use std::fmt;

use policy::access::Reason;
use policy::{SerialNumber, SpiffeId, Timestamp};

use super::crl::ChainCertificate;
use crate::identity::EndEntity;

/// A caller whose certificate chain was verified up to a trust anchor, read once per connection. Only the verifier of
/// `client_verifier.rs` makes one; what can change afterwards (expiry, revocation) is asked of
/// [`Snapshots::check`](crate::snapshots::Snapshots::check) for every request.
pub struct Peer {
    end_entity: EndEntity,
    /// From the end-entity certificate up; the last one's issuer is the trust anchor.
    chain: Box<[ChainCertificate]>,
    valid_from: Timestamp,
    valid_until: Timestamp,
}

impl Peer {
    /// `chain` begins with the end-entity certificate; the times are those when all of it is valid.
    pub(super) fn new(
        end_entity: EndEntity,
        chain: Vec<ChainCertificate>,
        valid_from: Timestamp,
        valid_until: Timestamp,
    ) -> Self {
        Self { end_entity, chain: chain.into(), valid_from, valid_until }
    }

    /// Who it is.
    ///
    /// # Errors
    /// [`Reason::BadIdentity`]: the certificate is good but names nobody of the trust domain.
    pub fn identity(&self) -> Result<&SpiffeId, Reason> {
        self.end_entity.identity.as_ref().ok_or(Reason::BadIdentity)
    }

    /// The URI SAN that named it; `None` when the common name did.
    pub fn uri(&self) -> Option<&str> {
        self.end_entity.identity.as_ref().filter(|_| self.end_entity.named_by_uri).map(SpiffeId::as_str)
    }

    /// The serial number of the end-entity certificate.
    pub fn serial(&self) -> &SerialNumber {
        &self.end_entity.serial
    }

    /// The common name in its subject, if there is exactly one.
    pub fn common_name(&self) -> Option<&str> {
        self.end_entity.common_name.as_deref()
    }

    /// Its subject as RFC 2253 writes it, in printable ASCII, as Envoy forwards it.
    pub fn subject(&self) -> &str {
        &self.end_entity.subject
    }

    /// Its notBefore.
    pub fn not_before(&self) -> Timestamp {
        self.end_entity.not_before
    }

    /// Its notAfter.
    pub fn not_after(&self) -> Timestamp {
        self.end_entity.not_after
    }

    /// SHA-256 of its DER, in lower-case hex.
    pub fn certificate_sha256_hex(&self) -> &str {
        &self.end_entity.sha256_hex
    }

    /// When the first certificate of its chain expires: from then on every request is denied.
    pub fn valid_until(&self) -> Timestamp {
        self.valid_until
    }

    /// Whether each certificate of its chain is valid at a time.
    pub(crate) fn is_valid_at(&self, now: Timestamp) -> bool {
        // RFC 5280, 4.1.2.5: from notBefore through notAfter, inclusive.
        self.valid_from <= now && now <= self.valid_until
    }

    pub(crate) fn chain(&self) -> &[ChainCertificate] {
        &self.chain
    }
}

/// Who it is, and nothing of the certificate's body.
impl fmt::Debug for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let identity = self.end_entity.identity.as_ref().map(SpiffeId::as_str);
        f.debug_struct("Peer")
            .field("identity", &identity)
            .field("serial", &self.serial().as_str())
            .finish_non_exhaustive()
    }
}
