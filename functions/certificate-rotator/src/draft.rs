//! Which draft a rotation goes on with: its own, one that an earlier rotation left, or a new one.

use jiff::{SignedDuration, Timestamp};

use crate::create::{ATTEMPTS, BACKDATED, validity};
use crate::document::{Draft, Stored};
use crate::failure::Failure;
use crate::handle::Job;
use crate::private_key::PrivateKey;
use crate::purpose::Purpose;
use crate::request::VersionId;
use crate::secret::{DRAFT, Description, PENDING};

/// So long a rotation that begins anew goes on with what a failed one left, instead of having another certificate issued:
/// rotations that fail in a loop cost one certificate, not thousands.
const WINDOW: SignedDuration = SignedDuration::from_hours(1);

impl Job<'_> {
    /// A draft that is kept.
    pub(crate) async fn draft(
        &mut self,
        secret: &Description,
        target: &VersionId,
        purpose: Purpose,
        begun: Option<Draft>,
    ) -> Result<Draft, Failure> {
        let (own, left) = self.drafts(secret, target).await?;
        let own = own.into_iter().chain(begun).max_by_key(Draft::progress);
        if let Some(own) = own {
            return if own.purpose == purpose { Ok(own) } else { Err(Failure::Changed(own.version_id())) };
        }
        let now = Timestamp::now();
        for draft in left {
            if self.in_use(secret, &draft).await? {
                continue;
            }
            if self.goes_on(&draft, &purpose, now) {
                tracing::warn!(version = draft.version_id(), "goes on with what an earlier rotation left");
                return Ok(draft);
            }
            self.give_up(secret, &draft).await?;
        }
        self.not_too_often(&purpose, now).await?;
        let keys = PrivateKey::generate(&purpose)?;
        let configuration = &self.app.configuration;
        let validity = validity(now, configuration.lifetime.duration());
        let authority = configuration.certificate_authority.clone();
        self.keep_draft(secret, Draft::new(target, purpose, keys, authority, validity, now)).await
    }

    /// Whatever begins rotations in a loop, it does not cost more than one certificate in this time.
    async fn not_too_often(&self, purpose: &Purpose, now: Timestamp) -> Result<(), Failure> {
        let window = self.app.configuration.issuance_window;
        let Some(inventory) = self.app.inventory.as_ref().filter(|_| !window.is_zero()) else { return Ok(()) };
        let subject = purpose.subject();
        // By notBefore, which is when it was asked for, less an hour.
        let since =
            now.saturating_sub(window).and_then(|since| since.saturating_sub(BACKDATED)).unwrap_or(Timestamp::MIN);
        let count = inventory.issued_since(&subject, since, (now, self.by)).await?;
        if count == 0 { Ok(()) } else { Err(Failure::TooOften { subject, window }) }
    }

    /// Drafts of this rotation, and the latest state of others that were left.
    async fn drafts(&self, secret: &Description, target: &VersionId) -> Result<(Vec<Draft>, Vec<Draft>), Failure> {
        let mut own = Vec::new();
        let mut left: Vec<Draft> = Vec::new();
        for version_id in secret.with(DRAFT).chain(secret.with(PENDING).filter(|id| !secret.has(id, DRAFT))) {
            let Some(Stored::Draft(draft)) = self.ours(secret, version_id).await? else { continue };
            if draft.is_of(target) {
                own.push(*draft);
            } else if secret.has(version_id, DRAFT) {
                left.push(*draft);
            }
        }
        left.sort_by_key(|draft| (draft.rotation().ok(), std::cmp::Reverse(draft.progress())));
        left.dedup_by(|later, earlier| later.rotation().ok() == earlier.rotation().ok());
        Ok((own, left))
    }

    fn goes_on(&self, draft: &Draft, purpose: &Purpose, now: Timestamp) -> bool {
        let recent = draft.attempts.first().is_some_and(|begun| now.duration_since(*begun) <= WINDOW);
        let same = draft.purpose == *purpose
            && draft.certificate_authority_arn == self.app.configuration.certificate_authority;
        let possible = draft.certificate_arn.is_some() || draft.attempts.len() < ATTEMPTS;
        recent && same && possible
    }

    /// Whether a labelled version holds the certificate of this draft: then its rotation got further than its labels say.
    async fn in_use(&self, secret: &Description, draft: &Draft) -> Result<bool, Failure> {
        for version_id in secret.versions.keys().filter(|id| !secret.has(id, DRAFT)) {
            let Some(Stored::Complete(complete)) = self.ours(secret, version_id).await? else { continue };
            if complete.private_key == draft.private_key {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// What a version holds, if it is ours: what others have written is not ours to judge.
    async fn ours(&self, secret: &Description, version_id: &str) -> Result<Option<Stored>, Failure> {
        match self.stored(secret, version_id).await {
            Err(Failure::Foreign { .. }) => Ok(None),
            stored => stored,
        }
    }

    /// Too old, or for something else: what was issued for it is revoked, its key forgotten.
    async fn give_up(&mut self, secret: &Description, draft: &Draft) -> Result<(), Failure> {
        match &draft.certificate_arn {
            Some(arn) => self.orphan(secret, draft, arn).await?,
            None => tracing::warn!(
                asked = ?draft.attempts,
                "a certificate may have been issued whose answer was lost; it is revoked when it is seen"
            ),
        }
        self.app.secrets.remove_label(&secret.arn, DRAFT, &draft.version_id(), self.by).await?;
        Ok(())
    }
}
