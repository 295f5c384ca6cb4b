//! One CRL: read, checked, and its signature verified.

use std::collections::HashSet;

use foldhash::fast::RandomState;
use policy::Timestamp;
use rustls::crypto::WebPkiSupportedAlgorithms;
use webpki::{BorrowedCertRevocationList, RawPublicKeyEntity};
use x509_parser::asn1_rs::{Any, Class, Tag};
use x509_parser::extensions::{IssuingDistributionPoint, ParsedExtension, X509Extension};
use x509_parser::prelude::FromDer;
use x509_parser::time::ASN1Time;

use super::ChainCertificate;
use super::number::{CrlNumber, SerialKey};
use crate::identity::{distribution_point_uris, timestamp};
use crate::trust::anchors::{Authority, IssuerId};

/// Why a CRL is not used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CrlError {
    #[error("it is a delta CRL; give the complete one")]
    Delta,
    #[error("it is an indirect CRL, about certificates of other issuers; give each issuer's own")]
    Indirect,
    #[error("it covers only some reasons of revocation; give the CRL that covers them all")]
    SomeReasons,
    #[error("it names no distribution point by URI, so that nobody can tell which certificates it covers")]
    NoDistributionPoint,
    #[error("it is not a complete version 2 CRL with nextUpdate and extensions ({0})")]
    Malformed(String),
    #[error("its issuer is not among the `clientTrustAnchors`; add the issuer's certificate there")]
    UnknownIssuer,
    #[error("its signature is not of its issuer `{0}`")]
    Signature(String),
    #[error("its issuer `{0}` may not sign CRLs, its key usage lacks cRLSign")]
    MayNotSign(String),
}

impl From<webpki::Error> for CrlError {
    fn from(error: webpki::Error) -> Self {
        match error {
            webpki::Error::UnsupportedDeltaCrl => Self::Delta,
            webpki::Error::UnsupportedIndirectCrl => Self::Indirect,
            webpki::Error::UnsupportedRevocationReasonsPartitioning => Self::SomeReasons,
            webpki::Error::UnsupportedCrlIssuingDistributionPoint => Self::NoDistributionPoint,
            error => Self::Malformed(error.to_string()),
        }
    }
}

fn malformed(part: &'static str) -> CrlError {
    CrlError::Malformed(part.to_owned())
}

/// A CRL whose issuer is known and whose signature is right.
#[derive(Debug)]
pub(crate) struct Crl {
    issuer: IssuerId,
    scope: Scope,
    number: CrlNumber,
    this_update: Timestamp,
    next_update: Timestamp,
    revoked: HashSet<SerialKey, RandomState>,
}

/// Which of its issuer's certificates a CRL covers (RFC 5280, 5.2.5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Scope {
    /// Certificates that point to one of these; `None`: all of them.
    uris: Option<Vec<Box<str>>>,
    end_entities: bool,
    authorities: bool,
}

impl Crl {
    /// Reads a CRL in DER and verifies it by the key of its issuer.
    pub(crate) fn read(
        der: &[u8],
        authorities: &[Authority],
        algorithms: &WebPkiSupportedAlgorithms,
    ) -> Result<Self, CrlError> {
        // webpki checks the form and refuses critical extensions it does not know; what it does not hand out is read
        // beside it.
        let list = BorrowedCertRevocationList::from_der(der)?;
        let envelope = Envelope::read(der).ok_or_else(|| malformed("envelope"))?;
        let named = authorities.iter().filter(|authority| authority.subject() == envelope.issuer);
        let issuer = envelope.signer(named, algorithms)?;
        let revoked = list.into_iter().map(|entry| Ok(SerialKey::new(entry?.serial_number)));
        Ok(Self {
            issuer,
            scope: envelope.scope()?,
            number: envelope.number()?,
            this_update: envelope.this_update,
            next_update: envelope.next_update,
            revoked: revoked.collect::<Result<_, webpki::Error>>()?,
        })
    }

    pub(crate) fn issuer(&self) -> IssuerId {
        self.issuer
    }

    /// What it says of its place among those of its scope.
    pub(crate) fn number(&self) -> CrlNumber {
        self.number
    }

    /// What orders the CRLs of one scope.
    pub(super) fn version(&self) -> (CrlNumber, Timestamp) {
        (self.number, self.this_update)
    }

    pub(crate) fn next_update(&self) -> Timestamp {
        self.next_update
    }

    pub(crate) fn entries(&self) -> usize {
        self.revoked.len()
    }

    pub(super) fn scope(&self) -> &Scope {
        &self.scope
    }

    pub(super) fn covers_the_same_as(&self, other: &Self) -> bool {
        self.issuer == other.issuer && self.scope == other.scope
    }

    pub(super) fn revokes(&self, serial: SerialKey) -> bool {
        self.revoked.contains(&serial)
    }

    /// Whether a certificate of its issuer that it does not name is good. As in webpki, a certificate that does not say
    /// where its CRL is may be covered by any.
    pub(super) fn covers(&self, certificate: &ChainCertificate) -> bool {
        let role = if certificate.is_end_entity { self.scope.end_entities } else { self.scope.authorities };
        let points = match &self.scope.uris {
            None => true,
            Some(uris) => certificate.crl_uris.is_empty() || certificate.crl_uris.iter().any(|uri| uris.contains(uri)),
        };
        role && points
    }
}

