//! The attributes of an item.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use policy::Timestamp;

pub(super) type Item = HashMap<String, AttributeValue>;

pub(super) fn text<'a>(item: &'a Item, name: &str) -> Result<Option<&'a str>, String> {
    match item.get(name) {
        None => Ok(None),
        Some(AttributeValue::S(text)) => Ok(Some(text)),
        Some(_) => Err(format!("`{name}` must be a string")),
    }
}

pub(super) fn required<'a>(item: &'a Item, name: &str) -> Result<&'a str, String> {
    text(item, name)?.ok_or_else(|| format!("lacks the string `{name}`"))
}

pub(super) fn flag(item: &Item, name: &str) -> Result<Option<bool>, String> {
    match item.get(name) {
        None => Ok(None),
        Some(AttributeValue::Bool(flag)) => Ok(Some(*flag)),
        Some(_) => Err(format!("`{name}` must be a boolean")),
    }
}

/// A time in whole seconds since 1970, as TTL wants it.
pub(super) fn epoch(item: &Item, name: &str) -> Result<Option<Timestamp>, String> {
    let seconds = |value: &AttributeValue| value.as_n().ok()?.parse().ok().and_then(|n| Timestamp::from_second(n).ok());
    match item.get(name) {
        None => Ok(None),
        Some(value) => match seconds(value) {
            Some(time) => Ok(Some(time)),
            None => Err(format!("`{name}` must be a number, in whole seconds since 1970")),
        },
    }
}
