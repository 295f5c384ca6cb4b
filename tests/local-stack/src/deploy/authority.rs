//! A private certificate authority, from nothing to active.

use std::time::{Duration, Instant};

use aws_sdk_acmpca::Client;
use aws_sdk_acmpca::error::SdkError;
use aws_sdk_acmpca::operation::get_certificate::GetCertificateError;
use aws_sdk_acmpca::primitives::Blob;
use aws_sdk_acmpca::types::{
    Asn1Subject, CertificateAuthorityConfiguration, CertificateAuthorityType, CrlConfiguration, KeyAlgorithm,
    RevocationConfiguration, SigningAlgorithm, Validity, ValidityPeriodType,
};

use super::{DeployError, aws, missing};
use crate::stack::LocalStack;

/// The template of a root's own certificate.
const ROOT: &str = "arn:aws:acm-pca:::template/RootCACertificate/V1";
const ROOT_YEARS: i64 = 10;
const CRL_DAYS: i32 = 7;
const ISSUED_WITHIN: Duration = Duration::from_secs(30);
const ASK_AGAIN_AFTER: Duration = Duration::from_millis(50);

/// A private certificate authority that is active.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateAuthority {
    pub arn: String,
    /// The root certificate.
    pub certificate_pem: String,
    /// The bucket with its CRL (DER), which exists once a first certificate was issued; [`LocalStack::object`] reads it.
    pub crl_bucket: String,
    pub crl_key: String,
}

/// A certificate that a certificate authority issued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuedCertificate {
    pub certificate_pem: String,
    /// The issuing authority's certificate and those above it; empty for a root.
    pub chain_pem: String,
}

/// A root CA (P-256, CRL in S3) that is active, with its self-signed certificate installed.
pub async fn certificate_authority(stack: &LocalStack, common_name: &str) -> Result<CertificateAuthority, DeployError> {
    let client = Client::new(&stack.sdk_config(&stack.provider()).await);
    let crl_bucket = format!("crls-{}", stack.provider());
    stack.create_bucket(&crl_bucket).await?;
    let arn = create(&client, common_name, &crl_bucket).await?;
    let certificate_pem = sign_itself(&client, &arn).await?;
    let import = client.import_certificate_authority_certificate().certificate_authority_arn(&arn);
    let import = import.certificate(Blob::new(certificate_pem.as_bytes()));
    import.send().await.map_err(aws("the certificate authority active"))?;
    let id = arn.rsplit('/').next().unwrap_or_default();
    let crl_key = format!("crl/{id}.crl");
    Ok(CertificateAuthority { certificate_pem, crl_bucket, crl_key, arn })
}

async fn create(client: &Client, common_name: &str, crl_bucket: &str) -> Result<String, DeployError> {
    let what = "the certificate authority";
    let configuration = CertificateAuthorityConfiguration::builder()
        .key_algorithm(KeyAlgorithm::EcPrime256v1)
        .signing_algorithm(SigningAlgorithm::Sha256Withecdsa)
        .subject(Asn1Subject::builder().common_name(common_name).build())
        .build()
        .map_err(aws(what))?;
    let crl = CrlConfiguration::builder().enabled(true).s3_bucket_name(crl_bucket).expiration_in_days(CRL_DAYS);
    let crl = crl.build().map_err(aws(what))?;
    let authority = client
        .create_certificate_authority()
        .certificate_authority_type(CertificateAuthorityType::Root)
        .certificate_authority_configuration(configuration)
        .revocation_configuration(RevocationConfiguration::builder().crl_configuration(crl).build())
        .send()
        .await
        .map_err(aws(what))?;
    authority.certificate_authority_arn.ok_or_else(|| missing(what, "ARN"))
}

/// The root certificate, as PEM.
async fn sign_itself(client: &Client, arn: &str) -> Result<String, DeployError> {
    let what = "the root certificate";
    let csr = client.get_certificate_authority_csr().certificate_authority_arn(arn).send().await.map_err(aws(what))?;
    let csr = csr.csr.ok_or_else(|| missing(what, "CSR"))?;
    let validity =
        Validity::builder().r#type(ValidityPeriodType::Years).value(ROOT_YEARS).build().map_err(aws(what))?;
    let issued = client
        .issue_certificate()
        .certificate_authority_arn(arn)
        .csr(Blob::new(csr))
        .signing_algorithm(SigningAlgorithm::Sha256Withecdsa)
        .template_arn(ROOT)
        .validity(validity)
        .send()
        .await
        .map_err(aws(what))?;
    let certificate_arn = issued.certificate_arn.ok_or_else(|| missing(what, "ARN"))?;
    Ok(issued_certificate(client, arn, &certificate_arn).await?.certificate_pem)
}

/// Waits until a certificate was issued. As `wait_until_certificate_issued`, which sleeps three seconds at least.
pub async fn issued_certificate(
    client: &Client,
    authority_arn: &str,
    certificate_arn: &str,
) -> Result<IssuedCertificate, DeployError> {
    let what = format!("the certificate `{certificate_arn}`");
    let began = Instant::now();
    loop {
        let get = client.get_certificate().certificate_authority_arn(authority_arn).certificate_arn(certificate_arn);
        match get.send().await {
            Ok(issued) => {
                let certificate_pem = issued.certificate.ok_or_else(|| missing(&what, "certificate"))?;
                return Ok(IssuedCertificate {
                    certificate_pem,
                    chain_pem: issued.certificate_chain.unwrap_or_default(),
                });
            }
            Err(error) if began.elapsed() < ISSUED_WITHIN && in_progress(&error) => {
                tokio::time::sleep(ASK_AGAIN_AFTER).await;
            }
            Err(error) => return Err(aws(what)(error)),
        }
    }
}

fn in_progress(error: &SdkError<GetCertificateError>) -> bool {
    error.as_service_error().is_some_and(GetCertificateError::is_request_in_progress_exception)
}
