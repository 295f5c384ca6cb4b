//! The item `meta`: which policy is in force.

use aws_sdk_dynamodb::types::AttributeValue;
use policy::{Format, Revision, Timestamp};

use super::item::{Item, required, text};
use super::publication::{Counts, PublicationId};
use super::{Table, TableError};

/// More entries than any policy has: a mistaken number must not ask for all memory there is.
const MOST: usize = 20_000_000;

/// Which policy is in force.
#[derive(Clone, Debug)]
pub(super) struct Meta {
    pub(super) revision: Revision,
    pub(super) content: Content,
    /// When it came into force, if its publisher says so.
    pub(super) published_at: Option<Timestamp>,
}

/// Where the policy is.
#[derive(Clone, Debug)]
pub(super) enum Content {
    /// In the item itself.
    Document { text: String, format: Format },
    /// In items of their own.
    Items { head: String, publication: PublicationId, counts: Counts, digest: String },
}

impl Meta {
    pub(super) fn publication(&self) -> Option<&PublicationId> {
        match &self.content {
            Content::Document { .. } => None,
            Content::Items { publication, .. } => Some(publication),
        }
    }

    fn read(item: &Item) -> Result<Self, String> {
        let revision = Revision::from(required(item, "revision")?);
        let content = match text(item, "publication")? {
            None => Content::Document { format: format(item)?, text: required(item, "document")?.to_owned() },
            Some(publication) => Content::Items {
                publication: PublicationId::of(publication),
                head: required(item, "head")?.to_owned(),
                counts: Counts { consumers: number(item, "consumers")?, callers: number(item, "callers")? },
                digest: required(item, "digest")?.to_owned(),
            },
        };
        // What is only measured is no reason to refuse a policy.
        let published_at = text(item, "publishedAt").ok().flatten().and_then(|time| time.parse().ok());
        Ok(Self { revision, content, published_at })
    }

    /// As it is written.
    pub(super) fn item(&self) -> Item {
        let mut item = Item::from([("pk".to_owned(), AttributeValue::S("meta".to_owned()))]);
        let mut put = |name: &str, value: AttributeValue| item.insert(name.to_owned(), value);
        let text = |text: &str| AttributeValue::S(text.to_owned());
        put("revision", text(self.revision.as_str()));
        if let Some(published_at) = self.published_at {
            put("publishedAt", text(&policy::sortable_time(published_at)));
        }
        match &self.content {
            Content::Document { text: document, format } => {
                put("document", text(document));
                put("format", text(if *format == Format::Json { "json" } else { "yaml" }));
            }
            Content::Items { head, publication, counts, digest } => {
                put("publication", text(publication.as_str()));
                put("head", text(head));
                put("consumers", AttributeValue::N(counts.consumers.to_string()));
                put("callers", AttributeValue::N(counts.callers.to_string()));
                put("digest", text(digest));
            }
        }
        item
    }
}

impl Table {
    /// Which policy is in force, if any is.
    pub(super) async fn meta(&self) -> Result<Option<Meta>, TableError> {
        let item = self.item("meta", &[]).await?;
        let malformed = |cause| self.malformed("meta", cause);
        item.map(|item| Meta::read(&item)).transpose().map_err(malformed)
    }

    /// An item, or some attributes of it; strongly consistent.
    pub(super) async fn item(&self, key: &str, attributes: &[&str]) -> Result<Option<Item>, TableError> {
        let mut request = self.client.get_item().table_name(&self.name).consistent_read(true);
        request = request.key("pk", AttributeValue::S(key.to_owned()));
        if !attributes.is_empty() {
            let names: Vec<String> = attributes.iter().map(|attribute| format!("#{attribute}")).collect();
            request = request.projection_expression(names.join(", "));
            for (name, attribute) in names.iter().zip(attributes) {
                request = request.expression_attribute_names(name, *attribute);
            }
        }
        let answer = request.send().await.map_err(|error| self.failed("GetItem", &error))?;
        Ok(answer.item)
    }
}

fn format(item: &Item) -> Result<Format, String> {
    match text(item, "format")? {
        None | Some("yaml") => Ok(Format::Yaml),
        Some("json") => Ok(Format::Json),
        Some(other) => Err(format!("`format` is `{other}`, not `yaml` or `json`")),
    }
}

fn number(item: &Item, name: &str) -> Result<usize, String> {
    let number = item.get(name).and_then(|value| value.as_n().ok()?.parse().ok());
    let number = number.filter(|number| *number <= MOST);
    number.ok_or_else(|| format!("lacks the whole number `{name}` of at most {MOST}"))
}
