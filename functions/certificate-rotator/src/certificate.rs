//! What was issued, read again and compared with what was asked for. The only module that parses certificates.

use std::sync::Arc;
use std::time::Duration;

use policy::{SerialNumber, SpiffeId, Timestamp};
use rustls::RootCertStore;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::server::WebPkiClientVerifier;
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use sha2::{Digest, Sha256};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::{ExtendedKeyUsage, GeneralName};
use x509_parser::prelude::FromDer;

use crate::authority::Issued;
use crate::private_key::{PrivateKey, PrivateKeyError};
use crate::purpose::{Kind, Purpose, dns_subject};

/// How far a clock may be off, and how much an authority may round.
const SLACK: Duration = Duration::from_secs(300);

/// What a certificate says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Facts {
    pub(crate) serial_number: SerialNumber,
    pub(crate) not_before: Timestamp,
    pub(crate) not_after: Timestamp,
    /// Sorted, each with its kind: `URI:…`, `DNS:…`.
    names: Vec<String>,
    pub(crate) kind: Kind,
    /// SHA-256 of the SubjectPublicKeyInfo, in hex.
    pub(crate) public_key_sha256: String,
}

/// What is wrong with a certificate that was issued: it is not used, and revoked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Mismatch {
    /// No X.509.
    #[error("what was issued cannot be read as X.509")]
    Unreadable,
    /// Another key.
    #[error("the certificate is for another key than ours")]
    Key,
    /// Other names.
    #[error("the certificate names `{found}`, `{wanted}` was asked for")]
    Names { wanted: String, found: String },
    /// Another usage, or more than one.
    #[error("the certificate's extended key usage is not {0} alone")]
    Usage(&'static str),
    /// It may issue certificates itself.
    #[error("the certificate is that of a certificate authority")]
    Authority,
    /// Another time.
    #[error("the certificate is valid from {not_before} to {not_after}, which is not what was asked for")]
    Validity { not_before: Timestamp, not_after: Timestamp },
    /// Somebody else signed it.
    #[error("the certificate's issuer is not the first certificate of its chain")]
    Issuer,
    /// It would not be accepted.
    #[error("the certificate would not be accepted: {0}")]
    Verification(String),
    /// Our own key.
    #[error(transparent)]
    PrivateKey(#[from] PrivateKeyError),
}

/// What was asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted<'a> {
    pub(crate) purpose: &'a Purpose,
    pub(crate) private_key: &'a PrivateKey,
    /// None where it is not known any more: then only that it is valid now counts.
    pub(crate) validity: Option<[Timestamp; 2]>,
}

/// A certificate that is what was asked for, and would be accepted now.
pub(crate) fn check(issued: &Issued, wanted: &Wanted<'_>, now: Timestamp) -> Result<Facts, Mismatch> {
    let der = one(&issued.certificate)?;
    let chain = all(&issued.chain)?;
    let certificate = parse(&der)?;
    let facts = facts_of(&certificate);
    if certificate.public_key().raw != wanted.private_key.public_key()? {
        return Err(Mismatch::Key);
    }
    names(&facts, wanted.purpose)?;
    usage(&certificate, wanted.purpose.kind)?;
    validity(&facts, wanted.validity)?;
    let issuer = chain.first().ok_or(Mismatch::Issuer)?;
    if certificate.issuer().as_raw() != parse(issuer)?.subject().as_raw() {
        return Err(Mismatch::Issuer);
    }
    verify(&der, &chain, wanted, now)?;
    Ok(facts)
}

/// What a certificate says, whoever's it is.
pub(crate) fn facts(certificate: &str) -> Result<Facts, Mismatch> {
    Ok(facts_of(&parse(&one(certificate)?)?))
}

/// The one SPIFFE ID that a certificate names.
pub(crate) fn identity(facts: &Facts) -> Option<SpiffeId> {
    let mut uris = facts.names.iter().filter_map(|name| name.strip_prefix("URI:"));
    match (uris.next(), uris.next()) {
        (Some(uri), None) => uri.parse().ok(),
        _ => None,
    }
}

/// By which the inventory finds it, as [`Purpose::subject`] says it: the identity, or the DNS names of a server that has
/// none. None: it is neither.
pub(crate) fn subject(facts: &Facts) -> Option<String> {
    if let Some(identity) = identity(facts) {
        return Some(identity.to_string());
    }
    let names: Option<Vec<_>> = facts.names.iter().map(|name| name.strip_prefix("DNS:")).collect();
    names.filter(|names| facts.kind == Kind::Server && !names.is_empty()).map(|names| dns_subject(names.into_iter()))
}

/// Of a key as a certificate holds it.
pub(crate) fn public_key_sha256(key: &PrivateKey) -> Result<String, PrivateKeyError> {
    Ok(hex(&Sha256::digest(key.public_key()?)))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Certificate and chain, to be presented with the key.
pub(crate) fn certified_key(certificate: &str, chain: &str, key: &PrivateKey) -> Result<CertifiedKey, Mismatch> {
    let certificates = std::iter::once(one(certificate)?).chain(all(chain)?).collect();
    CertifiedKey::from_der(certificates, key.der()?, &provider()).map_err(|_| Mismatch::Key)
}

/// The authorities of a chain, as trust anchors.
pub(crate) fn trust_anchors(chain: &str) -> Result<Arc<RootCertStore>, Mismatch> {
    anchors(&all(chain)?)
}

pub(crate) fn provider() -> CryptoProvider {
    aws_lc_rs::default_provider()
}

fn one(pem: &str) -> Result<CertificateDer<'static>, Mismatch> {
    match <[_; 1]>::try_from(all(pem)?) {
        Ok([certificate]) => Ok(certificate),
        Err(_) => Err(Mismatch::Unreadable),
    }
}

