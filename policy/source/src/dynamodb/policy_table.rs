//! The access policy as an item; its format is described at [`crate::PolicySource`].

use aws_config::SdkConfig;
use aws_sdk_dynamodb::types::AttributeValue;
use policy::{Format, Revision};

use super::item::{Item, flag, required, text};
use super::{Table, TableError};
use crate::Document;

#[derive(Debug)]
pub(crate) struct PolicyTable {
    table: Table,
    last: Option<Revision>,
}

impl PolicyTable {
    pub(crate) fn new(table: &str, sdk: &SdkConfig) -> Self {
        Self { table: Table::new(table, sdk), last: None }
    }

    pub(crate) fn refuse(&mut self) {
        self.last = None;
    }

    /// The document if its revision is not the one given last.
    pub(crate) async fn fetch(&mut self) -> Result<Option<Document>, TableError> {
        if let Some(last) = &self.last {
            let meta = self.meta(Some("revision")).await?;
            if self.checked(required(&meta, "revision"))? == last.as_str() {
                return Ok(None);
            }
        }
        let meta = self.meta(None).await?;
        let document = self.checked(document(&meta, &self.table.name))?;
        self.last = Some(document.revision.clone());
        Ok(Some(document))
    }

    pub(crate) async fn frozen(&self) -> Result<bool, TableError> {
        let Some(item) = self.item("freeze", None).await? else { return Ok(false) };
        let frozen = flag(&item, "frozen").and_then(|flag| flag.ok_or_else(|| "lacks the boolean `frozen`".to_owned()));
        frozen.map_err(|cause| self.table.malformed("freeze", cause))
    }

    async fn meta(&self, attribute: Option<&str>) -> Result<Item, TableError> {
        self.item("meta", attribute).await?.ok_or_else(|| TableError::NoPolicy(self.table.name.clone()))
    }

    /// An item, or one attribute of it; strongly consistent.
    async fn item(&self, key: &str, attribute: Option<&str>) -> Result<Option<Item>, TableError> {
        let mut request = self.table.client.get_item().table_name(&self.table.name).consistent_read(true);
        request = request.key("pk", AttributeValue::S(key.to_owned()));
        if let Some(attribute) = attribute {
            request = request.projection_expression("#a").expression_attribute_names("#a", attribute);
        }
        let answer = request.send().await.map_err(|error| self.table.failed("GetItem", &error))?;
        Ok(answer.item)
    }

    fn checked<T>(&self, read: Result<T, String>) -> Result<T, TableError> {
        read.map_err(|cause| self.table.malformed("meta", cause))
    }
}

fn document(meta: &Item, table: &str) -> Result<Document, String> {
    let format = match text(meta, "format")? {
        None | Some("yaml") => Format::Yaml,
        Some("json") => Format::Json,
        Some(other) => return Err(format!("`format` is `{other}`, not `yaml` or `json`")),
    };
    Ok(Document {
        revision: Revision::from(required(meta, "revision")?),
        bytes: required(meta, "document")?.as_bytes().to_vec(),
        format,
        name: format!("dynamodb:{table} item `meta`"),
    })
}
