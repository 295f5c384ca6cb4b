//! The project's events: their samples, and what their schemas say.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

pub use crate::mutations::mutations;
use crate::schema;

fn folder(event: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../events").join(event)
}

fn seeds_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/seeds/event")
}

fn read(path: &Path) -> Value {
    let text = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_slice(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The `samples` or the `invalid` ones of an event: at least one, each with the name of its file.
#[must_use]
pub fn samples(event: &str, kind: &str) -> Vec<(String, Value)> {
    within(&folder(event).join(kind)).iter().map(|path| (name(path), read(path))).collect()
}

/// The `malformed` or the `odd` events of the fuzz corpus that are meant for a function. Of a malformed one the part of the
/// name before `--` is the field that the function must name; an odd one it takes.
#[must_use]
pub fn seeds(function: &str, kind: &str) -> Vec<(String, Value)> {
    within(&seeds_folder().join(function).join(kind)).iter().map(|path| (name(path), read(path))).collect()
}

/// What is no JSON, and so never becomes an event, of the fuzz corpus.
#[must_use]
pub fn no_json() -> Vec<(String, Vec<u8>)> {
    within(&seeds_folder().join("no-json")).iter().map(|path| (name(path), fs::read(path).unwrap())).collect()
}

/// Every event there is, whomever it is meant for: the fuzz corpus, and the samples and invalid samples of all events.
#[must_use]
pub fn all() -> Vec<(String, Value)> {
    let seeds = within(&seeds_folder()).into_iter().filter(|folder| !folder.ends_with("no-json"));
    let mut folders: Vec<_> = seeds.chain(within(&folder(""))).collect();
    let mut events = Vec::new();
    while let Some(path) = folders.pop() {
        if path.is_dir() {
            folders.extend(within(&path));
        } else if !path.ends_with("README.md") {
            events.push((path.display().to_string(), read(&path)));
        }
    }
    events
}

/// What is in a folder, which is not empty.
fn within(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(!paths.is_empty(), "{} is empty", folder.display());
    paths
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
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

/// Panics unless an error begins with the field that the name of an invalid sample, or of a malformed seed, says.
pub fn names_its_field(error: &str, name: &str) {
    let field = name.split("--").next().unwrap_or_default();
    assert!(error.starts_with(&format!("field `{field}` ")), "{name}: {error}");
}

/// Panics unless an error of a function names the field that is wrong, and is no longer than anybody reads.
pub fn names_the_field(error: &str, what: &str) {
    let field = error.strip_prefix("field `").and_then(|rest| rest.split_once("` "));
    assert!(field.is_some_and(|(_, problem)| !problem.is_empty()), "{what}: {error}");
    assert!(error.chars().count() < 900, "{what}: {error}");
}
