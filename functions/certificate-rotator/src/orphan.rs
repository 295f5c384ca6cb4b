//! Certificates that were issued and that no secret will hold: written down, then revoked.

use policy::{AuthorityArn, SpiffeId};
use serde::Serialize;
use telemetry::{Deadline, DetailType, Run, metrics};

use crate::certificate::{self, Facts};
use crate::document::Draft;
use crate::failure::Failure;
use crate::handle::{App, FUNCTION, Job};
use crate::inventory::{Holder, Row};
use crate::secret::Description;

/// One of them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Orphan<'a> {
    pub(crate) authority: &'a AuthorityArn,
    pub(crate) subject: &'a str,
    pub(crate) certificate_arn: &'a str,
    pub(crate) facts: &'a Facts,
    /// For which it was issued.
    pub(crate) secret: &'a str,
    /// The rotation, or the event, that found it.
    pub(crate) request_id: &'a str,
}

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

    pub(crate) async fn revoke_orphan(
        &mut self,
        secret: &Description,
        draft: &Draft,
        arn: &str,
        facts: &Facts,
    ) -> Result<(), Failure> {
        let orphan = Orphan {
            authority: &draft.certificate_authority_arn,
            subject: &draft.purpose.subject(),
            certificate_arn: arn,
            facts,
            secret: &secret.arn,
            request_id: self.request.version_id.as_str(),
        };
        revoke(self.app, &mut self.run, &orphan, self.by).await
    }

    /// What was seen of a lost answer: the ARN of a certificate with the key of this draft.
    pub(crate) async fn seen(&self, draft: &Draft) -> Result<Option<String>, Failure> {
        let Some(inventory) = &self.app.inventory else { return Ok(None) };
        let key = certificate::public_key_sha256(&draft.private_key)?;
        let seen = inventory.with_key(&draft.purpose.subject(), &key, self.by).await?;
        let ours = |arn: &String| AuthorityArn::of_certificate(arn).as_ref() == Some(&draft.certificate_authority_arn);
        Ok(seen.into_iter().map(|sibling| sibling.certificate_arn).find(ours))
    }

    /// Of several certificates that one rotation asked for, all but the one that it uses.
    pub(crate) async fn revoke_others(
        &mut self,
        secret: &Description,
        draft: &Draft,
        used: &Facts,
    ) -> Result<(), Failure> {
        let Some(inventory) = &self.app.inventory else { return Ok(()) };
        for sibling in inventory.with_key(&draft.purpose.subject(), &used.public_key_sha256, self.by).await? {
            if sibling.serial_number != used.serial_number.as_str() {
                self.orphan(secret, draft, &sibling.certificate_arn).await?;
            }
        }
        Ok(())
    }
}

/// Written down first: then it can be revoked by its identity also if this does not succeed.
pub(crate) async fn revoke(app: &App, run: &mut Run, orphan: &Orphan<'_>, by: Deadline) -> Result<(), Failure> {
    let Orphan { authority, subject, certificate_arn, facts, secret, request_id } = *orphan;
    let identity: Option<SpiffeId> = subject.parse().ok();
    if let Some(inventory) = &app.inventory {
        let row = Row { facts, kind: facts.kind, subject, certificate_arn, holder: Holder::Orphan(secret) };
        inventory.put(&row, by).await?;
    }
    app.authority.revoke(authority, &facts.serial_number, by).await?;
    tracing::warn!(serialNumber = %facts.serial_number, subject, secret, "an orphan was revoked");
    run.count(&metrics::CERTIFICATES_ORPHANED, []);
    let run_id = run.id().to_owned();
    let detail = Revoked {
        run_id: &run_id,
        mode: app.configuration.mode.as_str(),
        outcome: "revoked",
        certificate_authority_arn: authority.as_str(),
        serial_number: facts.serial_number.as_str(),
        identity: identity.as_ref().map(SpiffeId::as_str),
        reason: "SUPERSEDED",
        requested_by: FUNCTION,
        request_id,
    };
    run.audit(DetailType::CertificateRevoked, &detail);
    Ok(())
}
