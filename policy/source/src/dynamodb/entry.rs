//! An item as an entry of a list: field for field what the file says, which one parser reads.

use std::fmt::Debug;

use policy::Timestamp;
use policy::deny_list::{DenyList, DenyListEntry, Subject};
use policy::inventory::{Inventory, InventoryEntry};
use serde_json::{Map, Value};

use super::item::{Item, epoch, flag, text};

/// A list whose entries are a table's items, and that changes with them one by one.
pub trait Listed: Clone + Default + Debug + Send + Sync + 'static {
    /// The partition key.
    const KEY: &'static str;

    type Entry: Debug + Send + 'static;

    /// Reads an item; attributes that are not the entry's are other people's.
    fn read(key: &str, item: &Item) -> Said<Self::Entry>;

    /// Whether that changed anything.
    fn put_item(&mut self, key: &str, entry: Self::Entry) -> bool;

    /// Whether that changed anything.
    fn withdraw_item(&mut self, key: &str) -> bool;

    /// The keys that `seen` does not know.
    fn unseen(&self, seen: &dyn Fn(&str) -> bool) -> Vec<String>;

    fn entries_len(&self) -> usize;
}

/// What an item says.
#[derive(Debug)]
pub struct Said<E> {
    /// `None`: it is withdrawn, has expired, or names nobody.
    pub(super) entry: Option<E>,
    /// What is wrong with it.
    pub(super) fault: Option<String>,
}

impl<E> Said<E> {
    fn nothing() -> Self {
        Self { entry: None, fault: None }
    }

    fn fault(fault: String) -> Self {
        Self { entry: None, fault: Some(fault) }
    }
}

impl Listed for DenyList {
    const KEY: &'static str = "pk";

    type Entry = DenyListEntry;

    /// What has expired is nothing: TTL may take days to delete it.
    fn read(key: &str, item: &Item) -> Said<DenyListEntry> {
        let subject = match key.parse::<Subject>() {
            Ok(subject) => subject,
            Err(error) => return Said::fault(error.to_string()),
        };
        match flag(item, "withdrawn").and_then(|withdrawn| Ok((withdrawn, in_full(item, key, &subject)?))) {
            Ok((Some(true), _)) => Said::nothing(),
            Ok((_, entry)) if entry.expires.is_some_and(|expires| expires <= Timestamp::now()) => Said::nothing(),
            Ok((_, entry)) => Said { entry: Some(entry), fault: None },
            // Whom it denies is certain, only how far is not.
            Err(fault) => Said {
                entry: Some(subject.into()),
                fault: Some(format!("{fault}; it denies its subject without limit")),
            },
        }
    }

    fn put_item(&mut self, key: &str, entry: DenyListEntry) -> bool {
        self.put(key, entry)
    }

    fn withdraw_item(&mut self, key: &str) -> bool {
        self.withdraw(key)
    }

    fn unseen(&self, seen: &dyn Fn(&str) -> bool) -> Vec<String> {
        self.keys().filter(|key| !seen(key)).map(String::from).collect()
    }

    fn entries_len(&self) -> usize {
        self.len()
    }
}

/// The entry with all its attributes.
fn in_full(item: &Item, key: &str, subject: &Subject) -> Result<DenyListEntry, String> {
    let mut said = strings(item, &["serialNumber", "identity", "account"])?;
    if said.is_empty() {
        said = of_key(key);
    }
    said.extend(strings(item, &["certificateAuthority", "reason", "requestedBy", "at", "expires", "issuedBefore"])?);
    let mut entry: DenyListEntry = entry(said)?;
    if entry.subject != *subject {
        return Err(format!("its attributes name `{}`", entry.key()));
    }
    entry.expires = entry.expires.or(epoch(item, "expiresEpoch")?);
    Ok(entry)
}

/// The attribute that the key stands for, if an item has none of its own.
fn of_key(key: &str) -> Map<String, Value> {
    let (kind, name) = key.split_once('#').unwrap_or_default();
    fields([(if kind == "serial" { "serialNumber" } else { kind }, name)])
}

impl Listed for Inventory {
    const KEY: &'static str = "endpointId";

    type Entry = InventoryEntry;

    /// An endpoint whose owner cannot be read has none, and nobody comes through it who must come from an account.
    fn read(_key: &str, item: &Item) -> Said<InventoryEntry> {
        let read = flag(item, "withdrawn").and_then(|withdrawn| match withdrawn {
            Some(true) => Ok(None),
            _ => entry(strings(item, &["endpointId", "account", "serviceId", "state"])?).map(Some),
        });
        read.map_or_else(Said::fault, |entry| Said { entry, fault: None })
    }

    fn put_item(&mut self, _key: &str, entry: InventoryEntry) -> bool {
        self.put(entry)
    }

    fn withdraw_item(&mut self, key: &str) -> bool {
        key.parse().is_ok_and(|endpoint| self.withdraw(&endpoint))
    }

    fn unseen(&self, seen: &dyn Fn(&str) -> bool) -> Vec<String> {
        self.endpoints().filter(|endpoint| !seen(endpoint.as_str())).map(ToString::to_string).collect()
    }

    fn entries_len(&self) -> usize {
        self.len()
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
