//! Who is asking: IAM's first word.

use super::Aws;
use super::check::{Checked, Finding};
use crate::aws::signed::STS;
use crate::cli::{DoctorOptions, Side};

/// The account of these credentials.
pub(super) async fn check(aws: &Aws, options: &DoctorOptions) -> Checked<String> {
    let answer = aws.signed.query(&STS, "GetCallerIdentity", &[]).await?;
    let (account, arn) = (answer.text("GetCallerIdentityResult/Account"), answer.text("GetCallerIdentityResult/Arn"));
    let authority = options.provider.authorities.first();
    let owner = authority.and_then(|arn| arn.split(':').nth(4)).filter(|owner| !owner.is_empty());
    match (options.from, owner) {
        (Side::Provider, Some(owner)) if owner != account => Err(Finding::red(
            format!("{arn} is of account {account}, the certificate authority of {owner}"),
            "use the provider's credentials, or say `--from consumer`",
        )),
        _ => Ok((Finding::green(format!("{arn}, account {account}")), account.to_owned())),
    }
}
