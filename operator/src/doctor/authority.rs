//! The certificate authorities, and their CRLs.

use aws_sdk_acmpca::Client;
use aws_sdk_acmpca::types::{CertificateAuthority, CertificateAuthorityStatus};
use policy::Timestamp;

use super::Aws;
use super::check::{Examination, Finding, worst};
use crate::aws::explained;
use crate::certificates::Crl;
use crate::output;

/// Certificates live for 30 days at most, and a new authority takes weeks to be trusted everywhere.
const AUTHORITY_SECONDS: i64 = 90 * 86_400;
/// AWS makes a new CRL long before.
const CRL_SECONDS: i64 = 86_400;

pub(super) async fn examine(aws: &Aws, authorities: &[String], examination: &mut Examination) {
    if authorities.is_empty() {
        examination.skip(&["certificateAuthority", "crl"], "no certificate authority is named; add `--authorities`");
        return;
    }
    examination.simple("certificateAuthority", check(aws, authorities)).await;
    examination.simple("crl", crls(aws, authorities)).await;
}

async fn check(aws: &Aws, authorities: &[String]) -> Result<Finding, Finding> {
    let client = Client::new(&aws.sdk);
    let mut findings = Vec::new();
    for arn in authorities {
        let described = client.describe_certificate_authority().certificate_authority_arn(arn).send().await;
        let described = described.map_err(explained).map_err(|error| {
            Finding::red(format!("{arn}: {error:#}"), "look at the ARN, the account and the Region")
        })?;
        let authority = described.certificate_authority;
        findings.push(
            authority.map_or_else(|| Finding::red(format!("{arn}: no answer"), "ask again"), |it| judge(arn, &it)),
        );
    }
    Ok(worst(findings))
}

fn judge(arn: &str, authority: &CertificateAuthority) -> Finding {
    let id = arn.rsplit('/').next().unwrap_or(arn);
    if authority.status() != Some(&CertificateAuthorityStatus::Active) {
        let status = authority.status().map_or("in no state", CertificateAuthorityStatus::as_str);
        return Finding::red(
            format!("{id} is {status}"),
            "activate it: until then nothing is issued and nothing revoked",
        );
    }
    let crl = authority.revocation_configuration().and_then(|configuration| configuration.crl_configuration());
    if !crl.is_some_and(|crl| crl.enabled) {
        return Finding::red(
            format!("{id} publishes no CRL"),
            "turn on its CRL: a revocation would be in the deny list alone",
        );
    }
    let end = authority.not_after().and_then(|end| Timestamp::from_second(end.secs()).ok());
    let left = end.map(|end| end.duration_since(Timestamp::now()).as_secs());
    match (left, end) {
        (Some(left), Some(end)) if left < AUTHORITY_SECONDS => Finding::yellow(
            format!("{id} ends at {end}"),
            "make the next one, and let the runtimes trust both: README of the module `pki`",
        ),
        _ => Finding::green(format!("{id} is active, with a CRL")),
    }
}

async fn crls(aws: &Aws, authorities: &[String]) -> Result<Finding, Finding> {
    let mut findings = Vec::new();
    for arn in authorities {
        let red = |error: anyhow::Error| {
            Finding::red(
                format!("the CRL of {arn}: {error:#}"),
                "look at the bucket, its policy, and the authority's configuration",
            )
        };
        let crl = Crl::of(&aws.sdk, arn).await.map_err(red)?;
        let Some(mut crl) = crl else { continue };
        findings.push(freshness(crl.next_update().await.map_err(red)?));
    }
    Ok(worst(findings))
}

fn freshness(next_update: Option<Timestamp>) -> Finding {
    let Some(next_update) = next_update else {
        return Finding::yellow(
            "there is no CRL yet",
            "the first follows the first certificate that refers to it, within half an hour",
        );
    };
    let (now, left) = (Timestamp::now(), next_update.duration_since(Timestamp::now()).as_secs());
    match left {
        ..0 => Finding::red(
            format!("the CRL ended {} ago", output::age(next_update, now)),
            "the runtimes refuse everybody: look why the authority writes no new one; docs/runbooks/crl-ending.md",
        ),
        0..CRL_SECONDS => Finding::yellow(
            format!("the CRL ends in {}", output::age(now, next_update)),
            "AWS should have made a new one by now; docs/runbooks/crl-ending.md",
        ),
        _ => Finding::green(format!("the CRL is good for {}", output::age(now, next_update))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::check::Status;
    use std::time::Duration;

    #[test]
    fn a_crl_is_judged_by_its_next_update() {
        let now = Timestamp::now();
        assert_eq!(freshness(Some(now + Duration::from_secs(3 * 86_400))).status, Status::Green);
        assert_eq!(freshness(Some(now + Duration::from_secs(3_600))).status, Status::Yellow);
        assert_eq!(freshness(Some(now - Duration::from_secs(60))).status, Status::Red);
        assert_eq!(freshness(None).status, Status::Yellow);
    }
}
