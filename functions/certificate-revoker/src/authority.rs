//! ACM Private CA: revokes for good.

use std::fmt;
use std::str::FromStr;

use aws_sdk_acmpca::Client;
use aws_sdk_acmpca::types::RevocationReason;
use policy::SerialNumber;
use telemetry::{CallError, Deadline};

use crate::request::Reason;

/// The authority is busy with another revocation, or with this one.
const PASSES: &[&str] = &["ConcurrentModificationException", "RequestInProgressException", "ThrottlingException"];

/// The ARN of a certificate authority.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorityArn(String);

/// Not the ARN of a certificate authority.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not `arn:aws:acm-pca:REGION:ACCOUNT:certificate-authority/ID`")]
pub struct AuthorityArnError(String);

/// A certificate that is revoked now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Revoked {
    Now,
    Already,
}

#[derive(Debug)]
pub(crate) struct Authority {
    client: Client,
}

impl AuthorityArn {
    /// The ARN.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The authority in the ARN of a certificate, which begins with it.
    #[must_use]
    pub fn of_certificate(certificate: &str) -> Option<Self> {
        certificate.split_once("/certificate/")?.0.parse().ok()
    }
}

impl FromStr for AuthorityArn {
    type Err = AuthorityArnError;

    fn from_str(text: &str) -> Result<Self, AuthorityArnError> {
        let plain = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        let valid = match text.split(':').collect::<Vec<_>>()[..] {
            ["arn", partition, "acm-pca", region, account, resource] => {
                let id = resource.strip_prefix("certificate-authority/").unwrap_or_default();
                let account = account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit());
                partition.starts_with("aws") && plain(partition) && plain(region) && account && plain(id)
            }
            _ => false,
        };
        if valid { Ok(Self(text.to_owned())) } else { Err(AuthorityArnError(text.to_owned())) }
    }
}

impl fmt::Display for AuthorityArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Authority {
    pub(crate) fn new(client: Client) -> Self {
        Self { client }
    }

    /// One at a time for each authority, or it answers `ConcurrentModificationException`; then it is tried again,
    /// with jitter, until the deadline.
    pub(crate) async fn revoke(
        &self,
        authority: &AuthorityArn,
        serial_number: &SerialNumber,
        reason: Reason,
        by: Deadline,
    ) -> Result<Revoked, CallError> {
        let call = async || {
            let call = self
                .client
                .revoke_certificate()
                .certificate_authority_arn(authority.as_str())
                .certificate_serial(whole_bytes(serial_number))
                .revocation_reason(RevocationReason::from(reason.as_str()));
            by.call(call.send()).await
        };
        match by.retry(|error| PASSES.contains(&error.code.as_str()), call).await {
            Ok(_) => Ok(Revoked::Now),
            Err(error) if error.code == "RequestAlreadyProcessedException" => Ok(Revoked::Already),
            Err(error) => Err(error),
        }
    }
}

/// Hex of whole bytes, as certificates print it: our canonical form has no leading zero.
fn whole_bytes(serial_number: &SerialNumber) -> String {
    let digits = serial_number.as_str();
    if digits.len().is_multiple_of(2) { digits.to_owned() } else { format!("0{digits}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_arn_of_an_authority_is_one() {
        let arn = "arn:aws:acm-pca:eu-west-1:111122223333:certificate-authority/1111-2222";
        assert_eq!(arn.parse::<AuthorityArn>().unwrap().as_str(), arn);
        assert!(
            "arn:aws-us-gov:acm-pca:us-gov-west-1:111122223333:certificate-authority/1".parse::<AuthorityArn>().is_ok()
        );
        for bad in [
            "",
            "1111-2222",
            "arn:aws:acm:eu-west-1:111122223333:certificate/1111",
            "arn:aws:acm-pca:eu-west-1:11112222333:certificate-authority/1111",
            "arn:aws:acm-pca:eu-west-1:111122223333:certificate-authority/",
            "arn:aws:acm-pca:eu-west-1:111122223333:certificate-authority/1111/certificate/2222",
            "arn:aws:acm-pca::111122223333:certificate-authority/1111",
        ] {
            assert!(bad.parse::<AuthorityArn>().is_err(), "{bad}");
        }
        let certificate = format!("{arn}/certificate/0a1b");
        assert_eq!(AuthorityArn::of_certificate(&certificate).unwrap().as_str(), arn);
        assert_eq!(AuthorityArn::of_certificate(arn), None);
    }

    #[test]
    fn a_serial_number_goes_out_in_whole_bytes() {
        for (canonical, sent) in [("a1b2c", "0a1b2c"), ("ff", "ff"), ("0", "00")] {
            assert_eq!(whole_bytes(&canonical.parse().unwrap()), sent);
        }
    }
}
