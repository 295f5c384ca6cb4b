//! `data.json` and `data.yaml` of each folder, put together to what Rego sees as `data`.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::BundleError;
use super::manifest::is_below;

/// All of it.
pub(super) fn read(files: &BTreeMap<String, &[u8]>, roots: &[String]) -> Result<Value, BundleError> {
    let mut data = Map::new();
    for (path, bytes) in files {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        let value = match name {
            "data.json" => serde_json::from_slice(bytes).map_err(|error| BundleError::file(path, error))?,
            "data.yaml" | "data.yml" => from_yaml(path, bytes)?,
            _ => continue,
        };
        insert(&mut data, path, folder, value)?;
    }
    for (key, value) in &data {
        check_roots(key, value, roots)?;
    }
    Ok(Value::Object(data))
}

/// As OPA, which makes JSON of it.
pub(super) fn from_yaml(path: &str, bytes: &[u8]) -> Result<Value, BundleError> {
    let text = str::from_utf8(bytes).map_err(|error| BundleError::file(path, error))?;
    serde_saphyr::from_str(text).map_err(|error| BundleError::file(path, error))
}

/// The value of a folder's file is that of the folder; only that of the top has to be an object.
fn insert(data: &mut Map<String, Value>, file: &str, folder: &str, value: Value) -> Result<(), BundleError> {
    let mut nested = value;
    for segment in folder.rsplit('/').filter(|segment| !segment.is_empty()) {
        nested = Value::Object(Map::from_iter([(segment.to_owned(), nested)]));
    }
    match nested {
        Value::Object(nested) => merge(data, nested).map_err(|key| conflict(file, &key)),
        _ => Err(BundleError::file(file, "its value must be an object")),
    }
}

/// # Errors
/// The key that both give a value, not both an object.
fn merge(place: &mut Map<String, Value>, more: Map<String, Value>) -> Result<(), String> {
    for (key, value) in more {
        match (place.get_mut(&key), value) {
            (None, value) => _ = place.insert(key, value),
            (Some(Value::Object(below)), Value::Object(more)) => merge(below, more)?,
            (Some(_), _) => return Err(key),
        }
    }
    Ok(())
}

fn conflict(file: &str, key: &str) -> BundleError {
    BundleError::file(file, format!("`{key}` has a value from another data file too; keep one"))
}

fn check_roots(path: &str, value: &Value, roots: &[String]) -> Result<(), BundleError> {
    if roots.iter().any(|root| is_below(path, root)) {
        return Ok(());
    }
    match value {
        Value::Object(below) if roots.iter().any(|root| is_below(root, path)) => {
            below.iter().try_for_each(|(key, value)| check_roots(&format!("{path}/{key}"), value, roots))
        }
        _ => Err(BundleError::Roots(format!("the bundle has data at `/{path}`, outside of its roots"))),
    }
}