fn all(pem: &str) -> Result<Vec<CertificateDer<'static>>, Mismatch> {
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    certificates.map_err(|_| Mismatch::Unreadable)
}

fn parse<'a>(der: &'a CertificateDer<'_>) -> Result<X509Certificate<'a>, Mismatch> {
    match X509Certificate::from_der(der) {
        Ok(([], certificate)) => Ok(certificate),
        _ => Err(Mismatch::Unreadable),
    }
}

fn facts_of(certificate: &X509Certificate<'_>) -> Facts {
    let names = certificate.subject_alternative_name().ok().flatten();
    let mut names: Vec<_> = names.iter().flat_map(|names| &names.value.general_names).map(name).collect();
    names.sort();
    let time = |seconds| Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX);
    let validity = certificate.validity();
    Facts {
        serial_number: SerialNumber::from_be_bytes(certificate.raw_serial()),
        not_before: time(validity.not_before.timestamp()),
        not_after: time(validity.not_after.timestamp()),
        names,
        kind: match certificate.extended_key_usage() {
            Ok(Some(usage)) if usage.value.server_auth => Kind::Server,
            _ => Kind::Client,
        },
        public_key_sha256: hex(&Sha256::digest(certificate.public_key().raw)),
    }
}

fn name(name: &GeneralName<'_>) -> String {
    match name {
        GeneralName::URI(uri) => format!("URI:{uri}"),
        GeneralName::DNSName(name) => format!("DNS:{name}"),
        other => format!("{other:?}"),
    }
}

/// Exactly those that were asked for: one more would be one more identity.
fn names(facts: &Facts, purpose: &Purpose) -> Result<(), Mismatch> {
    let uri = purpose.identity.iter().map(|identity| format!("URI:{identity}"));
    let mut wanted: Vec<_> = uri.chain(purpose.dns_names.iter().map(|name| format!("DNS:{name}"))).collect();
    wanted.sort();
    wanted.dedup();
    let found = &facts.names;
    if wanted == *found { Ok(()) } else { Err(Mismatch::Names { wanted: wanted.join(", "), found: found.join(", ") }) }
}

fn usage(certificate: &X509Certificate<'_>, kind: Kind) -> Result<(), Mismatch> {
    if certificate.is_ca() {
        return Err(Mismatch::Authority);
    }
    let usage = certificate.extended_key_usage().ok().flatten();
    let alone = |usage: &ExtendedKeyUsage<'_>| {
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
        let others = *any || *code_signing || *email_protection || *time_stamping || *ocsp_signing || !other.is_empty();
        !others && (*client_auth, *server_auth) == (kind == Kind::Client, kind == Kind::Server)
    };
    if usage.is_some_and(|usage| alone(usage.value)) { Ok(()) } else { Err(Mismatch::Usage(usage_word(kind))) }
}

fn usage_word(kind: Kind) -> &'static str {
    match kind {
        Kind::Client => "clientAuth",
        Kind::Server => "serverAuth",
    }
}

fn validity(facts: &Facts, wanted: Option<[Timestamp; 2]>) -> Result<(), Mismatch> {
    let Facts { not_before, not_after, .. } = *facts;
    let near = |a: Timestamp, b: Timestamp| a.duration_since(b).unsigned_abs() <= SLACK;
    match wanted {
        Some([begin, end]) if !(near(not_before, begin) && near(not_after, end)) => {
            Err(Mismatch::Validity { not_before, not_after })
        }
        _ => Ok(()),
    }
}

/// As whoever meets it will.
fn verify(
    der: &CertificateDer<'_>,
    chain: &[CertificateDer<'static>],
    wanted: &Wanted<'_>,
    now: Timestamp,
) -> Result<(), Mismatch> {
    let refused = |error: &dyn std::fmt::Display| Mismatch::Verification(error.to_string());
    let (anchors, provider) = (anchors(chain)?, Arc::new(provider()));
    let now = UnixTime::since_unix_epoch(Duration::from_secs(u64::try_from(now.as_second()).unwrap_or_default()));
    match wanted.purpose.kind {
        Kind::Client => {
            let verifier = WebPkiClientVerifier::builder_with_provider(anchors, provider).build();
            let verifier = verifier.map_err(|error| refused(&error))?;
            verifier.verify_client_cert(der, chain, now).map(drop).map_err(|error| refused(&error))
        }
        Kind::Server => {
            let verifier = WebPkiServerVerifier::builder_with_provider(anchors, provider).build();
            let verifier = verifier.map_err(|error| refused(&error))?;
            wanted.purpose.dns_names.iter().try_for_each(|name| {
                let name = ServerName::try_from(name.as_str()).map_err(|error| refused(&error))?;
                verifier.verify_server_cert(der, chain, &name, &[], now).map(drop).map_err(|error| refused(&error))
            })
        }
    }
}

fn anchors(chain: &[CertificateDer<'static>]) -> Result<Arc<RootCertStore>, Mismatch> {
    let mut anchors = RootCertStore::empty();
    for authority in chain {
        anchors.add(authority.clone()).map_err(|error| Mismatch::Verification(error.to_string()))?;
    }
    Ok(Arc::new(anchors))
}
