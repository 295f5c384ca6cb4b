//! `certificates issue` by an authority whose key is RSA: what it signs with is its own matter.

use aws_sdk_acmpca::Client;
use aws_sdk_acmpca::primitives::Blob;
use aws_sdk_acmpca::types::{
    Asn1Subject, CertificateAuthorityConfiguration, CertificateAuthorityType, KeyAlgorithm, SigningAlgorithm, Validity,
    ValidityPeriodType,
};

use crate::ALICE;
use crate::stage::Stage;

pub(crate) async fn an_authority_of_another_kind_issues_too(stage: &Stage) {
    let client = Client::new(&stage.stack.sdk_config(&stage.stack.provider()).await);
    let configuration = CertificateAuthorityConfiguration::builder()
        .key_algorithm(KeyAlgorithm::Rsa2048)
        .signing_algorithm(SigningAlgorithm::Sha256Withrsa)
        .subject(Asn1Subject::builder().common_name("RSA root").build())
        .build()
        .unwrap();
    let made = client.create_certificate_authority().certificate_authority_type(CertificateAuthorityType::Root);
    let made = made.certificate_authority_configuration(configuration).send().await.unwrap();
    let arn = made.certificate_authority_arn.unwrap();
    let csr = client.get_certificate_authority_csr().certificate_authority_arn(&arn).send().await.unwrap().csr.unwrap();
    let issued = client
        .issue_certificate()
        .certificate_authority_arn(&arn)
        .csr(Blob::new(csr))
        .signing_algorithm(SigningAlgorithm::Sha256Withrsa)
        .template_arn("arn:aws:acm-pca:::template/RootCACertificate/V1")
        .validity(Validity::builder().r#type(ValidityPeriodType::Years).value(1).build().unwrap())
        .send()
        .await
        .unwrap();
    let root = local_stack::deploy::issued_certificate(&client, &arn, &issued.certificate_arn.unwrap()).await.unwrap();
    let import = client.import_certificate_authority_certificate().certificate_authority_arn(&arn);
    import.certificate(Blob::new(root.certificate_pem)).send().await.unwrap();
    let issue = ["certificates", "issue", "--identity", ALICE, "--out", "rsa", "--no-inventory", "--authority", &arn];
    let issued = stage.json(&issue).await;
    assert!(issued["certificateArn"].as_str().unwrap().starts_with(&arn), "{issued:#}");
    let (code, _, stderr) =
        stage.linkward(&[&issue[..7], &["--name", "x", "--authority", "arn:aws:acm:x"]].concat()).await;
    assert_eq!(code, Some(2), "{stderr}");
}
