//! Certificates of the demo: keys are made here and never leave this machine, the certificate authority signs.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail};
use aws_sdk_acmpca::Client;
use aws_sdk_acmpca::client::Waiters as _;
use aws_sdk_acmpca::primitives::Blob;
use aws_sdk_acmpca::types::{ApiPassthrough, Extensions, GeneralName, SigningAlgorithm, Validity, ValidityPeriodType};
use local_stack::LocalStack;
use local_stack::deploy::CertificateAuthority;
use policy::SpiffeId;
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair};
use uuid::Uuid;

/// The name under which callers know the API; a private zone in the consumer's VPC would point it at the endpoint.
pub(crate) const SERVER_NAME: &str = "api.internal.example";

/// How long one issuance may take.
const ISSUANCE: Duration = Duration::from_secs(60);

/// A certificate with its key, as files.
#[derive(Clone, Debug)]
pub(crate) struct Credentials {
    /// The certificate and the chain up to the root, in PEM.
    pub(crate) chain: PathBuf,
    /// The private key in PEM, for its owner's eyes only.
    pub(crate) key: PathBuf,
}

/// Issues certificates of one certificate authority into one folder.
#[derive(Debug)]
pub(crate) struct Issuer<'a> {
    pub(crate) client: Client,
    pub(crate) authority_arn: &'a str,
    pub(crate) folder: &'a Path,
}

/// What the certificate is for; decides the template.
enum Purpose<'a> {
    /// The identity goes in by `ApiPassthrough`, so that the author of the request does not choose it.
    Client(&'a SpiffeId),
    Server,
}

impl Issuer<'_> {
    /// A client certificate for `identity`, valid for a day.
    pub(crate) async fn client(&self, file: &str, identity: &SpiffeId) -> anyhow::Result<Credentials> {
        let request = CertificateParams::default();
        self.issue(file, request, Purpose::Client(identity))
            .await
            .with_context(|| format!("no certificate for `{identity}`"))
    }

    /// The runtime's certificate for [`SERVER_NAME`].
    pub(crate) async fn server(&self, file: &str) -> anyhow::Result<Credentials> {
        // Under the second name the rotator tries certificates: nothing here resolves the first.
        let request = CertificateParams::new([SERVER_NAME.to_owned(), "localhost".to_owned()])?;
        self.issue(file, request, Purpose::Server).await.with_context(|| format!("no certificate for `{SERVER_NAME}`"))
    }

    async fn issue(
        &self,
        file: &str,
        mut request: CertificateParams,
        purpose: Purpose<'_>,
    ) -> anyhow::Result<Credentials> {
        let key = KeyPair::generate()?;
        request.distinguished_name = DistinguishedName::new();
        request.distinguished_name.push(DnType::CommonName, file);
        let request = request.serialize_request(&key)?.pem()?;
        let certificate_arn = self.ask(request, purpose).await?;
        let waited = self.client.wait_until_certificate_issued();
        waited.certificate_authority_arn(self.authority_arn).certificate_arn(&certificate_arn).wait(ISSUANCE).await?;
        let issued = self
            .client
            .get_certificate()
            .certificate_authority_arn(self.authority_arn)
            .certificate_arn(certificate_arn)
            .send()
            .await?;
        let (Some(certificate), Some(chain)) = (issued.certificate(), issued.certificate_chain()) else {
            bail!("the certificate authority answered without a certificate or its chain");
        };
        let chain = format!("{}\n{}\n", certificate.trim(), chain.trim());
        store(self.folder, file, &chain, &key.serialize_pem())
    }

    async fn ask(&self, request: String, purpose: Purpose<'_>) -> anyhow::Result<String> {
        let (template, passthrough) = match purpose {
            Purpose::Client(identity) => ("EndEntityClientAuthCertificate_APIPassthrough", Some(uri_name(identity)?)),
            Purpose::Server => ("EndEntityServerAuthCertificate", None),
        };
        let issued = self
            .client
            .issue_certificate()
            .certificate_authority_arn(self.authority_arn)
            .csr(Blob::new(request))
            .signing_algorithm(SigningAlgorithm::Sha256Withecdsa)
            .template_arn(format!("arn:aws:acm-pca:::template/{template}/V1"))
            .set_api_passthrough(passthrough)
            .validity(Validity::builder().value(1).r#type(ValidityPeriodType::Days).build()?)
            .idempotency_token(Uuid::new_v4().simple().to_string())
            .send()
            .await?;
        issued.certificate_arn.context("the certificate authority answered without the certificate's ARN")
    }
}

fn uri_name(identity: &SpiffeId) -> anyhow::Result<ApiPassthrough> {
    let name = GeneralName::builder().uniform_resource_identifier(identity.as_str()).build();
    Ok(ApiPassthrough::builder().extensions(Extensions::builder().subject_alternative_names(name).build()).build())
}

/// A certificate for the same identity by an authority that nobody here trusts.
pub(crate) fn foreign(folder: &Path, file: &str, identity: &SpiffeId) -> anyhow::Result<Credentials> {
    let key = KeyPair::generate()?;
    let mut request = CertificateParams::default();
    request.subject_alt_names.push(rcgen::SanType::URI(identity.as_str().try_into()?));
    request.extended_key_usages.push(rcgen::ExtendedKeyUsagePurpose::ClientAuth);
    let certificate = request.self_signed(&key)?;
    store(folder, file, &certificate.pem(), &key.serialize_pem())
}

/// Fetches the authority's CRL from S3 and puts it where the runtime reads it, in one move.
pub(crate) async fn fetch_crl(stack: &LocalStack, authority: &CertificateAuthority, crl: &Path) -> anyhow::Result<()> {
    let content =
        stack.object(&authority.crl_bucket, &authority.crl_key).await.context("the authority has no CRL yet")?;
    let new = crl.with_extension("new");
    std::fs::write(&new, content)?;
    Ok(std::fs::rename(&new, crl)?)
}

/// Writes a certificate with its chain and its key, which is for its owner's eyes only.
pub(crate) fn store(folder: &Path, file: &str, chain: &str, key: &str) -> anyhow::Result<Credentials> {
    let credentials =
        Credentials { chain: folder.join(format!("{file}.crt")), key: folder.join(format!("{file}.key")) };
    std::fs::write(&credentials.chain, chain)?;
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&credentials.key)?;
    file.write_all(key.as_bytes())?;
    Ok(credentials)
}
