//! What was issued, read again and compared with what was asked for. The only module of the tool that parses certificates.

use policy::{SerialNumber, SpiffeId, Timestamp};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::{ExtendedKeyUsage, GeneralName};
use x509_parser::prelude::FromDer as _;

/// What a certificate says.
#[derive(Debug)]
pub(crate) struct Facts {
    pub(crate) serial_number: SerialNumber,
    pub(crate) not_before: Timestamp,
    pub(crate) not_after: Timestamp,
    /// The URIs among its alternative names.
    pub(crate) uris: Vec<String>,
    /// Whether its extended key usage lets it be a client's.
    pub(crate) client_auth: bool,
}

/// What is wrong with a certificate that was issued.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Mismatch {
    #[error("what was issued cannot be read as X.509")]
    Unreadable,
    #[error("it names `{found}`, `{wanted}` was asked for")]
    Names { wanted: String, found: String },
    #[error("its extended key usage is not clientAuth alone")]
    Usage,
    #[error("it is for another key than the one made here")]
    Key,
    #[error("it is that of a certificate authority")]
    Authority,
}

/// Reads the first certificate of a PEM text, which must be for this identity, this key (a SubjectPublicKeyInfo), and
/// nothing but a client.
pub(super) fn check(pem: &str, identity: &SpiffeId, public_key: &[u8]) -> Result<Facts, Mismatch> {
    let der = CertificateDer::from_pem_slice(pem.as_bytes()).map_err(|_| Mismatch::Unreadable)?;
    let (_, certificate) = X509Certificate::from_der(&der).map_err(|_| Mismatch::Unreadable)?;
    let found = names(&certificate);
    let wanted = format!("URI:{identity}");
    if found != [wanted.as_str()] {
        return Err(Mismatch::Names { wanted, found: found.join(", ") });
    }
    let usage = certificate.extended_key_usage().ok().flatten();
    if !usage.is_some_and(|usage| is_client_auth_alone(usage.value)) {
        return Err(Mismatch::Usage);
    }
    if certificate.is_ca() {
        return Err(Mismatch::Authority);
    }
    if certificate.public_key().raw != public_key {
        return Err(Mismatch::Key);
    }
    facts_of(&certificate)
}

/// As the certificate-rotator has it. Each usage is named, so that none is forgotten when the parser learns another.
fn is_client_auth_alone(usage: &ExtendedKeyUsage<'_>) -> bool {
    let ExtendedKeyUsage {
        any,
        server_auth,
        client_auth,
        code_signing,
        email_protection,
        time_stamping,
        ocsp_signing,
        other,
    } = usage;
    let others = [any, server_auth, code_signing, email_protection, time_stamping, ocsp_signing];
    *client_auth && !others.into_iter().any(|other| *other) && other.is_empty()
}

/// What the first certificate of a PEM text says, whatever it is for.
pub(crate) fn facts(pem: &str) -> Result<Facts, Mismatch> {
    let der = CertificateDer::from_pem_slice(pem.as_bytes()).map_err(|_| Mismatch::Unreadable)?;
    let (_, certificate) = X509Certificate::from_der(&der).map_err(|_| Mismatch::Unreadable)?;
    facts_of(&certificate)
}

/// Since when and until when a certificate is valid; none if it cannot be read.
pub(crate) fn life(der: &CertificateDer<'_>) -> Option<(Timestamp, Timestamp)> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    let time = |at: x509_parser::time::ASN1Time| Timestamp::from_second(at.timestamp()).ok();
    Some((time(certificate.validity().not_before)?, time(certificate.validity().not_after)?))
}

