use rustls::RootCertStore;

/// Nobody's word would be believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no trusted certificate authorities ({0}); install them, or set SSL_CERT_FILE")]
pub struct NoAuthorities(pub String);

/// The certificate authorities that the system trusts, or those of `SSL_CERT_FILE`.
///
/// # Errors
/// There is none.
pub fn trusted_authorities() -> Result<RootCertStore, NoAuthorities> {
    let found = rustls_native_certs::load_native_certs();
    let mut authorities = RootCertStore::empty();
    // Systems hold certificates that no longer parse; the others still count.
    authorities.add_parsable_certificates(found.certs);
    match authorities.is_empty() {
        false => Ok(authorities),
        true => {
            let errors: Vec<_> = found.errors.iter().map(ToString::to_string).collect();
            let said = if errors.is_empty() { "none found".to_owned() } else { errors.join(", ") };
            Err(NoAuthorities(said))
        }
    }
}