/// The parts of a CRL around its entries.
struct Envelope<'a> {
    signed: &'a [u8],
    algorithm: &'a [u8],
    signature: &'a [u8],
    /// Without its outer tag, as webpki has names.
    issuer: &'a [u8],
    this_update: Timestamp,
    next_update: Timestamp,
    extensions: Vec<X509Extension<'a>>,
}

impl<'a> Envelope<'a> {
    /// CertificateList of RFC 5280, 5.1.
    fn read(der: &'a [u8]) -> Option<Self> {
        let (_, list) = element(der, Tag::Sequence)?;
        let (rest, to_be_signed) = element(list, Tag::Sequence)?;
        let signed = list.get(..list.len() - rest.len())?;
        let (rest, algorithm) = element(rest, Tag::Sequence)?;
        let (_, signature) = element(rest, Tag::BitString)?;
        let (rest, _version) = element(to_be_signed, Tag::Integer)?;
        let (rest, _algorithm) = element(rest, Tag::Sequence)?;
        let (rest, issuer) = element(rest, Tag::Sequence)?;
        let (rest, this_update) = ASN1Time::from_der(rest).ok()?;
        let (rest, next_update) = ASN1Time::from_der(rest).ok()?;
        let rest = element(rest, Tag::Sequence).map_or(rest, |(rest, _entries)| rest);
        let (_, tagged) = Any::from_der(rest).ok()?;
        if tagged.class() != Class::ContextSpecific || tagged.tag() != Tag(0) {
            return None;
        }
        let (_, mut rest) = element(tagged.data, Tag::Sequence)?;
        let mut extensions = Vec::new();
        while !rest.is_empty() {
            let (after, extension) = X509Extension::from_der(rest).ok()?;
            extensions.push(extension);
            rest = after;
        }
        Some(Self {
            signed,
            algorithm,
            // A signature is whole octets: no bits are unused.
            signature: signature.strip_prefix(&[0])?,
            issuer,
            this_update: timestamp(this_update.timestamp()),
            next_update: timestamp(next_update.timestamp()),
            extensions,
        })
    }

    /// Whose key signed it, among the authorities of its issuer's name: there are two while a CA changes its key.
    fn signer<'b>(
        &self,
        named: impl Iterator<Item = &'b Authority>,
        algorithms: &WebPkiSupportedAlgorithms,
    ) -> Result<IssuerId, CrlError> {
        let mut refusal = CrlError::UnknownIssuer;
        for authority in named {
            match (self.is_signed_by(authority, algorithms), authority.may_sign_crls()) {
                (true, true) => return Ok(authority.id()),
                (true, false) => return Err(CrlError::MayNotSign(authority.name().to_owned())),
                (false, _) => refusal = CrlError::Signature(authority.name().to_owned()),
            }
        }
        Err(refusal)
    }

    fn is_signed_by(&self, authority: &Authority, algorithms: &WebPkiSupportedAlgorithms) -> bool {
        let Ok(key) = RawPublicKeyEntity::try_from(authority.public_key()) else { return false };
        let fitting = algorithms.all.iter().filter(|each| each.signature_alg_id().as_ref() == self.algorithm);
        fitting.into_iter().any(|each| key.verify_signature(*each, self.signed, self.signature).is_ok())
    }

    fn number(&self) -> Result<CrlNumber, CrlError> {
        let number = self.extensions.iter().find_map(|extension| match extension.parsed_extension() {
            ParsedExtension::CRLNumber(number) => Some(number.to_bytes_be()),
            _ => None,
        });
        match number {
            Some(bytes) => CrlNumber::new(&bytes).ok_or_else(|| malformed("CRL number")),
            None => Ok(CrlNumber::default()),
        }
    }

    fn scope(&self) -> Result<Scope, CrlError> {
        let everything = Scope { uris: None, end_entities: true, authorities: true };
        self.extensions.iter().try_fold(everything, |scope, extension| match extension.parsed_extension() {
            ParsedExtension::IssuingDistributionPoint(point) => Scope::of(point),
            ParsedExtension::ParseError { .. } => Err(malformed("extension")),
            _ => Ok(scope),
        })
    }
}

impl Scope {
    fn of(point: &IssuingDistributionPoint<'_>) -> Result<Self, CrlError> {
        let mut uris = point.distribution_point.as_ref().map(distribution_point_uris).unwrap_or_default();
        uris.sort();
        match uris.is_empty() {
            true => Err(CrlError::NoDistributionPoint),
            false => Ok(Self {
                uris: Some(uris),
                end_entities: !point.only_contains_ca_certs,
                authorities: !point.only_contains_user_certs,
            }),
        }
    }
}

/// The content of a universal element, and what follows it.
fn element(der: &[u8], tag: Tag) -> Option<(&[u8], &[u8])> {
    let (rest, any) = Any::from_der(der).ok()?;
    (any.class() == Class::Universal && any.tag() == tag).then_some((rest, any.data))
}