fn facts_of(certificate: &X509Certificate<'_>) -> Result<Facts, Mismatch> {
    let time =
        |at: x509_parser::time::ASN1Time| Timestamp::from_second(at.timestamp()).map_err(|_| Mismatch::Unreadable);
    let usage = certificate.extended_key_usage().ok().flatten();
    Ok(Facts {
        serial_number: certificate.raw_serial_as_string().parse().map_err(|_| Mismatch::Unreadable)?,
        not_before: time(certificate.validity().not_before)?,
        not_after: time(certificate.validity().not_after)?,
        uris: names(certificate).iter().filter_map(|name| name.strip_prefix("URI:")).map(str::to_owned).collect(),
        client_auth: usage.is_some_and(|usage| usage.value.client_auth),
    })
}

/// Every alternative name, with its kind.
fn names(certificate: &X509Certificate<'_>) -> Vec<String> {
    let names = certificate.subject_alternative_name().ok().flatten();
    let names = names.map(|extension| extension.value.general_names.as_slice()).unwrap_or_default();
    let text = |name: &GeneralName<'_>| match name {
        GeneralName::URI(uri) => format!("URI:{uri}"),
        other => other.to_string(),
    };
    names.iter().map(text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, ExtendedKeyUsagePurpose, KeyPair, PublicKeyData as _, SanType};

    const IDENTITY: &str = "spiffe://a/lab/alice";

    fn issued(names: &[&str], usages: &[ExtendedKeyUsagePurpose]) -> (String, Vec<u8>) {
        let key = KeyPair::generate().unwrap();
        let mut request = CertificateParams::default();
        request.subject_alt_names = names.iter().map(|name| SanType::URI((*name).try_into().unwrap())).collect();
        request.extended_key_usages = usages.to_vec();
        (request.self_signed(&key).unwrap().pem(), key.subject_public_key_info())
    }

    #[test]
    fn only_what_was_asked_for_is_taken() {
        use ExtendedKeyUsagePurpose::ClientAuth;
        let identity: SpiffeId = IDENTITY.parse().unwrap();
        let (pem, key) = issued(&[IDENTITY], &[ClientAuth]);
        let facts = check(&pem, &identity, &key).unwrap();
        assert!(facts.not_before < facts.not_after && !facts.serial_number.as_str().is_empty());
        let read = super::facts(&pem).unwrap();
        assert_eq!((read.uris, read.client_auth), (vec![IDENTITY.to_owned()], true));
        assert_eq!(check(&pem, &identity, b"other").unwrap_err(), Mismatch::Key);
        for (names, usages, expected) in [
            (&["spiffe://a/lab/bob"][..], &[ClientAuth][..], "it names `URI:spiffe://a/lab/bob`"),
            (&[IDENTITY, "spiffe://a/lab/bob"], &[ClientAuth], "it names `URI:spiffe://a/lab/alice, URI:"),
            (&[], &[ClientAuth], "it names ``"),
        ] {
            let (pem, key) = issued(names, usages);
            let error = check(&pem, &identity, &key).unwrap_err().to_string();
            assert!(error.starts_with(expected), "{error}");
        }
        assert_eq!(check("hello", &identity, &key).unwrap_err(), Mismatch::Unreadable);
    }

    #[test]
    fn a_usage_beside_client_auth_or_none_at_all_is_refused() {
        use ExtendedKeyUsagePurpose::{
            Any, ClientAuth, CodeSigning, EmailProtection, OcspSigning, Other, ServerAuth, TimeStamping,
        };
        let identity: SpiffeId = IDENTITY.parse().unwrap();
        let smart_card_logon = Other(vec![1, 3, 6, 1, 4, 1, 311, 20, 2, 2]);
        for other in [Any, ServerAuth, CodeSigning, EmailProtection, OcspSigning, TimeStamping, smart_card_logon] {
            for usages in [vec![ClientAuth, other.clone()], vec![other.clone()]] {
                let (pem, key) = issued(&[IDENTITY], &usages);
                assert_eq!(check(&pem, &identity, &key).unwrap_err(), Mismatch::Usage, "{usages:?}");
            }
        }
        let (pem, key) = issued(&[IDENTITY], &[]);
        assert_eq!(check(&pem, &identity, &key).unwrap_err(), Mismatch::Usage);
    }
}
