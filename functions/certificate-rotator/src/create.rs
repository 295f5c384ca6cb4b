//! createSecret: from a new key to a whole, checked certificate that is pending. Each thing that must not be lost is kept
//! before the next is begun.

use jiff::{SignedDuration, Timestamp};
use telemetry::metrics;

use crate::answer::{Answer, Outcome};
use crate::certificate::{self, Mismatch, Wanted};
use crate::document::{Complete, Draft, Stored};
use crate::failure::Failure;
use crate::handle::Job;
use crate::inventory::{Holder, Row};
use crate::request::VersionId;
use crate::secret::{CURRENT, DRAFT, Description, Kept, PENDING};

/// A new certificate is valid from an hour ago, for clocks that are late.
pub(crate) const BACKDATED: SignedDuration = SignedDuration::from_hours(1);

/// So long the authority knows that it was asked before: five minutes, less what the clocks may differ.
const TOKEN_LASTS: SignedDuration = SignedDuration::from_secs(270);

/// How often a certificate is asked for, where the first answer was lost for longer than the authority remembers.
pub(crate) const ATTEMPTS: usize = 2;

impl Job<'_> {
    pub(crate) async fn create(&mut self, secret: &Description) -> Result<Answer, Failure> {
        let version_id = &self.request.version_id;
        if secret.has(version_id.as_str(), CURRENT) {
            return Ok(self.answer(secret, Outcome::AlreadyCurrent, None));
        }
        let purpose = self.purpose(secret).await?;
        let (target, begun) = match self.stored(secret, version_id.as_str()).await? {
            Some(Stored::Draft(draft)) => {
                let foreign = |cause| Failure::Foreign { version_id: version_id.to_string(), cause };
                (draft.rotation().map_err(foreign)?, Some(*draft))
            }
            Some(Stored::Complete(complete)) => return self.already(secret, version_id, *complete).await,
            None => (version_id.clone(), None),
        };
        if begun.is_some()
            && let Some(Stored::Complete(complete)) = self.stored(secret, target.as_str()).await?
        {
            return self.already(secret, &target, *complete).await;
        }
        if !self.enforces() {
            return Ok(self.answer(secret, Outcome::Audited, None));
        }
        self.mind_the_overlap(secret);
        let draft = self.draft(secret, &target, purpose, begun).await?;
        let draft = self.issue(secret, draft).await?;
        let complete = self.fetch(secret, draft).await?;
        self.keep(secret, &target, &complete).await?;
        self.clean(|other| other != target.as_str()).await?;
        Ok(self.answer(secret, Outcome::Created, Some(&complete)))
    }

    /// An earlier invocation got this far.
    async fn already(&self, secret: &Description, target: &VersionId, complete: Complete) -> Result<Answer, Failure> {
        if !secret.is_in_play(target.as_str()) {
            return Err(Failure::Ended(target.to_string()));
        }
        if !self.is_under_way(secret, target) {
            return Ok(self.answer(secret, Outcome::AlreadyCurrent, Some(&complete)));
        }
        if self.purpose(secret).await? != complete.purpose {
            return Err(Failure::Changed(target.to_string()));
        }
        if self.enforces() {
            self.clean(|other| other != target.as_str()).await?;
        }
        Ok(self.answer(secret, Outcome::AlreadyPending, Some(&complete)))
    }

    /// The draft with its certificate's ARN, kept before it is waited for.
    async fn issue(&mut self, secret: &Description, mut draft: Draft) -> Result<Draft, Failure> {
        if draft.certificate_arn.is_some() {
            return Ok(draft);
        }
        let arn = self.ask(secret, &mut draft).await?;
        draft.certificate_arn = Some(arn.clone());
        let kept = self.keep_draft(secret, draft).await?;
        if kept.certificate_arn.as_ref() != Some(&arn) {
            // Another invocation of the same rotation was faster, and the authority had forgotten the token.
            self.orphan(secret, &kept, &arn).await?;
        }
        Ok(kept)
    }

    /// While the authority knows the token, asking again is no second attempt. Later, what it told of the first one in an
    /// event is looked for before it is asked for another.
    async fn ask(&mut self, secret: &Description, draft: &mut Draft) -> Result<String, Failure> {
        let now = Timestamp::now();
        let last = draft.attempts.last().copied().unwrap_or(now);
        if now.duration_since(last) >= TOKEN_LASTS {
            if let Some(arn) = self.seen(draft).await? {
                return Ok(arn);
            }
            self.note_attempt(secret, draft, now).await?;
        }
        if !self.app.bucket.take(self.by).await {
            return Err(Failure::TooFast);
        }
        Ok(self.app.authority.issue(draft, self.by).await?)
    }

    async fn note_attempt(&mut self, secret: &Description, draft: &mut Draft, now: Timestamp) -> Result<(), Failure> {
        if draft.attempts.len() >= ATTEMPTS {
            return Err(Failure::GaveUp(draft.version_id()));
        }
        tracing::warn!(asked = ?draft.attempts, "asked for, but the answer was lost: one certificate may be an orphan, and is revoked when it is seen");
        draft.attempts.push(now);
        *draft = self.keep_draft(secret, draft.clone()).await?;
        Ok(())
    }

    /// What is kept is what counts: where another invocation was faster, its draft is the one to go on with.
    pub(crate) async fn keep_draft(&self, secret: &Description, draft: Draft) -> Result<Draft, Failure> {
        let version_id = draft.version_id();
        match self.put(secret, &version_id, &draft, &[PENDING, DRAFT]).await? {
            Kept::Now => Ok(draft),
            Kept::Other => match self.stored(secret, &version_id).await? {
                Some(Stored::Draft(there)) => Ok(*there),
                _ => Err(Failure::NotPending(version_id)),
            },
        }
    }

    async fn fetch(&mut self, secret: &Description, draft: Draft) -> Result<Complete, Failure> {
        let arn = draft.certificate_arn.clone().unwrap_or_default();
        let issued = self.app.authority.fetch(&draft.certificate_authority_arn, &arn, self.by).await?;
        let validity = Some([draft.requested_not_before, draft.requested_not_after]);
        let wanted = Wanted { purpose: &draft.purpose, private_key: &draft.private_key, validity };
        let facts = match certificate::check(&issued, &wanted, Timestamp::now()) {
            Ok(facts) => facts,
            Err(cause) => return Err(self.refuse(secret, &draft, &issued.certificate, cause).await?),
        };
        let row = Row {
            facts: &facts,
            kind: draft.purpose.kind,
            subject: &draft.purpose.subject(),
            certificate_arn: &arn,
            holder: Holder::Secret(&secret.arn),
        };
        match &self.app.inventory {
            Some(inventory) => inventory.put(&row, self.by).await?,
            None => tracing::warn!(
                "without LINKWARD_CERTIFICATE_INVENTORY_TABLE nobody finds this certificate by its identity"
            ),
        }
        if draft.attempts.len() > 1 {
            self.revoke_others(secret, &draft, &facts).await?;
        }
        self.run.count(&metrics::CERTIFICATES_ISSUED, []);
        Ok(Complete {
            certificate: issued.certificate,
            chain: issued.chain,
            private_key: draft.private_key,
            purpose: draft.purpose,
            serial_number: facts.serial_number,
            not_after: facts.not_after,
        })
    }

    /// A certificate that is not what was asked for is revoked, and its key given up.
    async fn refuse(
        &mut self,
        secret: &Description,
        draft: &Draft,
        certificate: &str,
        cause: Mismatch,
    ) -> Result<Failure, Failure> {
        let Ok(facts) = certificate::facts(certificate) else { return Ok(Failure::Unusable(cause)) };
        let serial_number = facts.serial_number.clone();
        let arn = draft.certificate_arn.clone().unwrap_or_default();
        self.revoke_orphan(secret, draft, &arn, &facts).await?;
        // A later rotation is not to go on with it.
        self.app.secrets.remove_label(&secret.arn, DRAFT, &draft.version_id(), self.by).await?;
        Ok(Failure::Mismatch { serial_number, cause })
    }

    async fn keep(&self, secret: &Description, target: &VersionId, complete: &Complete) -> Result<(), Failure> {
        match self.put(secret, target.as_str(), complete, &[PENDING]).await? {
            Kept::Now => Ok(()),
            // The same certificate with the same key gives the same value, so it is another one.
            Kept::Other => Err(Failure::Changed(target.to_string())),
        }
    }

    async fn put(
        &self,
        secret: &Description,
        version_id: &str,
        value: &impl serde::Serialize,
        labels: &[&str],
    ) -> Result<Kept, Failure> {
        let value = serde_json::to_string(value).map_err(|_| Failure::NotPending(version_id.to_owned()))?;
        let token = self.request.rotation_token.as_ref();
        Ok(self.app.secrets.put(&secret.arn, version_id, &value, (labels, token), self.by).await?)
    }

    /// A certificate must outlive the next rotation, or callers are cut off in between.
    fn mind_the_overlap(&self, secret: &Description) {
        let days = i64::try_from(self.app.configuration.lifetime.duration().as_secs() / 86_400).unwrap_or_default();
        if let Some(every) = secret.every_days.filter(|every| every * 2 > days) {
            tracing::warn!(
                every,
                days,
                "certificates live for less than two rotations: after a rotation that fails callers are cut off"
            );
        }
    }
}

/// From when to when a certificate that is asked for now is to be valid.
pub(crate) fn validity(now: Timestamp, lifetime: std::time::Duration) -> [Timestamp; 2] {
    let whole = Timestamp::from_second(now.as_second()).unwrap_or(now);
    let begin = whole.saturating_sub(BACKDATED).unwrap_or(whole);
    [begin, begin.saturating_add(lifetime).unwrap_or(begin)]
}
