//! Chains that were verified before: a caller that connects often costs its signatures once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use rustls_pki_types::CertificateDer;
use sha2::{Digest, Sha256};

use super::peer::Peer;

/// Callers beyond this many share the places: 1 KiB each.
const PLACES: usize = 4096;

/// The hash of every certificate a caller sent, in order.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct ChainKey([u8; 32]);

impl ChainKey {
    pub(crate) fn new(end_entity: &CertificateDer<'_>, intermediates: &[CertificateDer<'_>]) -> Self {
        let mut digest = Sha256::new();
        for certificate in std::iter::once(end_entity).chain(intermediates) {
            digest.update(certificate.len().to_le_bytes());
            digest.update(certificate);
        }
        Self(digest.finalize().into())
    }
}

/// Lives in the snapshot whose anchors and CRLs verified them, and is dropped with it. That time goes on is not its
/// matter: whoever finds a peer here asks again whether it is valid now.
#[derive(Debug, Default)]
pub(crate) struct VerifiedChains {
    peers: Mutex<HashMap<ChainKey, Arc<Peer>>>,
}

impl VerifiedChains {
    pub(crate) fn find(&self, key: &ChainKey) -> Option<Arc<Peer>> {
        self.peers.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
    }

    pub(crate) fn remember(&self, key: ChainKey, peer: Arc<Peer>) {
        let mut peers = self.peers.lock().unwrap_or_else(PoisonError::into_inner);
        if peers.len() >= PLACES {
            // All at once, so that no bookkeeping is needed; whoever still comes is back after one verification.
            peers.clear();
        }
        peers.insert(key, peer);
    }
}

impl std::fmt::Debug for ChainKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&crate::identity::hex(&self.0))
    }
}
