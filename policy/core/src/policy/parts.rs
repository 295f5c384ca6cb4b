//! An access policy in parts, for stores whose items are smaller than a policy may be.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::{Policy, PolicyError};
use crate::document::as_json;
use crate::{Format, Revision};

/// An access policy taken apart: each part is JSON, with its keys in order and no white space, so that the same policy
/// gives the same parts however it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyParts {
    /// Everything but the two lists: an object.
    pub head: String,
    /// The entries of `endpoints.consumers`, in order: an object each.
    pub consumers: Vec<String>,
    /// The entries of `callers`, in order: an object each.
    pub callers: Vec<String>,
}

/// A head that is no object: these are no parts of a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the head of the policy is not a JSON object")]
pub struct NoHead;

impl PolicyParts {
    /// Checks a document and takes it apart.
    ///
    /// # Errors
    /// Everything that is wrong with it, as [`Policy::parse`] says it.
    pub fn split(bytes: &[u8], format: Format, name: &str) -> Result<Self, PolicyError> {
        Policy::parse(bytes, format, name, Revision::from("unpublished"))?;
        let json = as_json(bytes, format, name)?;
        // What was checked is an object with lists of objects in it.
        Ok(Self::of(&json).unwrap_or_else(|_| Self { head: json.into(), consumers: Vec::new(), callers: Vec::new() }))
    }

    fn of(json: &str) -> serde_json::Result<Self> {
        let mut document: Object = serde_json::from_str(json)?;
        let mut endpoints: Object = document.remove("endpoints").map_or(Ok(Object::new()), |raw| read(&raw))?;
        let (consumers, callers) = (list(endpoints.remove("consumers"))?, list(document.remove("callers"))?);
        let mut head = values(document)?;
        head.insert("endpoints".to_owned(), Value::Object(values(endpoints)?));
        Ok(Self { head: sorted(Value::Object(head)).to_string(), consumers, callers })
    }

    /// The document, in JSON: an entry a line.
    ///
    /// # Errors
    /// The head is not one.
    pub fn join(&self) -> Result<Vec<u8>, NoHead> {
        let mut head: Map<String, Value> = serde_json::from_str(&self.head).map_err(|_| NoHead)?;
        let endpoints = match head.remove("endpoints") {
            Some(Value::Object(endpoints)) => endpoints,
            Some(_) => return Err(NoHead),
            None => Map::new(),
        };
        let lists = self.consumers.iter().chain(&self.callers).map(|entry| entry.len() + 2).sum::<usize>();
        let mut text = String::with_capacity(lists + self.head.len() + 64);
        text.push('{');
        members(&mut text, &head);
        text.push_str("\"endpoints\":{");
        members(&mut text, &endpoints);
        entries(&mut text, "consumers", &self.consumers);
        text.push_str("},");
        entries(&mut text, "callers", &self.callers);
        text.push('}');
        Ok(text.into_bytes())
    }
}

type Object = BTreeMap<String, Box<RawValue>>;

fn read<'a, T: Deserialize<'a>>(raw: &'a RawValue) -> serde_json::Result<T> {
    serde_json::from_str(raw.get())
}

/// In one order, whatever serde_json's features make of it.
fn sorted(mut value: Value) -> Value {
    value.sort_all_objects();
    value
}

fn values(object: Object) -> serde_json::Result<Map<String, Value>> {
    object.into_iter().map(|(key, raw)| Ok((key, read(&raw)?))).collect()
}

fn list(raw: Option<Box<RawValue>>) -> serde_json::Result<Vec<String>> {
    let Some(raw) = raw else { return Ok(Vec::new()) };
    let entries: Vec<&RawValue> = read(&raw)?;
    entries.into_iter().map(|entry| Ok(sorted(read(entry)?).to_string())).collect()
}

/// Each with a comma behind it.
fn members(text: &mut String, object: &Map<String, Value>) {
    for (key, value) in object {
        text.push_str(&format!("{}:{value},", Value::from(key.as_str())));
    }
}

fn entries(text: &mut String, key: &str, entries: &[String]) {
    text.push_str(&format!("\"{key}\":["));
    for (index, entry) in entries.iter().enumerate() {
        text.push_str(if index == 0 { "\n" } else { ",\n" });
        text.push_str(entry);
    }
    text.push(']');
}

#[cfg(test)]
mod tests {
    use super::*;

    const YAML: &str = "version: 1\ntrustDomain: a.example\nendpoints:\n  unlisted: hold\n  consumers:\n  - \
                        {name: b, account: \"123456789012\"}\n  - account: \"210987654321\"\ncallers:\n- identity: \
                        spiffe://a.example/x\n  validUntil: 2027-03-31T00:00:00Z\n  permit: [{paths: [/v1]}]\n";

    fn split(text: &str, format: Format) -> PolicyParts {
        PolicyParts::split(text.as_bytes(), format, "f").unwrap()
    }

    #[test]
    fn a_policy_is_taken_apart_and_put_together_again() {
        let parts = split(YAML, Format::Yaml);
        assert_eq!(parts.head, r#"{"endpoints":{"unlisted":"hold"},"trustDomain":"a.example","version":1}"#);
        assert_eq!(parts.consumers, [r#"{"account":"123456789012","name":"b"}"#, r#"{"account":"210987654321"}"#]);
        let caller =
            r#"{"identity":"spiffe://a.example/x","permit":[{"paths":["/v1"]}],"validUntil":"2027-03-31T00:00:00Z"}"#;
        assert_eq!(parts.callers, [caller]);
        let joined = parts.join().unwrap();
        let policy = Policy::parse(&joined, Format::Json, "f", Revision::from("r")).unwrap();
        assert_eq!((policy.callers_len(), policy.endpoints().consumers().len()), (1, 2));
        assert_eq!(split(str::from_utf8(&joined).unwrap(), Format::Json), parts, "the same policy, the same parts");
    }

    #[test]
    fn a_policy_without_lists_has_parts_too() {
        let parts = split("\u{feff}{\"version\": 1, \"trustDomain\": \"a\"}", Format::Json);
        assert_eq!((parts.consumers.len(), parts.callers.len()), (0, 0));
        assert!(Policy::parse(&parts.join().unwrap(), Format::Json, "f", Revision::from("r")).is_ok());
    }

    #[test]
    fn what_is_no_policy_has_no_parts() {
        let error = PolicyParts::split(b"version: 2", Format::Yaml, "access.yaml").unwrap_err();
        assert!(error.to_string().starts_with("access.yaml:1:"), "{error}");
        for head in ["", "[]", "7", r#"{"endpoints":[]}"#] {
            let parts = PolicyParts { head: head.into(), consumers: Vec::new(), callers: Vec::new() };
            assert_eq!(parts.join(), Err(NoHead), "{head}");
        }
    }
}
