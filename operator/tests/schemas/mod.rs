//! What `--output json` prints, held against the schema of its command.

use std::path::Path;

use serde_json::Value;

/// Holds a document against the schema of the command whose arguments these are.
pub(crate) fn check(arguments: &[&str], document: &Value) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas");
    let words: Vec<&str> = arguments.iter().copied().take(2).collect();
    let names = [words.join("-"), words.first().copied().unwrap_or_default().to_owned()];
    let file = names.iter().map(|name| folder.join(format!("{name}.json"))).find(|file| file.exists());
    let file = file.unwrap_or_else(|| panic!("no schema for {words:?}"));
    let schema: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let errors: Vec<String> =
        validator.iter_errors(document).map(|error| format!("{} {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{}: {errors:#?}\n{document:#}", file.display());
}
