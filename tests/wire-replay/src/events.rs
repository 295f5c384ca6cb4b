//! The project's events: their samples, and what their schemas say.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

pub use crate::mutations::mutations;
use crate::schema;

fn folder(event: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../events").join(event)
}

fn read(path: &Path) -> Value {
    let text = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_slice(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The `samples` or the `invalid` ones of an event: at least one, each with the name of its file.
#[must_use]
pub fn samples(event: &str, kind: &str) -> Vec<(String, Value)> {
    let mut paths: Vec<_> =
        fs::read_dir(folder(event).join(kind)).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(!paths.is_empty(), "{event} has no {kind}");
    let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    paths.iter().map(|path| (name(path), read(path))).collect()
}

/// Panics unless the detail of an audit event is what its schema says, but for patterns.
pub fn conforms(detail_type: &str, detail: &Value) {
    let schema = read(&folder(&detail_type.to_lowercase().replace(' ', "-")).join("schema.json"));
    let fault = schema::fault(&schema["properties"]["detail"], detail, "detail");
    assert_eq!(fault, None, "{detail_type}: {detail}");
}

/// Panics if a function takes an event whose schema refuses its detail, or the whole of it where there is no detail.
pub fn may_be_taken(event: &str, value: &Value, what: &str) {
    let schema = read(&folder(event).join("schema.json"));
    let fault = match schema["properties"].get("detail") {
        Some(detail) => schema::fault(detail, &value["detail"], "detail"),
        None => schema::fault(&schema, value, "event"),
    };
    assert_eq!(fault, None, "{event}/{what}: taken");
}

/// Panics unless an error of a function names the field that is wrong, and is no longer than anybody reads.
pub fn names_the_field(error: &str, what: &str) {
    let field = error.strip_prefix("field `").and_then(|rest| rest.split_once("` "));
    assert!(field.is_some_and(|(_, problem)| !problem.is_empty()), "{what}: {error}");
    assert!(error.chars().count() < 900, "{what}: {error}");
}
