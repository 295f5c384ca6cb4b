//! A new key, and the request for its certificate.

use std::fmt;

use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, PKCS_ECDSA_P256_SHA256, PublicKeyData};
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject;
use serde::{Deserialize, Serialize};

use crate::purpose::Purpose;

/// RFC 5280, appendix A: the upper bound of a common name.
const LONGEST_COMMON_NAME: usize = 64;

/// A private key as PEM; never shown.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct PrivateKey(String);

/// Why there is no key, or no use in one. Nothing of the key is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PrivateKeyError {
    /// No key could be made.
    #[error("a new key and its certificate signing request could not be made")]
    Generate,
    /// A key that was kept is none.
    #[error("the private key that was kept cannot be read")]
    Unreadable,
}

impl PrivateKey {
    /// A new P-256 key and its certificate signing request as PEM. The request names the subject only: who the
    /// certificate is for is said when it is issued, by us.
    pub(crate) fn generate(purpose: &Purpose) -> Result<(Self, String), PrivateKeyError> {
        let failed = |_| PrivateKeyError::Generate;
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(failed)?;
        let mut parameters = CertificateParams::default();
        parameters.distinguished_name = DistinguishedName::new();
        parameters.distinguished_name.push(DnType::CommonName, common_name(purpose));
        let request = parameters.serialize_request(&key).and_then(|request| request.pem()).map_err(failed)?;
        Ok((Self(key.serialize_pem()), request))
    }

    /// As a certificate holds it: the DER of the SubjectPublicKeyInfo.
    pub(crate) fn public_key(&self) -> Result<Vec<u8>, PrivateKeyError> {
        let key = KeyPair::from_pem(&self.0).map_err(|_| PrivateKeyError::Unreadable)?;
        Ok(key.subject_public_key_info())
    }

    pub(crate) fn der(&self) -> Result<PrivateKeyDer<'static>, PrivateKeyError> {
        PrivateKeyDer::from_pem_slice(self.0.as_bytes()).map_err(|_| PrivateKeyError::Unreadable)
    }
}

/// For people who look at the certificate: nobody is authenticated by it.
fn common_name(purpose: &Purpose) -> String {
    let last = purpose.identity.as_ref().and_then(|identity| identity.path().rsplit('/').next());
    let name = purpose.dns_names.first().map(String::as_str).or(last).unwrap_or_default();
    name.chars().take(LONGEST_COMMON_NAME).collect()
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrivateKey(…)")
    }
}
