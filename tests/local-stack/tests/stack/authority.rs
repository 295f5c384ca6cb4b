//! The Private CA, by the Rust SDK; what it issued is parsed again.

use aws_sdk_acmpca::Client;
use aws_sdk_acmpca::error::ProvideErrorMetadata as _;
use aws_sdk_acmpca::operation::issue_certificate::builders::IssueCertificateFluentBuilder;
use aws_sdk_acmpca::primitives::Blob;
use aws_sdk_acmpca::types::{
    ApiPassthrough, Extensions, GeneralName, RevocationReason, SigningAlgorithm, Validity, ValidityPeriodType,
};
use local_stack::deploy::{self, CertificateAuthority};
use rcgen::{CertificateParams, KeyPair, SanType};
use tokio::sync::OnceCell;
use x509_parser::prelude::{FromDer as _, GeneralName as Name, ParsedExtension, X509Certificate};
use x509_parser::revocation_list::CertificateRevocationList;

use super::{seconds, stack};

const CLIENT_AUTH: &str = "arn:aws:acm-pca:::template/EndEntityClientAuthCertificate/V1";
const CLIENT_AUTH_API: &str = "arn:aws:acm-pca:::template/EndEntityClientAuthCertificate_APIPassthrough/V1";
const SERVER_AUTH: &str = "arn:aws:acm-pca:::template/EndEntityServerAuthCertificate/V1";
const OURS: &str = "spiffe://internal.example/prod/orders-api";
const CHOSEN_BY_THE_CSR: &str = "spiffe://internal.example/prod/admin";
const DAY: i64 = 24 * 60 * 60;

static AUTHORITY: OnceCell<CertificateAuthority> = OnceCell::const_new();

/// What an end-entity certificate says.
#[derive(Debug, PartialEq, Eq)]
struct Said {
    uris: Vec<String>,
    server: bool,
    client: bool,
    serial: String,
    not_before: i64,
    not_after: i64,
}

async fn authority() -> &'static CertificateAuthority {
    let stack = stack().await;
    AUTHORITY.get_or_init(async || deploy::certificate_authority(stack, "test root").await.unwrap()).await
}

async fn client() -> Client {
    let stack = stack().await;
    Client::new(&stack.sdk_config(&stack.provider()).await)
}

fn csr() -> String {
    let mut parameters = CertificateParams::new(Vec::new()).unwrap();
    parameters.subject_alt_names = vec![SanType::URI(CHOSEN_BY_THE_CSR.try_into().unwrap())];
    parameters.serialize_request(&KeyPair::generate().unwrap()).unwrap().pem().unwrap()
}

fn validity(kind: ValidityPeriodType, value: i64) -> Validity {
    Validity::builder().r#type(kind).value(value).build().unwrap()
}

async fn request(client: &Client, template: &str) -> IssueCertificateFluentBuilder {
    client
        .issue_certificate()
        .certificate_authority_arn(&authority().await.arn)
        .csr(Blob::new(csr()))
        .signing_algorithm(SigningAlgorithm::Sha256Withecdsa)
        .template_arn(template)
        .validity(validity(ValidityPeriodType::Days, 7))
}

/// Issues, waits, and reads.
async fn issue(client: &Client, request: IssueCertificateFluentBuilder) -> Said {
    let arn = request.send().await.unwrap().certificate_arn.unwrap();
    said(&fetch(client, &arn).await)
}

async fn fetch(client: &Client, arn: &str) -> String {
    deploy::issued_certificate(client, &authority().await.arn, arn).await.unwrap().certificate_pem
}

fn der(pem: &str) -> Vec<u8> {
    x509_parser::pem::parse_x509_pem(pem.as_bytes()).unwrap().1.contents
}

fn said(pem: &str) -> Said {
    let der = der(pem);
    let (_, certificate) = X509Certificate::from_der(&der).unwrap();
    let names = certificate.subject_alternative_name().unwrap().map(|names| &names.value.general_names);
    let uri = |name: &Name<'_>| if let Name::URI(uri) = name { Some((*uri).to_owned()) } else { None };
    let usage = certificate.extended_key_usage().unwrap().unwrap().value;
    Said {
        uris: names.into_iter().flatten().filter_map(uri).collect(),
        server: usage.server_auth,
        client: usage.client_auth,
        serial: certificate.raw_serial_as_string(),
        not_before: certificate.validity().not_before.timestamp(),
        not_after: certificate.validity().not_after.timestamp(),
    }
}

