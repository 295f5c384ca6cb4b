//! A certificate authority that issues by template and ApiPassthrough, once for an idempotency token, and late; and that can
//! be told to issue something else than it was asked for.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, CertifiedIssuer, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyPair, SanType, SerialNumber, date_time_ymd,
};
use rustls_pki_types::pem::PemObject;
use serde_json::{Value, json};

pub(crate) const AUTHORITY: &str = "arn:aws:acm-pca:eu-west-1:111122223333:certificate-authority/11111111-2222";

/// What it may do wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Misissue {
    OtherName,
    OneMoreName,
    BothUsages,
    OtherKey,
    Longer,
    OtherIssuer,
    Authority,
}

pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    impostor: CertifiedIssuer<'static, KeyPair>,
    /// By idempotency token; the request, and the certificate's ARN.
    pub(crate) tokens: BTreeMap<String, (Value, String)>,
    /// PEM by ARN, in the order of issuance.
    pub(crate) issued: Vec<(String, String)>,
    pub(crate) revoked: BTreeSet<String>,
    pub(crate) misissue: Option<Misissue>,
    /// GetCertificate answers so often that it is not ready.
    pub(crate) busy: usize,
}

impl Default for Authority {
    fn default() -> Self {
        Self {
            issuer: issuer("internal.example root"),
            impostor: issuer("another root"),
            tokens: BTreeMap::new(),
            issued: Vec::new(),
            revoked: BTreeSet::new(),
            misissue: None,
            busy: 1,
        }
    }
}

fn issuer(name: &str) -> CertifiedIssuer<'static, KeyPair> {
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name.push(DnType::CommonName, name);
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(parameters, KeyPair::generate().unwrap()).unwrap()
}

impl Authority {
    pub(crate) fn root_pem(&self) -> String {
        self.issuer.pem()
    }

