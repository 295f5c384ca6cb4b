//! What a certificate says. The only module that parses certificates.

mod distinguished_name;

use policy::{SerialNumber, SpiffeId, Timestamp};
use rustls_pki_types::CertificateDer;
use sha2::{Digest, Sha256};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::{DistributionPointName, GeneralName, ParsedExtension};
use x509_parser::oid_registry::OID_X509_EXT_CRL_DISTRIBUTION_POINTS;
use x509_parser::prelude::FromDer;
use x509_parser::x509::X509Name;

use crate::config::Identity;

/// What an end-entity certificate says of its holder.
#[derive(Debug)]
pub(crate) struct EndEntity {
    /// `None`: it names nobody of the trust domain (`badIdentity`).
    pub(crate) identity: Option<SpiffeId>,
    pub(crate) named_by_uri: bool,
    pub(crate) common_name: Option<Box<str>>,
    /// As RFC 2253 writes it.
    pub(crate) subject: Box<str>,
    pub(crate) serial: SerialNumber,
    pub(crate) not_before: Timestamp,
    pub(crate) not_after: Timestamp,
    pub(crate) sha256_hex: Box<str>,
    /// Whether its extended key usage says that it is for clients.
    pub(crate) is_for_clients: bool,
}

/// What any certificate of a chain says of itself.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) not_before: Timestamp,
    pub(crate) not_after: Timestamp,
    /// Where its CRL is (RFC 5280, 4.2.1.13); empty when it does not say.
    pub(crate) crl_uris: Box<[Box<str>]>,
}

/// The certificate is not one that X.509 knows, or not only one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the certificate cannot be read as X.509")]
pub(crate) struct Unreadable;

/// Reads an end-entity certificate that was verified.
pub(crate) fn end_entity(der: &CertificateDer<'_>, rules: &Identity) -> Result<(EndEntity, Link), Unreadable> {
    let certificate = parse(der)?;
    let link = link_of(&certificate)?;
    let common_name = common_name(certificate.subject());
    let (identity, named_by_uri) = match uris(&certificate).as_deref() {
        // A malformed, foreign or second URI is `badIdentity`, and never falls back to the common name.
        Some([uri]) => (of_uri(uri, rules), true),
        Some([]) => (common_name.and_then(|name| of_common_name(name, rules)), false),
        Some(_) | None => (None, true),
    };
    let end_entity = EndEntity {
        identity,
        named_by_uri,
        common_name: common_name.map(Box::from),
        subject: distinguished_name::rfc2253(certificate.subject()).into(),
        serial: SerialNumber::from_be_bytes(certificate.raw_serial()),
        not_before: link.not_before,
        not_after: link.not_after,
        sha256_hex: hex(&Sha256::digest(der)).into(),
        is_for_clients: matches!(certificate.extended_key_usage(), Ok(Some(usage)) if usage.value.client_auth),
    };
    Ok((end_entity, link))
}

/// Reads an intermediate certificate that was verified.
pub(crate) fn intermediate(der: &CertificateDer<'_>) -> Result<Link, Unreadable> {
    link_of(&parse(der)?)
}

fn link_of(certificate: &X509Certificate<'_>) -> Result<Link, Unreadable> {
    let points =
        certificate.extensions().iter().find(|extension| extension.oid == OID_X509_EXT_CRL_DISTRIBUTION_POINTS);
    let crl_uris = match points.map(|extension| extension.parsed_extension()) {
        None => Vec::new(),
        Some(ParsedExtension::CRLDistributionPoints(points)) => {
            let names = points.iter().filter_map(|point| point.distribution_point.as_ref());
            names.flat_map(distribution_point_uris).collect()
        }
        Some(_) => return Err(Unreadable),
    };
    let (not_before, not_after) = validity(certificate);
    Ok(Link { not_before, not_after, crl_uris: crl_uris.into() })
}

/// When our own certificate begins and ceases to be valid.
pub(crate) fn own_validity(der: &CertificateDer<'_>) -> Result<(Timestamp, Timestamp), Unreadable> {
    Ok(validity(&parse(der)?))
}

fn validity(certificate: &X509Certificate<'_>) -> (Timestamp, Timestamp) {
    let validity = certificate.validity();
    (timestamp(validity.not_before.timestamp()), timestamp(validity.not_after.timestamp()))
}

