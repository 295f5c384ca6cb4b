//! `events/`: every sample is what its schema and its pattern say, every invalid one is not.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "test code")]

use std::path::{Path, PathBuf};

use serde_json::Value;

/// PrivateLink's notification comes through SNS, a rotation's step from Secrets Manager itself: no rule matches them.
const WITHOUT_PATTERN: &[&str] = &["connection-notification", "secret-rotation"];

fn events() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../events");
    let mut events: Vec<_> =
        folder.read_dir().unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()).collect();
    events.sort();
    assert!(events.len() >= 11, "{events:?}");
    events
}

fn read(path: &Path) -> Value {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn all(folder: PathBuf) -> Vec<(String, Value)> {
    let files: Vec<_> = folder.read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(!files.is_empty(), "{}", folder.display());
    files.into_iter().map(|path| (path.display().to_string(), read(&path))).collect()
}

/// As much of EventBridge's matching as our patterns use: exact values, `exists`, `prefix`.
fn matches(pattern: &Value, event: &Value) -> bool {
    pattern.as_object().unwrap().iter().all(|(name, pattern)| match pattern {
        Value::Object(_) => event.get(name).is_some_and(|event| event.is_object() && matches(pattern, event)),
        Value::Array(choices) => choices.iter().any(|choice| chosen(choice, event.get(name))),
        other => panic!("`{name}` is `{other}`, which no pattern may hold"),
    })
}

fn chosen(choice: &Value, value: Option<&Value>) -> bool {
    let Some(filter) = choice.as_object() else { return value == Some(choice) };
    match filter.iter().next().unwrap() {
        (name, Value::Bool(exists)) if name == "exists" => value.is_some() == *exists,
        (name, Value::String(prefix)) if name == "prefix" => {
            value.and_then(Value::as_str).is_some_and(|text| text.starts_with(prefix))
        }
        other => panic!("the filter {other:?} is not read here yet"),
    }
}

#[test]
fn every_sample_passes_schema_and_pattern() {
    for event in events() {
        let schema = read(&event.join("schema.json"));
        assert!(jsonschema::meta::is_valid(&schema), "{}", event.display());
        let schema = jsonschema::validator_for(&schema).unwrap();
        for (name, sample) in all(event.join("samples")) {
            let errors: Vec<_> = schema.iter_errors(&sample).map(|error| error.to_string()).collect();
            assert!(errors.is_empty(), "{name}: {errors:?}");
            if !WITHOUT_PATTERN.iter().any(|without| event.ends_with(without)) {
                assert!(matches(&read(&event.join("pattern.json")), &sample), "{name} does not match the pattern");
            }
        }
    }
}

#[test]
fn no_invalid_sample_passes_the_schema() {
    for event in events() {
        let schema = jsonschema::validator_for(&read(&event.join("schema.json"))).unwrap();
        for (name, sample) in all(event.join("invalid")) {
            assert!(!schema.is_valid(&sample), "{name} passes the schema");
        }
    }
}

#[test]
fn a_sample_matches_the_pattern_of_its_own_event_only() {
    let patterned: Vec<_> = events().into_iter().filter(|event| event.join("pattern.json").exists()).collect();
    for event in &patterned {
        for other in patterned.iter().filter(|other| *other != event) {
            for (name, sample) in all(event.join("samples")) {
                let pattern = read(&other.join("pattern.json"));
                assert!(!matches(&pattern, &sample), "{name} matches the pattern of {}", other.display());
            }
        }
    }
}
