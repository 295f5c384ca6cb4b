//! An item as an entry of a list: field for field what the file says, which one parser reads.

use std::fmt::Debug;

use policy::deny_list::DenyListEntry;
use policy::inventory::InventoryEntry;
use serde_json::{Map, Value};

use super::item::{Item, epoch, text};

/// An entry of a table that [`super::Rows`] follows.
pub trait Entry: Clone + PartialEq + Debug + Send + Sync + 'static {
    /// The partition key.
    const KEY: &'static str;

    /// Reads an item that is not withdrawn; attributes that are not the entry's are other people's.
    fn from_item(key: &str, item: &Item) -> Result<Self, String>;
}

impl Entry for DenyListEntry {
    const KEY: &'static str = "pk";

    fn from_item(key: &str, item: &Item) -> Result<Self, String> {
        let subject = match key.split_once('#') {
            Some(("serial", serial)) => ("serialNumber", serial),
            Some(("identity", identity)) => ("identity", identity),
            Some(("account", account)) => ("account", account),
            _ => return Err("`pk` must begin with `serial#`, `identity#` or `account#`".to_owned()),
        };
        let by_key: Self = entry(fields([subject]))?;
        // Whom it denies is certain, only how far is not: it denies without limit rather than hold up every other entry.
        Ok(in_full(item, subject, &by_key).unwrap_or_else(|fault| {
            tracing::warn!(
                key,
                fault,
                "malformed deny-list item; its subject is denied without limit until it is corrected"
            );
            by_key
        }))
    }
}

/// The entry with all its attributes; `by_key` is what its key alone says.
fn in_full(item: &Item, subject: (&str, &str), by_key: &DenyListEntry) -> Result<DenyListEntry, String> {
    let mut said = strings(item, &["serialNumber", "identity", "account"])?;
    if said.is_empty() {
        said = fields([subject]);
    }
    said.extend(strings(item, &["certificateAuthority", "reason", "requestedBy", "at", "expires", "issuedBefore"])?);
    let mut entry: DenyListEntry = entry(said)?;
    if entry.subject != by_key.subject {
        return Err(format!("its attributes name `{}`", entry.key()));
    }
    entry.expires = entry.expires.or(epoch(item, "expiresEpoch")?);
    Ok(entry)
}

impl Entry for InventoryEntry {
    const KEY: &'static str = "endpointId";

    fn from_item(_key: &str, item: &Item) -> Result<Self, String> {
        entry(strings(item, &["endpointId", "account", "serviceId", "state"])?)
    }
}

fn fields<'a>(fields: impl IntoIterator<Item = (&'a str, &'a str)>) -> Map<String, Value> {
    fields.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect()
}

/// Those of the attributes that are there.
fn strings(item: &Item, names: &[&str]) -> Result<Map<String, Value>, String> {
    let mut present = Vec::new();
    for name in names {
        present.extend(text(item, name)?.map(|value| (*name, value)));
    }
    Ok(fields(present))
}

fn entry<E: serde::de::DeserializeOwned>(fields: Map<String, Value>) -> Result<E, String> {
    serde_json::from_value(Value::Object(fields)).map_err(|error| error.to_string())
}
