//! Publishing a policy: written beside the one in force, then switched to, then the old one removed.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_dynamodb::types::AttributeValue;
use policy::{PolicyParts, Revision, Timestamp};

use super::meta::{Content, Meta};
use super::publication::{Counts, PublicationId, digest, items};
use super::{Table, TableError, batch};
use crate::error::off_thread;
use crate::{Document, SourceError};

/// A publication that began longer ago and is not in force was given up.
const GIVEN_UP: Duration = Duration::from_secs(24 * 3600);
/// An item holds 400 KB at most, its key and other attributes included.
const LARGEST_ENTRY: usize = 380_000;

/// What publishing did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// What is in force now.
    pub revision: Revision,
    /// What was in force before, if anything was.
    pub replaced: Option<Revision>,
    /// How many items were written; none when the policy in force is the same.
    pub written: usize,
    /// How many items of earlier publications were removed.
    pub removed: usize,
}

/// Why a policy was not published. Unless it says otherwise, the one in force stays.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PublishError {
    /// Not a policy; the message is the check's own and names the document.
    #[error(transparent)]
    Refused(SourceError),
    /// The table cannot be read or written.
    #[error(transparent)]
    Table(#[from] TableError),
    /// An entry that no item can hold.
    #[error("{0} of the policy is larger than the {LARGEST_ENTRY} bytes that an item can hold; split it")]
    TooLarge(String),
    /// The revision in force has this name and says something else.
    #[error("the revision `{0}` is in force and is another policy; give the new one a name of its own")]
    RevisionTaken(Revision),
    /// Somebody else published meanwhile.
    #[error("table `{0}` was changed by another publisher meanwhile; look at what is in force, then publish again")]
    Overtaken(String),
}

/// Publishes access policies in a table that [`PolicySource`](crate::PolicySource) reads, where the format is described.
///
/// Readers see the whole of the new policy or the whole of the old one, at any size: all items of the new one are
/// written under keys that no other publication has, `meta` is switched to them if it is still the one that was read at
/// the beginning, and the items of the old one are deleted. Publishing the policy in force again changes nothing. What a
/// publisher that was interrupted left behind is deleted by a later one, a day after. Needs `dynamodb:GetItem`,
/// `PutItem`, `UpdateItem` and `BatchWriteItem`.
#[derive(Debug)]
pub struct PolicyPublisher {
    table: Table,
}

impl PolicyPublisher {
    /// Of a table, reached with this AWS configuration.
    #[must_use]
    pub fn new(table: &str, sdk: &SdkConfig) -> Self {
        Self { table: Table::new(table, sdk) }
    }

    /// Puts a document in force under its revision. `progress` is told how many of how many items are written.
    ///
    /// # Errors
    /// It is not in force; see [`PublishError`]. When only the removal of the old one fails, that is logged, and left
    /// to a later publication.
    pub async fn publish(
        &self,
        document: Document,
        progress: impl FnMut(usize, usize),
    ) -> Result<Published, PublishError> {
        let revision = document.revision.clone();
        let (parts, digest) = off_thread(move || split(&document)).await.map_err(PublishError::Refused)?;
        check_sizes(&parts)?;
        let before = self.table.meta().await?;
        let published = |written, removed| {
            let replaced = before.as_ref().map(|meta| meta.revision.clone());
            Published { revision: revision.clone(), replaced, written, removed }
        };
        match before.as_ref().map(|meta| (meta.revision == revision, is_same(meta, &digest))) {
            Some((true, true)) => return Ok(published(0, self.clean(before.as_ref(), None).await)),
            Some((true, false)) => return Err(PublishError::RevisionTaken(revision)),
            _ => {}
        }
        let id = PublicationId::new(Timestamp::now());
        let content = content(&parts, &id, digest);
        let written = self.write(&parts, &id, progress).await?;
        let meta = Meta { revision: revision.clone(), content, published_at: Some(Timestamp::now()) };
        if let Err(error) = self.switch(&meta, before.as_ref()).await {
            // Of any other error nobody knows what it did: the items may be in force. A later publication removes them
            // if they are not.
            if matches!(error, PublishError::Overtaken(_)) {
                self.give_up(&id, Counts::of(&parts)).await;
            }
            return Err(error);
        }
        Ok(published(written, self.clean(Some(&meta), before.as_ref()).await))
    }