/// Serial number and subject of a certificate nobody verified: for the log, never for a decision.
pub(crate) fn presented(der: &CertificateDer<'_>) -> Option<(SerialNumber, String)> {
    let certificate = parse(der).ok()?;
    let serial = SerialNumber::from_be_bytes(certificate.raw_serial());
    Some((serial, distinguished_name::rfc2253(certificate.subject())))
}

/// The URIs of a distribution point, which certificates and CRLs write alike.
pub(crate) fn distribution_point_uris(name: &DistributionPointName<'_>) -> Vec<Box<str>> {
    match name {
        DistributionPointName::FullName(names) => names.iter().filter_map(uri).map(Box::from).collect(),
        DistributionPointName::NameRelativeToCRLIssuer(_) => Vec::new(),
    }
}

/// What a certificate of the trust-anchor bundle is.
#[derive(Debug)]
pub(crate) struct AuthorityCertificate {
    pub(crate) subject: String,
    pub(crate) raw_subject: Box<[u8]>,
    pub(crate) raw_issuer: Box<[u8]>,
    pub(crate) is_ca: bool,
    pub(crate) may_sign_crls: bool,
    pub(crate) not_after: Timestamp,
}

/// Reads a certificate of the trust-anchor bundle.
pub(crate) fn authority(der: &CertificateDer<'_>) -> Result<AuthorityCertificate, Unreadable> {
    let certificate = parse(der)?;
    let basic_constraints = certificate.basic_constraints().map_err(|_| Unreadable)?;
    let key_usage = certificate.key_usage().map_err(|_| Unreadable)?;
    Ok(AuthorityCertificate {
        subject: distinguished_name::rfc2253(certificate.subject()),
        raw_subject: certificate.subject().as_raw().into(),
        raw_issuer: certificate.issuer().as_raw().into(),
        is_ca: basic_constraints.is_some_and(|extension| extension.value.ca),
        // RFC 5280, 6.3.3 (f): a key usage that is there must say so.
        may_sign_crls: key_usage.is_none_or(|extension| extension.value.crl_sign()),
        not_after: timestamp(certificate.validity().not_after.timestamp()),
    })
}

fn parse<'a>(der: &'a CertificateDer<'_>) -> Result<X509Certificate<'a>, Unreadable> {
    match X509Certificate::from_der(der) {
        Ok(([], certificate)) => Ok(certificate),
        _ => Err(Unreadable),
    }
}

/// The URIs among the subject's alternative names; `None` when the names cannot all be read.
fn uris<'a>(certificate: &'a X509Certificate<'_>) -> Option<Vec<&'a str>> {
    let names = match certificate.subject_alternative_name() {
        Ok(Some(extension)) => &extension.value.general_names,
        Ok(None) => return Some(Vec::new()),
        Err(_) => return None,
    };
    let readable = names.iter().all(|name| !matches!(name, GeneralName::Invalid(..)));
    readable.then(|| names.iter().filter_map(uri).collect())
}

fn uri<'a>(name: &GeneralName<'a>) -> Option<&'a str> {
    match name {
        GeneralName::URI(uri) => Some(uri),
        _ => None,
    }
}

/// An X.509-SVID names a workload: its SPIFFE ID has a path (X509-SVID standard, section 2).
fn of_uri(uri: &str, rules: &Identity) -> Option<SpiffeId> {
    let id: SpiffeId = uri.parse().ok()?;
    (id.trust_domain() == rules.trust_domain.as_str() && !id.path().is_empty()).then_some(id)
}

fn of_common_name(common_name: &str, rules: &Identity) -> Option<SpiffeId> {
    rules.common_name.as_ref()?.identity(common_name, &rules.trust_domain)
}

fn common_name<'a>(subject: &'a X509Name<'_>) -> Option<&'a str> {
    let mut names = subject.iter_common_name();
    match (names.next(), names.next()) {
        (Some(name), None) => name.as_str().ok(),
        _ => None,
    }
}

/// RFC 5280 writes "no end" as a time beyond what a timestamp can say.
pub(crate) fn timestamp(seconds: i64) -> Timestamp {
    let limit = if seconds < 0 { Timestamp::MIN } else { Timestamp::MAX };
    Timestamp::from_second(seconds).unwrap_or(limit)
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| DIGITS.get(usize::from(nibble)).copied().map_or('0', char::from);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

#[cfg(test)]
mod tests;
