//! ACM Private CA: issues, hands out what it issued, and revokes.

use aws_sdk_acmpca::Client;
use aws_sdk_acmpca::error::BuildError;
use aws_sdk_acmpca::primitives::Blob;
use aws_sdk_acmpca::types::{
    ApiPassthrough, Extensions, GeneralName, RevocationReason, SigningAlgorithm, Validity, ValidityPeriodType,
};
use policy::{AuthorityArn, SerialNumber, Timestamp};
use telemetry::{CallError, Deadline};
use tokio::sync::OnceCell;

use crate::document::Draft;
use crate::purpose::{Kind, Purpose};
use crate::quiet::quiet;

/// Templates that grant one usage only, and take the names from us, not from the certificate signing request.
/// <https://docs.aws.amazon.com/privateca/latest/userguide/template-definitions.html>
const CLIENT: &str = "EndEntityClientAuthCertificate_APIPassthrough";
const SERVER: &str = "EndEntityServerAuthCertificate_APIPassthrough";

/// What passes: the certificate is not ready, or the authority is busy.
const PASSES: &[&str] = &["RequestInProgressException", "ConcurrentModificationException", "ThrottlingException"];

#[derive(Debug)]
pub(crate) struct Authority {
    client: Client,
    /// Of the one authority that we issue at; it never changes.
    algorithm: OnceCell<SigningAlgorithm>,
}

/// What was issued, as PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Issued {
    pub(crate) certificate: String,
    /// The issuing authority's certificate, then those above it.
    pub(crate) chain: String,
}

/// A call to ACM Private CA that failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("acm-pca:{operation} failed: {cause}")]
pub struct AuthorityError {
    /// Which one.
    pub operation: &'static str,
    /// Why.
    pub cause: CallError,
}

impl Authority {
    pub(crate) fn new(client: Client) -> Self {
        Self { client, algorithm: OnceCell::new() }
    }

    /// The certificate's ARN. Asked again within five minutes it is the same one; all that is sent comes from the
    /// draft, so that nothing differs.
    pub(crate) async fn issue(&self, draft: &Draft, by: Deadline) -> Result<String, AuthorityError> {
        let algorithm = self.signing_algorithm(&draft.certificate_authority_arn, by).await?;
        let call = async || {
            let issue = self
                .client
                .issue_certificate()
                .certificate_authority_arn(draft.certificate_authority_arn.as_str())
                .csr(Blob::new(draft.certificate_signing_request.as_bytes()))
                .signing_algorithm(algorithm.clone())
                .template_arn(template(draft))
                .api_passthrough(passthrough(&draft.purpose))
                .validity_not_before(absolute(draft.requested_not_before)?)
                .validity(absolute(draft.requested_not_after)?)
                .idempotency_token(draft.idempotency_token());
            let answer = quiet(by, issue.send()).await?;
            answer.certificate_arn.ok_or_else(|| incomplete("no certificate ARN"))
        };
        retried(by, "IssueCertificate", call).await
    }

    /// Must go with the authority's own key, so it is the authority's own.
    async fn signing_algorithm(
        &self,
        authority: &AuthorityArn,
        by: Deadline,
    ) -> Result<&SigningAlgorithm, AuthorityError> {
        let call = async || {
            let describe = self.client.describe_certificate_authority().certificate_authority_arn(authority.as_str());
            let answer = quiet(by, describe.send()).await?;
            let described = answer.certificate_authority.and_then(|it| it.certificate_authority_configuration);
            described.map(|it| it.signing_algorithm).ok_or_else(|| incomplete("no configuration of the authority"))
        };
        self.algorithm.get_or_try_init(async || retried(by, "DescribeCertificateAuthority", call).await).await
    }

    /// Waits until it is issued.
    pub(crate) async fn fetch(
        &self,
        authority: &AuthorityArn,
        certificate_arn: &str,
        by: Deadline,
    ) -> Result<Issued, AuthorityError> {
        let call = async || {
            let fetch = self.client.get_certificate().certificate_authority_arn(authority.as_str());
            let answer = quiet(by, fetch.certificate_arn(certificate_arn).send()).await?;
            match (answer.certificate, answer.certificate_chain) {
                (Some(certificate), Some(chain)) => Ok(Issued { certificate, chain }),
                _ => Err(incomplete("no certificate, or no chain")),
            }
        };
        retried(by, "GetCertificate", call).await
    }

    /// For good; already revoked is success.
    pub(crate) async fn revoke(
        &self,
        authority: &AuthorityArn,
        serial_number: &SerialNumber,
        by: Deadline,
    ) -> Result<(), AuthorityError> {
        let digits = serial_number.as_str();
        // Hex of whole bytes: our canonical form has no leading zero.
        let whole_bytes = if digits.len().is_multiple_of(2) { digits.to_owned() } else { format!("0{digits}") };
        let call = async || {
            let revoke = self.client.revoke_certificate().certificate_authority_arn(authority.as_str());
            let revoke = revoke.certificate_serial(&whole_bytes).revocation_reason(RevocationReason::Superseded);
            quiet(by, revoke.send()).await
        };
        match retried(by, "RevokeCertificate", call).await {
            Err(error) if error.cause.code != "RequestAlreadyProcessedException" => Err(error),
            _ => Ok(()),
        }
    }
}

async fn retried<T>(
    by: Deadline,
    operation: &'static str,
    call: impl AsyncFnMut() -> Result<T, CallError>,
) -> Result<T, AuthorityError> {
    let outcome = by.retry(|error| PASSES.contains(&error.code.as_str()), call).await;
    outcome.map_err(|cause| AuthorityError { operation, cause })
}

/// In the authority's partition: `arn:aws:acm-pca:::template/…`.
fn template(draft: &Draft) -> String {
    let partition = draft.certificate_authority_arn.as_str().split(':').nth(1).unwrap_or("aws");
    let name = match draft.purpose.kind {
        Kind::Client => CLIENT,
        Kind::Server => SERVER,
    };
    format!("arn:{partition}:acm-pca:::template/{name}/V1")
}

fn passthrough(purpose: &Purpose) -> ApiPassthrough {
    let uri = purpose.identity.iter().map(|id| GeneralName::builder().uniform_resource_identifier(id.as_str()).build());
    let dns = purpose.dns_names.iter().map(|name| GeneralName::builder().dns_name(name).build());
    let extensions = Extensions::builder().set_subject_alternative_names(Some(uri.chain(dns).collect())).build();
    ApiPassthrough::builder().extensions(extensions).build()
}

fn absolute(time: Timestamp) -> Result<Validity, CallError> {
    let validity = Validity::builder().r#type(ValidityPeriodType::Absolute).value(time.as_second()).build();
    validity.map_err(|error: BuildError| incomplete(&error.to_string()))
}

fn incomplete(what: &str) -> CallError {
    CallError { code: "badAnswer".to_owned(), message: what.to_owned() }
}
