//! testSecret and finishSecret: the pending certificate is tried, then it becomes the current one.

use jiff::Timestamp;
use serde::Serialize;
use telemetry::{DetailType, metrics};

use crate::answer::{Answer, Outcome};
use crate::authority::Issued;
use crate::certificate::{self, Wanted};
use crate::document::{Complete, Stored};
use crate::failure::Failure;
use crate::handle::Job;
use crate::handshake;
use crate::purpose::{Kind, test_address};
use crate::secret::{CURRENT, Description, PENDING};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Rotated<'a> {
    run_id: &'a str,
    mode: &'static str,
    secret_id: &'a str,
    version_id: &'a str,
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    identity: Option<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    dns_names: &'a [String],
    serial_number: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    previous_serial_number: Option<String>,
    not_after: Timestamp,
}

impl Job<'_> {
    pub(crate) async fn test(&mut self, secret: &Description) -> Result<Answer, Failure> {
        let (_, complete) = self.pending(secret).await?;
        usable(&complete)?;
        let address = test_address(&secret.tags)?.or_else(|| self.app.configuration.test_address.clone());
        // A server's certificate was verified as its callers will; the server itself does not have it yet.
        match address.filter(|_| complete.purpose.kind == Kind::Client) {
            Some(address) => handshake::test(&address, &complete, self.by).await?,
            None => tracing::debug!("verified, and tried nowhere"),
        }
        Ok(self.answer(secret, Outcome::Tested, Some(&complete)))
    }

    pub(crate) async fn finish(&mut self, secret: &Description) -> Result<Answer, Failure> {
        let (version_id, complete) = self.pending(secret).await?;
        let under_way = self.is_under_way(secret, &version_id);
        if !under_way && secret.with(PENDING).next().is_some() {
            // It is current, and the next rotation is under way: nothing is left to do or to tell.
            return Ok(self.answer(secret, Outcome::AlreadyCurrent, Some(&complete)));
        }
        let current = secret.with(CURRENT).next().map(str::to_owned);
        let previous = match current.as_deref().filter(|current| *current != version_id.as_str()) {
            Some(current) => self.serial_number_of(secret, current).await,
            None => None,
        };
        if current.as_deref() != Some(version_id.as_str()) {
            usable(&complete)?;
            if self.purpose(secret).await? != complete.purpose {
                return Err(Failure::Changed(version_id.to_string()));
            }
            if !self.enforces() {
                return Ok(self.answer(secret, Outcome::Audited, Some(&complete)));
            }
            // Secrets Manager makes the one that was current AWSPREVIOUS. It stays valid: whoever still has it goes on.
            let between = (current.as_deref(), &version_id);
            self.app.secrets.move_label(&secret.arn, CURRENT, between, self.by).await?;
        }
        if self.enforces() && under_way {
            // A version that has come since belongs to the next rotation.
            self.clean(|version_id| secret.versions.contains_key(version_id)).await?;
        }
        // Also if it was current already: the run that made it so may have failed to tell.
        self.tell(secret, version_id.as_str(), &complete, previous);
        Ok(self.answer(secret, Outcome::Finished, Some(&complete)))
    }

    /// For the audit trail only.
    async fn serial_number_of(&self, secret: &Description, version_id: &str) -> Option<String> {
        match self.stored(secret, version_id).await {
            Ok(Some(Stored::Complete(complete))) => Some(complete.serial_number.to_string()),
            _ => None,
        }
    }

    fn tell(&mut self, secret: &Description, version_id: &str, complete: &Complete, previous: Option<String>) {
        self.run.count(&metrics::CERTIFICATES_ROTATED, []);
        let run_id = self.run.id().to_owned();
        let detail = Rotated {
            run_id: &run_id,
            mode: self.app.configuration.mode.as_str(),
            secret_id: &secret.arn,
            version_id,
            kind: complete.purpose.kind.as_str(),
            identity: complete.purpose.identity.as_ref().map(|identity| identity.as_str()),
            dns_names: &complete.purpose.dns_names,
            serial_number: complete.serial_number.as_str(),
            previous_serial_number: previous,
            not_after: complete.not_after,
        };
        self.run.audit(DetailType::CertificateRotated, &detail);
    }
}

/// The same comparison as after issuance, for what was kept since.
fn usable(complete: &Complete) -> Result<(), Failure> {
    let issued = Issued { certificate: complete.certificate.clone(), chain: complete.chain.clone() };
    let wanted = Wanted { purpose: &complete.purpose, private_key: &complete.private_key, validity: None };
    certificate::check(&issued, &wanted, Timestamp::now())?;
    Ok(())
}
