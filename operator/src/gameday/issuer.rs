//! Certificates of the test identity: by the target's own authority, or by one that nobody trusts.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use aws_config::SdkConfig;
use aws_sdk_acmpca::Client;
use aws_sdk_acmpca::client::Waiters as _;
use aws_sdk_acmpca::primitives::Blob;
use aws_sdk_acmpca::types::{ApiPassthrough, Extensions, GeneralName, Validity, ValidityPeriodType};
use policy::{SerialNumber, SpiffeId, Timestamp};
use rcgen::{CertificateParams, DistinguishedName, KeyPair};

use crate::aws::explained;
use crate::certificates;
use crate::demo::certificates::{Credentials, store};

/// How long one issuance may take.
const WITHIN: Duration = Duration::from_secs(60);
/// What is left of a certificate when a game day ends ends by itself: PCA issues for no less than a day unless told the second.
const LIFE: Duration = Duration::from_secs(4 * 3600);

/// Since when and until when.
#[derive(Clone, Copy, Debug)]
pub(super) struct Period {
    pub(super) from: Option<Timestamp>,
    pub(super) until: Timestamp,
}

impl Period {
    /// From now on, for the length of a game day.
    pub(super) fn usual() -> Self {
        Self { from: None, until: Timestamp::now() + LIFE }
    }
}

/// A certificate with its key, and its serial number.
#[derive(Clone, Debug)]
pub(super) struct Issued {
    pub(super) credentials: Credentials,
    pub(super) serial: SerialNumber,
    pub(super) not_after: Timestamp,
}

/// Issues into one folder, which goes at the end.
#[derive(Debug)]
pub(super) struct Issuer {
    client: Client,
    authority: String,
    folder: PathBuf,
}

impl Issuer {
    pub(super) fn new(sdk: &SdkConfig, authority: &str, folder: &Path) -> Self {
        Self { client: Client::new(sdk), authority: authority.to_owned(), folder: folder.to_owned() }
    }

    /// A client certificate of the target's authority.
    pub(super) async fn issue(&self, file: &str, identity: &SpiffeId, period: Period) -> anyhow::Result<Issued> {
        let key = KeyPair::generate()?;
        let arn = self.ask(&key, identity, period).await.with_context(|| format!("no certificate for `{identity}`"))?;
        let waited = self.client.wait_until_certificate_issued().certificate_authority_arn(&self.authority);
        waited.certificate_arn(&arn).wait(WITHIN).await.with_context(|| format!("`{arn}` was not issued in time"))?;
        let get = self.client.get_certificate().certificate_authority_arn(&self.authority).certificate_arn(&arn);
        let issued = get.send().await.map_err(explained)?;
        let certificate = issued.certificate.context("an answer without the certificate")?;
        let chain = issued.certificate_chain.unwrap_or_default();
        let facts = certificates::facts(&certificate)?;
        let credentials =
            store(&self.folder, file, &format!("{}\n{}\n", certificate.trim(), chain.trim()), &key.serialize_pem())?;
        Ok(Issued { credentials, serial: facts.serial_number, not_after: facts.not_after })
    }

    async fn ask(&self, key: &KeyPair, identity: &SpiffeId, period: Period) -> anyhow::Result<String> {
        let mut request = CertificateParams::default();
        request.distinguished_name = DistinguishedName::new();
        let request = request.serialize_request(key)?.pem()?;
        let name = GeneralName::builder().uniform_resource_identifier(identity.as_str()).build();
        let names = Extensions::builder().subject_alternative_names(name).build();
        let moment =
            |at: Timestamp| Validity::builder().value(at.as_second()).r#type(ValidityPeriodType::Absolute).build();
        let issued = self
            .client
            .issue_certificate()
            .certificate_authority_arn(&self.authority)
            .csr(Blob::new(request))
            .signing_algorithm(certificates::algorithm(&self.client, &self.authority).await?)
            .template_arn(certificates::template(&self.authority)?)
            .api_passthrough(ApiPassthrough::builder().extensions(names).build())
            .validity(moment(period.until)?)
            .set_validity_not_before(period.from.map(moment).transpose()?)
            .idempotency_token(uuid::Uuid::new_v4().simple().to_string())
            .send()
            .await
            .map_err(explained)?;
        issued.certificate_arn.context("an answer without the certificate's ARN")
    }
}
