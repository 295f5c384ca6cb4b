use std::str::FromStr;
use std::sync::Arc;

use crate::text::{prints_as_str, text};

/// The ARN of a certificate authority of ACM Private CA.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AuthorityArn(Arc<str>);

/// Not the ARN of a certificate authority.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not `arn:aws:acm-pca:REGION:ACCOUNT:certificate-authority/ID`")]
pub struct AuthorityArnError(String);

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
        let lower_case = |part: &str| plain(part) && !part.chars().any(|c| c.is_ascii_uppercase());
        let is_partition =
            |part: &str| part.starts_with("aws") && part.chars().all(|c| c.is_ascii_lowercase() || c == '-');
        let valid = match text.split(':').collect::<Vec<_>>()[..] {
            ["arn", partition, "acm-pca", region, account, resource] => {
                let id = resource.strip_prefix("certificate-authority/").unwrap_or_default();
                let account = account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit());
                is_partition(partition) && lower_case(region) && account && plain(id)
            }
            _ => false,
        };
        if valid { Ok(Self(text.into())) } else { Err(AuthorityArnError(text.to_owned())) }
    }
}

prints_as_str!(AuthorityArn);
text!(
    AuthorityArn,
    "the ARN of a certificate authority of ACM Private CA",
    "pattern": "^arn:aws[a-z-]*:acm-pca:[a-z0-9-]+:[0-9]{12}:certificate-authority/[0-9A-Za-z-]+$"
);

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
            "arn:aws:acm-pca:EU-WEST-1:111122223333:certificate-authority/1111",
            "arn:aws2:acm-pca:eu-west-1:111122223333:certificate-authority/1111",
        ] {
            assert!(bad.parse::<AuthorityArn>().is_err(), "{bad}");
        }
        let certificate = format!("{arn}/certificate/0a1b");
        assert_eq!(AuthorityArn::of_certificate(&certificate).unwrap().as_str(), arn);
        assert_eq!(AuthorityArn::of_certificate(arn), None);
    }
}
