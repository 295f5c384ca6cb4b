//! The TLS side of the listener.

use std::sync::Arc;

use policy::Timestamp;
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, aws_lc_rs};
use rustls::server::{NoServerSessionStorage, ServerConfig};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::version::{TLS12, TLS13};
use rustls::{Error, InconsistentKeys, SupportedProtocolVersion};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use super::client_verifier::ClientVerifier;
use crate::config::MinVersion;
use crate::identity;

/// By what callers' certificates and CRLs may be signed.
pub(crate) fn signature_algorithms() -> WebPkiSupportedAlgorithms {
    aws_lc_rs::default_provider().signature_verification_algorithms
}

/// Why our own certificate and key are not used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum OwnCertificateError {
    #[error("it is not PEM ({0})")]
    Pem(String),
    #[error("there is no certificate in it; it needs `-----BEGIN CERTIFICATE-----`")]
    NoCertificate,
    #[error("its first certificate cannot be read as X.509")]
    Unreadable,
    #[error("there is no unencrypted private key in it; it needs `-----BEGIN PRIVATE KEY-----`")]
    NoKey,
    #[error("the key is of a kind that cannot be used here; use ECDSA P-256, P-384, P-521, Ed25519 or RSA")]
    UnusableKey,
    #[error("the key does not belong to the first certificate of `certificateChain`; replace both together")]
    Mismatch,
}

/// Our own certificate, with its key, and how long it is valid.
#[derive(Debug)]
pub(crate) struct OwnCertificate {
    key: CertifiedKey,
    pub(crate) not_before: Timestamp,
    pub(crate) not_after: Timestamp,
}

/// Reads the certificate chain; whoever is told of an error must be told the file.
pub(crate) fn certificate_chain(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, OwnCertificateError> {
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<_, _>>()
        .map_err(|error| OwnCertificateError::Pem(error.to_string()))?;
    match chain.is_empty() {
        true => Err(OwnCertificateError::NoCertificate),
        false => Ok(chain),
    }
}

impl OwnCertificate {
    /// The chain with its key.
    pub(crate) fn new(chain: Vec<CertificateDer<'static>>, key_pem: &[u8]) -> Result<Self, OwnCertificateError> {
        let first = chain.first().ok_or(OwnCertificateError::NoCertificate)?;
        let (not_before, not_after) = identity::own_validity(first).map_err(|_| OwnCertificateError::Unreadable)?;
        let key = PrivateKeyDer::from_pem_slice(key_pem).map_err(|_| OwnCertificateError::NoKey)?;
        let key = CertifiedKey::from_der(chain, key, &aws_lc_rs::default_provider()).map_err(|error| match error {
            Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => OwnCertificateError::Mismatch,
            _ => OwnCertificateError::UnusableKey,
        })?;
        Ok(Self { key, not_before, not_after })
    }
}

/// The configuration of new connections. **Sessions are not resumed**: a resumed session would not verify the caller's
/// certificate again. So no tickets are sent, none is taken, and no session is stored.
pub(crate) fn server_config(
    own: OwnCertificate,
    verifier: Arc<ClientVerifier>,
    min_version: MinVersion,
) -> Result<ServerConfig, Error> {
    let versions: &[&'static SupportedProtocolVersion] = match min_version {
        MinVersion::Tls12 => &[&TLS13, &TLS12],
        MinVersion::Tls13 => &[&TLS13],
    };
    let provider: Arc<CryptoProvider> = Arc::new(aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)?
        .with_client_cert_verifier(verifier)
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(own.key)));
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    // The builder's ticketer makes none and takes none.
    config.send_tls13_tickets = 0;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    Ok(config)
}
