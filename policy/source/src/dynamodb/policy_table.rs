//! The access policy in a table; its format is described at [`crate::PolicySource`].

use std::sync::{Arc, Mutex, PoisonError};

use aws_config::SdkConfig;
use aws_sdk_dynamodb::operation::scan::ScanOutput;
use aws_sdk_dynamodb::types::AttributeValue;
use policy::{Format, Revision, Timestamp};

use super::item::{Item, flag, required, text};
use super::meta::{Content, Meta};
use super::publication::{Gathered, PublicationId, digest};
use super::{Table, TableError};
use crate::Document;
use crate::error::off_thread;

/// A publication of fewer items is read by one scan, a larger one by this many at once.
const SMALL: usize = 2_000;
const SEGMENTS: i32 = 8;
/// A publication that is replaced while it is read is not read to the end; the one that replaced it is.
const ATTEMPTS: usize = 3;

#[derive(Debug)]
pub(crate) struct PolicyTable {
    table: Table,
    last: Option<(Revision, Option<PublicationId>)>,
    /// Whether any document was given.
    given: bool,
    /// When the document given last was published, if another one had been given before.
    news: Option<Timestamp>,
}

impl PolicyTable {
    pub(crate) fn new(table: &str, sdk: &SdkConfig) -> Self {
        Self { table: Table::new(table, sdk), last: None, given: false, news: None }
    }

    pub(crate) fn refuse(&mut self) {
        self.last = None;
    }

    /// When the document given last was published, told once; nothing of the first.
    pub(crate) fn take_news(&mut self) -> Option<Timestamp> {
        self.news.take()
    }

    /// The document if its revision is not the one given last.
    pub(crate) async fn fetch(&mut self) -> Result<Option<Document>, TableError> {
        if self.last.is_some() && self.last == Some(self.current().await?) {
            return Ok(None);
        }
        for _ in 0..ATTEMPTS {
            let meta = self.table.meta().await?.ok_or_else(|| TableError::NoPolicy(self.table.name.clone()))?;
            let id = meta.publication().cloned();
            if let Some(document) = self.document(&meta).await? {
                self.last = Some((document.revision.clone(), id));
                let known_before = std::mem::replace(&mut self.given, true);
                self.news = meta.published_at.filter(|_| known_before);
                return Ok(Some(document));
            }
            if self.current().await?.1 == id {
                return Err(TableError::Incomplete { table: self.table.name.clone(), revision: meta.revision });
            }
        }
        Err(TableError::Restless(self.table.name.clone()))
    }

    pub(crate) async fn frozen(&self) -> Result<bool, TableError> {
        let Some(item) = self.table.item("freeze", &[]).await? else { return Ok(false) };
        let frozen = flag(&item, "frozen").and_then(|flag| flag.ok_or_else(|| "lacks the boolean `frozen`".to_owned()));
        frozen.map_err(|cause| self.table.malformed("freeze", cause))
    }

    /// What tells whether anything changed: two short attributes of `meta`.
    async fn current(&self) -> Result<(Revision, Option<PublicationId>), TableError> {
        let meta = self.table.item("meta", &["revision", "publication"]).await?;
        let meta = meta.ok_or_else(|| TableError::NoPolicy(self.table.name.clone()))?;
        let malformed = |cause| self.table.malformed("meta", cause);
        let publication = text(&meta, "publication").map_err(malformed)?.map(PublicationId::of);
        Ok((Revision::from(required(&meta, "revision").map_err(malformed)?), publication))
    }

    /// The document that `meta` holds or stands for; `None` when its items are not all there.
    async fn document(&self, meta: &Meta) -> Result<Option<Document>, TableError> {
        let table = &self.table.name;
        match &meta.content {
            Content::Document { text, format } => Ok(Some(Document {
                revision: meta.revision.clone(),
                bytes: text.as_bytes().to_vec(),
                format: *format,
                name: format!("dynamodb:{table} item `meta`"),
            })),
            Content::Items { .. } => Ok(self.joined(meta).await?.map(|bytes| Document {
                revision: meta.revision.clone(),
                bytes,
                format: Format::Json,
                name: format!("dynamodb:{table} revision `{}`", meta.revision),
            })),
        }
    }

    async fn joined(&self, meta: &Meta) -> Result<Option<Vec<u8>>, TableError> {
        let Content::Items { head, publication, counts, digest: expected } = meta.content.clone() else {
            return Ok(None);
        };
        let gathered = Arc::new(Mutex::new(Gathered::new(counts)));
        let segments = if counts.total() < SMALL { 1 } else { SEGMENTS };
        let mut scans = tokio::task::JoinSet::new();
        for segment in 0..segments {
            let (table, gathered) = (self.table.clone(), Arc::clone(&gathered));
            let scan = Scan { table, publication: publication.clone(), segment, segments, gathered };
            scans.spawn(scan.all());
        }
        while let Some(ended) = scans.join_next().await {
            ended.map_err(|error| self.table.failed("Scan", &error))??;
        }
        let Some(gathered) = Arc::into_inner(gathered).and_then(|gathered| gathered.into_inner().ok()) else {
            return Ok(None);
        };
        if gathered.missing() > 0 {
            return Ok(None);
        }
        let joined = off_thread(move || {
            let parts = gathered.whole(head).filter(|parts| digest(parts) == expected);
            Ok(parts.map(|parts| parts.join()))
        });
        let joined = joined.await.map_err(|error| self.table.failed("Scan", &error))?;
        joined.transpose().map_err(|error| self.table.malformed("meta", error.to_string()))
    }
}

/// A part of a table, read for the items of one publication.
struct Scan {
    table: Table,
    publication: PublicationId,
    segment: i32,
    segments: i32,
    gathered: Arc<Mutex<Gathered>>,
}

impl Scan {
    async fn all(self) -> Result<(), TableError> {
        let mut after = None;
        loop {
            let answer = self.page(after).await?;
            self.take(answer.items.unwrap_or_default())?;
            after = answer.last_evaluated_key.filter(|key| !key.is_empty());
            if after.is_none() {
                return Ok(());
            }
        }
    }

    async fn page(&self, after: Option<Item>) -> Result<ScanOutput, TableError> {
        let request = self.table.client.scan().table_name(&self.table.name).consistent_read(true);
        let request = request.segment(self.segment).total_segments(self.segments);
        request
            .filter_expression("#publication = :publication")
            .expression_attribute_names("#publication", "publication")
            .expression_attribute_values(":publication", AttributeValue::S(self.publication.as_str().to_owned()))
            .set_exclusive_start_key(after)
            .send()
            .await
            .map_err(|error| self.table.failed("Scan", &error))
    }

    fn take(&self, items: Vec<Item>) -> Result<(), TableError> {
        let mut gathered = self.gathered.lock().unwrap_or_else(PoisonError::into_inner);
        // `meta` names the publication too.
        for item in items.iter().filter(|item| required(item, "pk") != Ok("meta")) {
            let key = required(item, "pk").unwrap_or("?");
            gathered.add(item).map_err(|cause| self.table.malformed(key, cause))?;
        }
        Ok(())
    }
}
