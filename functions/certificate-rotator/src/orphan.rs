//! Certificates that were issued and that no secret will hold: written down, then revoked.

use serde::Serialize;
use telemetry::{DetailType, metrics};

use crate::certificate::{self, Facts};
use crate::create::subject;
use crate::document::Draft;
use crate::failure::Failure;
use crate::handle::{FUNCTION, Job};
use crate::inventory::Row;
use crate::secret::Description;

/// As the revoker says it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Revoked<'a> {
    run_id: &'a str,
    mode: &'static str,
    outcome: &'static str,
    certificate_authority_arn: &'a str,
    serial_number: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    identity: Option<&'a str>,
    reason: &'static str,
    requested_by: &'static str,
    request_id: &'a str,
}

impl Job<'_> {
    /// A certificate of a draft that is given up, by its ARN.
    pub(crate) async fn orphan(&mut self, secret: &Description, draft: &Draft, arn: &str) -> Result<(), Failure> {
        let issued = self.app.authority.fetch(&draft.certificate_authority_arn, arn, self.by).await?;
        let facts = certificate::facts(&issued.certificate)?;
        self.revoke_orphan(secret, draft, arn, &facts).await
    }

    /// Written down first: then it can be revoked by its identity also if this does not succeed.
    pub(crate) async fn revoke_orphan(
        &mut self,
        secret: &Description,
        draft: &Draft,
        arn: &str,
        facts: &Facts,
    ) -> Result<(), Failure> {
        if let Some(inventory) = &self.app.inventory {
            let row = Row { facts, purpose: &draft.purpose, certificate_arn: arn, secret: &secret.arn, orphan: true };
            inventory.put(&row, self.by).await?;
        }
        let authority = &draft.certificate_authority_arn;
        self.app.authority.revoke(authority, &facts.serial_number, self.by).await?;
        tracing::warn!(serialNumber = %facts.serial_number, subject = subject(draft), "an orphan was revoked");
        self.run.count(&metrics::CERTIFICATES_ORPHANED, []);
        let run_id = self.run.id().to_owned();
        let detail = Revoked {
            run_id: &run_id,
            mode: self.app.configuration.mode.as_str(),
            outcome: "revoked",
            certificate_authority_arn: authority.as_str(),
            serial_number: facts.serial_number.as_str(),
            identity: draft.purpose.identity.as_ref().map(|identity| identity.as_str()),
            reason: "SUPERSEDED",
            requested_by: FUNCTION,
            request_id: self.request.version_id.as_str(),
        };
        self.run.audit(DetailType::CertificateRevoked, &detail);
        Ok(())
    }
}