fn now() -> i64 {
    i64::try_from(seconds()).unwrap()
}

fn near(left: i64, right: i64) -> bool {
    (left - right).abs() < 30
}

fn passthrough(uri: &str) -> ApiPassthrough {
    let name = GeneralName::builder().uniform_resource_identifier(uri).build();
    ApiPassthrough::builder().extensions(Extensions::builder().subject_alternative_names(name).build()).build()
}

async fn revoke(client: &Client, serial: &str) -> Result<(), String> {
    let revocation = client.revoke_certificate().certificate_authority_arn(&authority().await.arn);
    let revocation = revocation.certificate_serial(serial).revocation_reason(RevocationReason::KeyCompromise);
    revocation.send().await.map(drop).map_err(|error| error.code().unwrap().to_owned())
}

/// The list's number and the serial numbers in it.
async fn crl() -> (u64, Vec<String>) {
    let authority = authority().await;
    let der = stack().await.object(&authority.crl_bucket, &authority.crl_key).await.unwrap();
    let (_, list) = CertificateRevocationList::from_der(&der).unwrap();
    let number = list.extensions().iter().find_map(|extension| match extension.parsed_extension() {
        ParsedExtension::CRLNumber(number) => u64::try_from(number.clone()).ok(),
        _ => None,
    });
    let root = der_of_root(authority);
    let (_, root) = X509Certificate::from_der(&root).unwrap();
    assert_eq!(list.issuer().as_raw(), root.subject().as_raw());
    let serials = list.iter_revoked_certificates().map(|revoked| revoked.raw_serial_as_string()).collect();
    (number.unwrap(), serials)
}

fn der_of_root(authority: &CertificateAuthority) -> Vec<u8> {
    der(&authority.certificate_pem)
}

#[tokio::test]
async fn the_author_of_the_csr_chooses_the_identity_unless_the_api_passes_another() {
    let client = client().await;
    let plain = issue(&client, request(&client, CLIENT_AUTH).await).await;
    assert_eq!(plain.uris, [CHOSEN_BY_THE_CSR]);
    let passed = issue(&client, request(&client, CLIENT_AUTH_API).await.api_passthrough(passthrough(OURS))).await;
    assert_eq!(passed.uris, [OURS]);
    let ignored = issue(&client, request(&client, CLIENT_AUTH).await.api_passthrough(passthrough(OURS))).await;
    assert_eq!(ignored.uris, [CHOSEN_BY_THE_CSR], "a template without passthrough ignores it");
}

#[tokio::test]
async fn the_template_decides_what_a_certificate_is_good_for() {
    let client = client().await;
    let by_default = request(&client, CLIENT_AUTH).await.set_template_arn(None);
    for (request, server, may_client) in [
        (request(&client, CLIENT_AUTH).await, false, true),
        (request(&client, SERVER_AUTH).await, true, false),
        (by_default, true, true),
    ] {
        let said = issue(&client, request).await;
        assert_eq!((said.server, said.client), (server, may_client));
    }
    let unknown = request(&client, "arn:aws:acm-pca:::template/Nonesuch/V1").await.send().await.unwrap_err();
    assert_eq!(unknown.code(), Some("InvalidArgsException"));
}

#[tokio::test]
async fn validity_is_honoured_and_starts_an_hour_ago() {
    let client = client().await;
    let week = issue(&client, request(&client, CLIENT_AUTH).await).await;
    assert!(near(week.not_before, now() - 3600), "{week:?}");
    assert!(near(week.not_after, now() + 7 * DAY), "{week:?}");
    let end = now() + 90;
    let absolute = request(&client, CLIENT_AUTH).await.validity(validity(ValidityPeriodType::Absolute, end));
    assert_eq!(issue(&client, absolute).await.not_after, end);
    for (kind, value) in
        [(ValidityPeriodType::Days, 0), (ValidityPeriodType::Absolute, now() - 5), (ValidityPeriodType::Years, 20)]
    {
        let refused = request(&client, CLIENT_AUTH).await.validity(validity(kind, value)).send().await.unwrap_err();
        assert_eq!(refused.code(), Some("ValidationException"), "{value}");
    }
}

