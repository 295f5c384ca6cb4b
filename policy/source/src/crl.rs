//! CRLs as authorities publish them and people keep them: one in DER, or some in PEM.

use rustls_pki_types::CertificateRevocationListDer;
use rustls_pki_types::pem::PemObject;

/// How DER begins: with a SEQUENCE. No PEM begins with `0`.
const SEQUENCE: u8 = 0x30;

/// Why bytes are no CRLs.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CrlEncodingError {
    /// Neither DER nor a PEM block of a CRL.
    #[error("it needs `-----BEGIN X509 CRL-----`")]
    NoBlock,
    /// A PEM block that ends too early or is no base64.
    #[error("{0}")]
    Pem(String),
}

/// Each CRL of a file in DER, whose content nobody has looked at yet; never none.
///
/// # Errors
/// The bytes are neither DER nor PEM that holds a CRL.
pub fn ders(bytes: &[u8]) -> Result<Vec<CertificateRevocationListDer<'_>>, CrlEncodingError> {
    if bytes.first() == Some(&SEQUENCE) {
        return Ok(vec![CertificateRevocationListDer::from(bytes)]);
    }
    let crls: Result<Vec<_>, _> = CertificateRevocationListDer::pem_slice_iter(bytes).collect();
    match crls {
        Ok(crls) if crls.is_empty() => Err(CrlEncodingError::NoBlock),
        Ok(crls) => Ok(crls),
        Err(error) => Err(CrlEncodingError::Pem(error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: &str = "-----BEGIN X509 CRL-----\nMAA=\n-----END X509 CRL-----\n";
    const SECOND: &str = "-----BEGIN X509 CRL-----\nMAEA\n-----END X509 CRL-----\n";
    const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";

    #[test]
    fn one_in_der_or_every_one_in_pem_is_read() {
        let (first, second) = ([0x30, 0].as_slice(), [0x30, 1, 0].as_slice());
        for (bytes, expected) in [
            (first.to_vec(), vec![first]),
            (FIRST.into(), vec![first]),
            ([FIRST, SECOND].concat().into(), vec![first, second]),
            (["Issuer: CN=ca\n", FIRST, "\n", CERTIFICATE, SECOND].concat().into(), vec![first, second]),
        ] {
            let found = ders(&bytes).unwrap();
            assert_eq!(found.iter().map(AsRef::as_ref).collect::<Vec<&[u8]>>(), expected);
        }
    }

    #[test]
    fn what_holds_no_crl_is_refused() {
        for bytes in ["", "hello", CERTIFICATE] {
            assert_eq!(ders(bytes.as_bytes()), Err(CrlEncodingError::NoBlock), "{bytes}");
        }
        for second in ["-----BEGIN X509 CRL-----\nMAA=\n", "-----BEGIN X509 CRL-----\n!\n-----END X509 CRL-----\n"] {
            let error = ders([FIRST, second].concat().as_bytes()).map(|crls| crls.len()).unwrap_err();
            assert!(matches!(error, CrlEncodingError::Pem(_)), "{second}: {error}");
        }
    }
}
