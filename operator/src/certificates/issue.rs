//! `linkward certificates issue`.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use aws_config::SdkConfig;
use aws_sdk_acmpca::Client;
use aws_sdk_acmpca::client::Waiters as _;
use aws_sdk_acmpca::primitives::Blob;
use aws_sdk_acmpca::types::{ApiPassthrough, Extensions, GeneralName, SigningAlgorithm, Validity, ValidityPeriodType};
use aws_sdk_dynamodb::types::AttributeValue;
use policy::sortable_time;
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, PublicKeyData as _};
use serde_json::json;

use super::certificate::{self, Facts};
use super::files::Files;
use crate::aws::{self, explained};
use crate::cli::Issue;
use crate::output::{self, Screen};

/// clientAuth alone, and the identity by `ApiPassthrough`: the default template also grants serverAuth.
const TEMPLATE: &str = "acm-pca:::template/EndEntityClientAuthCertificate_APIPassthrough/V1";
/// How long one issuance may take.
const WITHIN: Duration = Duration::from_secs(120);

/// `certificates issue`.
pub(crate) fn issue(issue: &Issue, screen: &Screen) -> anyhow::Result<ExitCode> {
    let workload = issue.identity.path().rsplit('/').next().unwrap_or_default();
    let name = issue.name.as_deref().unwrap_or(workload);
    let files = Files::new(&issue.out, name)?;
    let key = KeyPair::generate().context("no key can be made")?;
    let issued = aws::block_on(async {
        let sdk = aws::config().await;
        let (arn, certificate, chain) = certificate_for(&sdk, issue, name, &key).await?;
        let facts = match certificate::check(&certificate, &issue.identity, &key.subject_public_key_info()) {
            Ok(facts) => facts,
            Err(mismatch) => return Ok(Err((arn, mismatch))),
        };
        // Before the key is kept: what is not in the inventory cannot be revoked by its identity.
        if !issue.no_inventory {
            record(&sdk, issue, &arn, &facts).await?;
        }
        files.write(&format!("{}\n{}\n", certificate.trim(), chain.trim()), &key.serialize_pem())?;
        anyhow::Ok(Ok((arn, facts)))
    })?;
    match issued {
        Ok((arn, facts)) => tell(&arn, &facts, &files, screen),
        Err((arn, mismatch)) => {
            output::complain(&format!(
                "linkward: `{arn}` is not used: {mismatch}; revoke it, and look at who may change the template"
            ));
            return Ok(ExitCode::from(1));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn tell(arn: &str, facts: &Facts, files: &Files, screen: &Screen) {
    if screen.is_json() {
        output::say_json(&json!({
            "certificateArn": arn,
            "serialNumber": facts.serial_number,
            "notAfter": facts.not_after.to_string(),
            "certificate": files.chain,
            "privateKey": files.key,
        }));
        return;
    }
    let row = |name: &str, value: String| vec![name.into(), value.into()];
    screen.rows(
        "",
        &[
            row("serial number", facts.serial_number.to_string()),
            row("valid until", facts.not_after.to_string()),
            row("certificate", files.chain.display().to_string()),
            row("private key", files.key.display().to_string()),
        ],
    );
}

/// ARN, certificate and chain.
async fn certificate_for(
    sdk: &SdkConfig,
    issue: &Issue,
    name: &str,
    key: &KeyPair,
) -> anyhow::Result<(String, String, String)> {
    let authority = issue.authority.arn();
    let client = Client::new(sdk);
    let arn = ask(&client, issue, name, key).await.with_context(|| format!("`{authority}` issues no certificate"))?;
    let waited = client.wait_until_certificate_issued().certificate_authority_arn(authority).certificate_arn(&arn);
    waited.wait(WITHIN).await.with_context(|| format!("`{arn}` was not issued within {} s", WITHIN.as_secs()))?;
    let issued = client.get_certificate().certificate_authority_arn(authority).certificate_arn(&arn).send().await;
    let issued = issued.map_err(explained).with_context(|| format!("`{arn}` cannot be fetched"))?;
    let (Some(certificate), Some(chain)) = (issued.certificate, issued.certificate_chain) else {
        anyhow::bail!("`{authority}` answered without the certificate or its chain");
    };
    Ok((arn, certificate, chain))
}

async fn ask(client: &Client, issue: &Issue, name: &str, key: &KeyPair) -> anyhow::Result<String> {
    let mut request = CertificateParams::default();
    request.distinguished_name = DistinguishedName::new();
    request.distinguished_name.push(DnType::CommonName, name);
    let request = request.serialize_request(key)?.pem()?;
    let identity = GeneralName::builder().uniform_resource_identifier(issue.identity.as_str()).build();
    let passthrough =
        ApiPassthrough::builder().extensions(Extensions::builder().subject_alternative_names(identity).build()).build();
    let validity = Validity::builder().value(issue.days.into()).r#type(ValidityPeriodType::Days).build()?;
    let issued = client
        .issue_certificate()
        .certificate_authority_arn(issue.authority.arn())
        .csr(Blob::new(request))
        .signing_algorithm(algorithm(client, issue.authority.arn()).await?)
        .template_arn(template(issue.authority.arn())?)
        .api_passthrough(passthrough)
        .validity(validity)
        .idempotency_token(uuid::Uuid::new_v4().simple().to_string())
        .send()
        .await
        .map_err(explained)?;
    issued.certificate_arn.context("the answer lacks the certificate's ARN")
}

/// The template in the authority's own partition: `aws`, `aws-cn`, `aws-us-gov` …
pub(crate) fn template(authority: &str) -> anyhow::Result<String> {
    match authority.split(':').collect::<Vec<_>>().as_slice() {
        ["arn", partition, "acm-pca", ..] => Ok(format!("arn:{partition}:{TEMPLATE}")),
        _ => anyhow::bail!("`{authority}` is not the ARN of a certificate authority of ACM Private CA"),
    }
}

/// The one that the authority's key can make; another family is refused.
pub(crate) async fn algorithm(client: &Client, authority: &str) -> anyhow::Result<SigningAlgorithm> {
    let described = client.describe_certificate_authority().certificate_authority_arn(authority).send().await;
    let described = described.map_err(explained)?.certificate_authority;
    let configuration = described.and_then(|authority| authority.certificate_authority_configuration);
    configuration.map(|configuration| configuration.signing_algorithm).context("the authority's algorithm is not known")
}

/// A row as the certificate-rotator writes it, so that revoking the identity finds it.
async fn record(sdk: &SdkConfig, issue: &Issue, arn: &str, facts: &Facts) -> anyhow::Result<()> {
    let table = &issue.inventory.inventory_table;
    let mut put = aws_sdk_dynamodb::Client::new(sdk).put_item().table_name(table);
    for (name, value) in [
        ("serialNumber", facts.serial_number.to_string()),
        ("identity", issue.identity.to_string()),
        ("kind", "client".to_owned()),
        ("certificateArn", arn.to_owned()),
        ("notBefore", sortable_time(facts.not_before)),
        ("notAfter", sortable_time(facts.not_after)),
    ] {
        put = put.item(name, AttributeValue::S(value));
    }
    let written = put.send().await.map_err(explained);
    written.map(drop).with_context(|| {
        format!(
            "`{arn}` was issued and cannot be recorded in the table `{table}`: no file was written, the key is gone. Give the right \
             `--inventory-table`, or `--no-inventory` for a certificate that revoking its identity does not find"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_template_is_of_the_authoritys_partition() {
        let arn = |partition: &str| format!("arn:{partition}:acm-pca:x-1:111122223333:certificate-authority/0");
        for partition in ["aws", "aws-cn", "aws-us-gov"] {
            let template = template(&arn(partition)).unwrap();
            assert_eq!(template, format!("arn:{partition}:{TEMPLATE}"));
        }
        assert!(template("arn:aws:acm:x-1:111122223333:certificate/0").is_err());
    }
}