    async fn write(
        &self,
        parts: &PolicyParts,
        id: &PublicationId,
        mut progress: impl FnMut(usize, usize),
    ) -> Result<usize, PublishError> {
        let counts = Counts::of(parts);
        self.table.open_publication(id, counts).await?;
        let total = counts.total();
        let written = self.table.write_all(items(parts, id).map(batch::put), |done| progress(done, total)).await;
        if let Err(error) = written {
            self.give_up(id, counts).await;
            return Err(error.into());
        }
        Ok(total)
    }

    /// Puts `meta`, if it is still what it was.
    async fn switch(&self, meta: &Meta, before: Option<&Meta>) -> Result<(), PublishError> {
        let name = &self.table.name;
        let request = self.table.client.put_item().table_name(name).set_item(Some(meta.item()));
        let request = match before {
            None => request.condition_expression("attribute_not_exists(pk)"),
            Some(before) => {
                let request = request
                    .expression_attribute_names("#revision", "revision")
                    .expression_attribute_values(":revision", text(before.revision.as_str()))
                    .expression_attribute_names("#publication", "publication");
                match before.publication() {
                    None => {
                        request.condition_expression("#revision = :revision AND attribute_not_exists(#publication)")
                    }
                    Some(id) => request
                        .condition_expression("#revision = :revision AND #publication = :publication")
                        .expression_attribute_values(":publication", text(id.as_str())),
                }
            }
        };
        match request.send().await {
            Ok(_) => Ok(()),
            Err(error) if error.as_service_error().is_some_and(|e| e.is_conditional_check_failed_exception()) => {
                // A retry of a call whose answer was lost meets what the call itself has done.
                let ours = self.table.meta().await?.is_some_and(|now| now.publication() == meta.publication());
                if ours { Ok(()) } else { Err(PublishError::Overtaken(name.clone())) }
            }
            Err(error) => Err(self.table.failed("PutItem", &error).into()),
        }
    }

    /// Removes what was written in vain; whoever comes later does it if this fails.
    async fn give_up(&self, id: &PublicationId, counts: Counts) {
        if let Err(error) = self.table.remove_publication(id, counts).await {
            tracing::warn!(%error, "items of a publication that was given up are left; a later one removes them");
        }
    }

    /// Removes the publication that was replaced and those that were given up; how many items those were.
    async fn clean(&self, in_force: Option<&Meta>, replaced: Option<&Meta>) -> usize {
        self.try_clean(in_force, replaced).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "items of earlier publications are left; a later one removes them");
            0
        })
    }

    async fn try_clean(&self, in_force: Option<&Meta>, replaced: Option<&Meta>) -> Result<usize, TableError> {
        let long_ago = Timestamp::now() - GIVEN_UP;
        let (in_force, replaced) = (in_force.and_then(Meta::publication), replaced.and_then(Meta::publication));
        let mut removed = 0;
        for (id, counts) in self.table.open_publications().await? {
            if Some(&id) != in_force && (Some(&id) == replaced || id.is_before(long_ago)) {
                self.table.remove_publication(&id, counts).await?;
                removed += counts.total();
            }
        }
        Ok(removed)
    }
}

fn split(document: &Document) -> Result<(PolicyParts, String), SourceError> {
    let Document { bytes, format, name, .. } = document;
    let parts = PolicyParts::split(bytes, *format, name).map_err(|error| SourceError::Refused(error.to_string()))?;
    let digest = digest(&parts);
    Ok((parts, digest))
}

fn check_sizes(parts: &PolicyParts) -> Result<(), PublishError> {
    let head = std::iter::once(("the head".to_owned(), &parts.head));
    let consumers = parts.consumers.iter().enumerate().map(|(n, entry)| (format!("consumer {}", n + 1), entry));
    let callers = parts.callers.iter().enumerate().map(|(n, entry)| (format!("caller {}", n + 1), entry));
    match head.chain(consumers).chain(callers).find(|(_, entry)| entry.len() > LARGEST_ENTRY) {
        Some((what, _)) => Err(PublishError::TooLarge(what)),
        None => Ok(()),
    }
}

/// Whether the policy in force is this one, however it is stored.
fn is_same(meta: &Meta, digest_of_new: &str) -> bool {
    match &meta.content {
        Content::Items { digest, .. } => digest == digest_of_new,
        Content::Document { text, format } => {
            PolicyParts::split(text.as_bytes(), *format, "meta").is_ok_and(|parts| digest(&parts) == digest_of_new)
        }
    }
}

fn content(parts: &PolicyParts, id: &PublicationId, digest: String) -> Content {
    Content::Items { head: parts.head.clone(), publication: id.clone(), counts: Counts::of(parts), digest }
}

fn text(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}
