//! ACM Private CA: revokes for good.

use std::collections::HashMap;

use aws_sdk_acmpca::Client;
use aws_sdk_acmpca::types::RevocationReason;
use policy::{AuthorityArn, SerialNumber};
use telemetry::{CallError, Deadline};
use tokio::sync::Mutex;

use crate::request::Reason;

/// The authority is busy with another revocation, or with this one.
const PASSES: &[&str] = &["ConcurrentModificationException", "RequestInProgressException", "ThrottlingException"];

/// A certificate that is revoked now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Revoked {
    Now,
    Already,
}

#[derive(Debug)]
pub(crate) struct Authority {
    client: Client,
    /// Whose turn it is, for each authority. Other instances of the function have their own: they meet at the authority.
    turns: HashMap<AuthorityArn, Mutex<()>>,
}

impl Authority {
    pub(crate) fn new(client: Client, authorities: &[AuthorityArn]) -> Self {
        Self { client, turns: authorities.iter().map(|authority| (authority.clone(), Mutex::default())).collect() }
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
        let turn = self.turns.get(authority).map(Mutex::lock);
        let _turn = match turn {
            Some(turn) => Some(by.limit(turn).await.ok_or_else(CallError::deadline_exceeded)?),
            None => None,
        };
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
    fn a_serial_number_goes_out_in_whole_bytes() {
        for (canonical, sent) in [("a1b2c", "0a1b2c"), ("ff", "ff"), ("0", "00")] {
            assert_eq!(whole_bytes(&canonical.parse().unwrap()), sent);
        }
    }
}