    pub(crate) fn issuer(&self) -> &CertifiedIssuer<'static, KeyPair> {
        &self.issuer
    }

    pub(crate) fn answer(&mut self, operation: &str, request: &Value) -> Option<Result<Value, &'static str>> {
        if request["CertificateAuthorityArn"] != AUTHORITY {
            return Some(Err("ResourceNotFoundException"));
        }
        match operation {
            "DescribeCertificateAuthority" => {
                let configuration =
                    json!({"KeyAlgorithm": "EC_prime256v1", "SigningAlgorithm": "SHA256WITHECDSA", "Subject": {}});
                let described = json!({"Arn": AUTHORITY, "CertificateAuthorityConfiguration": configuration});
                Some(Ok(json!({"CertificateAuthority": described})))
            }
            "IssueCertificate" => Some(Ok(json!({"CertificateArn": self.issue(request)}))),
            "GetCertificate" => Some(self.get(request["CertificateArn"].as_str().unwrap())),
            "RevokeCertificate" => Some(self.revoke(request["CertificateSerial"].as_str().unwrap())),
            _ => None,
        }
    }

    fn issue(&mut self, request: &Value) -> String {
        let token = request["IdempotencyToken"].as_str().unwrap().to_owned();
        if let Some((before, arn)) = self.tokens.get(&token) {
            assert_eq!(before, request, "the same token for another request");
            return arn.clone();
        }
        let number = self.issued.len() + 1;
        let arn = format!("{AUTHORITY}/certificate/{number}00");
        self.issued.push((arn.clone(), self.sign(request, u8::try_from(number).unwrap())));
        self.tokens.insert(token, (request.clone(), arn.clone()));
        arn
    }

    fn sign(&self, request: &Value, number: u8) -> String {
        let csr = base64(request["Csr"].as_str().unwrap());
        let mut csr = CertificateSigningRequestParams::from_pem(&String::from_utf8(csr).unwrap()).unwrap();
        assert!(csr.params.subject_alt_names.is_empty(), "who it is for is said when it is issued");
        let time = |field: &str| {
            assert_eq!(request[field]["Type"], "ABSOLUTE");
            date_time_ymd(1970, 1, 1) + Duration::from_secs(request[field]["Value"].as_u64().unwrap())
        };
        let usage = match request["TemplateArn"].as_str().unwrap() {
            "arn:aws:acm-pca:::template/EndEntityClientAuthCertificate_APIPassthrough/V1" => {
                ExtendedKeyUsagePurpose::ClientAuth
            }
            "arn:aws:acm-pca:::template/EndEntityServerAuthCertificate_APIPassthrough/V1" => {
                ExtendedKeyUsagePurpose::ServerAuth
            }
            other => panic!("the template {other}"),
        };
        let names = request["ApiPassthrough"]["Extensions"]["SubjectAlternativeNames"].as_array().unwrap();
        csr.params.subject_alt_names = names.iter().map(general_name).collect();
        csr.params.extended_key_usages = vec![usage];
        (csr.params.not_before, csr.params.not_after) = (time("ValidityNotBefore"), time("Validity"));
        csr.params.serial_number = Some(SerialNumber::from_slice(&[0x0a, 0xb0, number]));
        self.spoil(&mut csr);
        let issuer = if self.misissue == Some(Misissue::OtherIssuer) { &self.impostor } else { &self.issuer };
        csr.signed_by(issuer).unwrap().pem()
    }

    fn spoil(&self, csr: &mut CertificateSigningRequestParams) {
        let admin = SanType::URI("spiffe://internal.example/prod/admin".try_into().unwrap());
        match self.misissue {
            Some(Misissue::OtherName) => csr.params.subject_alt_names = vec![admin],
            Some(Misissue::OneMoreName) => csr.params.subject_alt_names.push(admin),
            Some(Misissue::BothUsages) => csr.params.extended_key_usages.push(ExtendedKeyUsagePurpose::ServerAuth),
            Some(Misissue::Longer) => csr.params.not_after += Duration::from_secs(86_400),
            Some(Misissue::Authority) => csr.params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained),
            Some(Misissue::OtherKey) => {
                let request = CertificateParams::default().serialize_request(&KeyPair::generate().unwrap()).unwrap();
                csr.public_key = CertificateSigningRequestParams::from_der(request.der()).unwrap().public_key;
            }
            Some(Misissue::OtherIssuer) | None => {}
        }
    }

    fn get(&mut self, arn: &str) -> Result<Value, &'static str> {
        let (_, pem) = self.issued.iter().find(|(issued, _)| issued == arn).ok_or("ResourceNotFoundException")?;
        if self.busy > 0 {
            self.busy -= 1;
            return Err("RequestInProgressException");
        }
        Ok(json!({"Certificate": pem, "CertificateChain": self.issuer.pem()}))
    }

    fn revoke(&mut self, serial: &str) -> Result<Value, &'static str> {
        let known = (1..=self.issued.len()).any(|number| format!("0ab0{number:02x}") == serial);
        match known {
            false => Err("ResourceNotFoundException"),
            true if !self.revoked.insert(serial.to_owned()) => Err("RequestAlreadyProcessedException"),
            true => Ok(json!({})),
        }
    }
}

fn general_name(name: &Value) -> SanType {
    match (name["UniformResourceIdentifier"].as_str(), name["DnsName"].as_str()) {
        (Some(uri), None) => SanType::URI(uri.try_into().unwrap()),
        (None, Some(name)) => SanType::DnsName(name.try_into().unwrap()),
        _ => panic!("the name {name}"),
    }
}

/// As the wire has blobs; the PEM parser knows how.
fn base64(text: &str) -> Vec<u8> {
    let pem = format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n");
    rustls_pki_types::CertificateDer::from_pem_slice(pem.as_bytes()).unwrap().to_vec()
}

/// A key that no certificate here is for.
pub(crate) fn other_key_pem() -> String {
    KeyPair::generate().unwrap().serialize_pem()
}
