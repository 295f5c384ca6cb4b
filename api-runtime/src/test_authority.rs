//! Certificates and CRLs for tests. Names nothing of this crate, so that tests outside it can include it too.
#![allow(dead_code, clippy::unwrap_used, missing_debug_implementations, reason = "test code, each user needs a part")]

use std::time::Duration;

use rcgen::string::Ia5String;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CrlDistributionPoint,
    CrlIssuingDistributionPoint, CrlScope, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyIdMethod, KeyPair, KeyUsagePurpose, RevokedCertParams, SanType, SerialNumber, date_time_ymd,
};

pub(crate) const DAY: i64 = 86_400;

/// A time so many seconds from another. A macro, because rcgen's type has no name here.
macro_rules! from {
    ($now:expr, $seconds:expr) => {
        date_time_ymd(1970, 1, 1) + Duration::from_secs($now.checked_add_signed($seconds).unwrap())
    };
}

fn now() -> u64 {
    jiff::Timestamp::now().as_second().try_into().unwrap()
}

/// A certificate authority.
pub(crate) struct TestAuthority {
    pub(crate) pem: String,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate and its key.
pub(crate) struct TestCertificate {
    pub(crate) der: Vec<u8>,
    pub(crate) pem: String,
    pub(crate) key_pem: String,
}

/// What to issue; times are in seconds from now.
#[derive(Clone)]
pub(crate) struct CertificateContent {
    pub(crate) subject: Vec<(DnType, String)>,
    pub(crate) names: Vec<SanType>,
    pub(crate) serial: Vec<u8>,
    pub(crate) not_before: i64,
    pub(crate) not_after: i64,
    pub(crate) purposes: Vec<ExtendedKeyUsagePurpose>,
    pub(crate) crl_uri: Option<&'static str>,
}

impl CertificateContent {
    /// A caller with these URI SANs.
    pub(crate) fn caller(uris: &[&str]) -> Self {
        Self {
            subject: vec![
                (DnType::OrganizationName, "Example".to_owned()),
                (DnType::CommonName, "svc.orders-api.prod".to_owned()),
            ],
            names: uris.iter().map(|uri| SanType::URI(Ia5String::try_from(*uri).unwrap())).collect(),
            serial: vec![0x0a, 0x1b, 0x2c],
            not_before: -DAY,
            not_after: DAY,
            purposes: vec![ExtendedKeyUsagePurpose::ClientAuth],
            crl_uri: None,
        }
    }

    /// A server on this machine.
    pub(crate) fn server() -> Self {
        Self {
            names: vec![SanType::DnsName(Ia5String::try_from("localhost").unwrap())],
            purposes: vec![ExtendedKeyUsagePurpose::ServerAuth],
            ..Self::caller(&[])
        }
    }
}

/// What a CRL says; times are in seconds from now.
#[derive(Clone)]
pub(crate) struct CrlContent {
    pub(crate) number: u64,
    pub(crate) this_update: i64,
    pub(crate) next_update: i64,
    pub(crate) serials: Vec<Vec<u8>>,
    pub(crate) scope: Option<(&'static str, Option<CrlScope>)>,
}

impl CrlContent {
    pub(crate) fn new(number: u64, serials: &[&[u8]]) -> Self {
        let serials = serials.iter().map(|serial| serial.to_vec()).collect();
        Self { number, this_update: -DAY, next_update: DAY, serials, scope: None }
    }
}

impl TestAuthority {
    pub(crate) fn root(name: &str) -> Self {
        let (params, key) = (authority_params(name, b"\x01"), KeyPair::generate().unwrap());
        let pem = params.self_signed(&key).unwrap().pem();
        Self { pem, issuer: Issuer::new(params, key) }
    }

    pub(crate) fn intermediate(&self, name: &str, serial: &[u8]) -> Self {
        self.intermediate_until(name, serial, 365 * DAY)
    }

    /// One that expires so many seconds from now.
    pub(crate) fn intermediate_until(&self, name: &str, serial: &[u8], not_after: i64) -> Self {
        let (mut params, key) = (authority_params(name, serial), KeyPair::generate().unwrap());
        params.not_after = from!(now(), not_after);
        let pem = params.signed_by(&key, &self.issuer).unwrap().pem();
        Self { pem, issuer: Issuer::new(params, key) }
    }

    /// One whose certificate says that it may not sign CRLs, and which signs them all the same.
    pub(crate) fn without_crl_sign(name: &str) -> Self {
        let (params, key) = (authority_params(name, b"\x01"), KeyPair::generate().unwrap());
        let mut certificate = params.clone();
        certificate.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        Self { pem: certificate.self_signed(&key).unwrap().pem(), issuer: Issuer::new(params, key) }
    }

    pub(crate) fn issue(&self, content: &CertificateContent) -> TestCertificate {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        for (kind, value) in &content.subject {
            params.distinguished_name.push(kind.clone(), value.as_str());
        }
        params.subject_alt_names = content.names.clone();
        params.serial_number = Some(SerialNumber::from_slice(&content.serial));
        // Of one moment, so that the lifetime is exact.
        let now = now();
        params.not_before = from!(now, content.not_before);
        params.not_after = from!(now, content.not_after);
        params.extended_key_usages = content.purposes.clone();
        let point = |uri: &str| CrlDistributionPoint { uris: vec![uri.to_owned()] };
        params.crl_distribution_points = content.crl_uri.map(point).into_iter().collect();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        TestCertificate { der: certificate.der().to_vec(), pem: certificate.pem(), key_pem: key.serialize_pem() }
    }

    /// In DER.
    pub(crate) fn crl(&self, content: &CrlContent) -> Vec<u8> {
        self.sign(content).der().to_vec()
    }

    pub(crate) fn crl_pem(&self, content: &CrlContent) -> String {
        self.sign(content).pem().unwrap()
    }

    fn sign(&self, content: &CrlContent) -> rcgen::CertificateRevocationList {
        let revoked = |serial: &Vec<u8>| RevokedCertParams {
            serial_number: SerialNumber::from_slice(serial),
            revocation_time: from!(now(), -DAY),
            reason_code: None,
            invalidity_date: None,
        };
        let params = CertificateRevocationListParams {
            this_update: from!(now(), content.this_update),
            next_update: from!(now(), content.next_update),
            crl_number: SerialNumber::from(content.number),
            issuing_distribution_point: content.scope.map(|(uri, scope)| CrlIssuingDistributionPoint {
                distribution_point: CrlDistributionPoint { uris: vec![uri.to_owned()] },
                scope,
            }),
            revoked_certs: content.serials.iter().map(revoked).collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        params.signed_by(&self.issuer).unwrap()
    }
}

fn authority_params(name: &str, serial: &[u8]) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.serial_number = Some(SerialNumber::from_slice(serial));
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}