#[tokio::test]
async fn keys_are_of_the_type_that_was_asked_for() {
    let client = client().await;
    let root = der_of_root(authority().await);
    let (_, root) = X509Certificate::from_der(&root).unwrap();
    assert!(root.is_ca());
    let key = root.public_key().algorithm.parameters.clone().unwrap();
    assert_eq!(key.as_oid().unwrap().to_id_string(), "1.2.840.10045.3.1.7", "P-256");
    let wrong = request(&client, CLIENT_AUTH).await.signing_algorithm(SigningAlgorithm::Sha256Withrsa);
    assert_eq!(wrong.send().await.unwrap_err().code(), Some("InvalidArgsException"));
}

#[tokio::test]
async fn a_certificate_is_issued_after_a_while_and_once_per_token() {
    let client = client().await;
    let authority = &authority().await.arn;
    let tokens = ["token-1", "token-1", "token-2"];
    let mut arns = Vec::new();
    for token in tokens {
        let issued = request(&client, CLIENT_AUTH).await.idempotency_token(token).send().await.unwrap();
        arns.push(issued.certificate_arn.unwrap());
    }
    assert_eq!(arns[0], arns[1]);
    assert_ne!(arns[0], arns[2]);
    let early = client.get_certificate().certificate_authority_arn(authority).certificate_arn(&arns[2]);
    assert_eq!(early.send().await.unwrap_err().code(), Some("RequestInProgressException"));
    let pem = fetch(&client, &arns[2]).await;
    assert!(!arns[2].contains(&said(&pem).serial.replace(':', "")), "the ARN is not the serial number");
    let long = request(&client, CLIENT_AUTH).await.idempotency_token("t".repeat(37)).send().await.unwrap_err();
    assert_eq!(long.code(), Some("ValidationException"));
    let nobody = client
        .get_certificate()
        .certificate_authority_arn(authority)
        .certificate_arn(format!("{authority}/certificate/0"));
    assert_eq!(nobody.send().await.unwrap_err().code(), Some("ResourceNotFoundException"));
    let garbage = request(&client, CLIENT_AUTH).await.csr(Blob::new("no csr")).send().await.unwrap_err();
    assert_eq!(garbage.code(), Some("MalformedCSRException"));
}

#[tokio::test]
async fn a_revoked_certificate_is_in_a_crl_with_a_higher_number() {
    let client = client().await;
    let (first, second) = (
        issue(&client, request(&client, CLIENT_AUTH).await).await,
        issue(&client, request(&client, CLIENT_AUTH).await).await,
    );
    let (number, serials) = crl().await;
    assert!(!serials.contains(&first.serial), "{serials:?}");
    revoke(&client, &first.serial.to_uppercase()).await.unwrap();
    revoke(&client, &second.serial.replace(':', "")).await.unwrap();
    let (later, serials) = crl().await;
    assert!(later >= number + 2, "{later} after {number}");
    assert!(serials.contains(&first.serial) && serials.contains(&second.serial), "{serials:?}");
}

#[tokio::test]
async fn what_cannot_be_revoked_says_why() {
    let client = client().await;
    let issued = issue(&client, request(&client, CLIENT_AUTH).await).await;
    revoke(&client, &issued.serial).await.unwrap();
    assert_eq!(revoke(&client, &issued.serial).await.unwrap_err(), "RequestAlreadyProcessedException");
    let without_colons = issued.serial.replace(':', "");
    assert_eq!(revoke(&client, &without_colons).await.unwrap_err(), "RequestAlreadyProcessedException");
    assert_eq!(revoke(&client, "0a:1b:2c").await.unwrap_err(), "ResourceNotFoundException");
    assert_eq!(revoke(&client, "not hex").await.unwrap_err(), "InvalidRequestException");
    let root = der_of_root(authority().await);
    let root = X509Certificate::from_der(&root).unwrap().1.raw_serial_as_string();
    assert_eq!(revoke(&client, &root).await.unwrap_err(), "InvalidRequestException");
}
