//! The lines of the access log against their published schemas.

use jsonschema::Validator;
use serde_json::Value;
use std::path::Path;
use std::sync::LazyLock;

static SCHEMAS: LazyLock<[(&str, Validator); 3]> = LazyLock::new(|| {
    [("access", "access-log"), ("handshakeFailure", "handshake-failure"), ("protocolError", "protocol-error")].map(
        |(event, name)| {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("schema/{name}.schema.json"));
            let schema: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
            assert!(jsonschema::meta::is_valid(&schema), "{name}");
            (event, jsonschema::validator_for(&schema).unwrap())
        },
    )
});

/// What is wrong with a line; nothing, if it is as documented.
pub fn problems(line: &Value) -> Vec<String> {
    match SCHEMAS.iter().find(|(event, _)| line["event"] == *event) {
        Some((_, schema)) => schema.iter_errors(line).map(|error| error.to_string()).collect(),
        // The embedded metric format has a schema of its own, CloudWatch's.
        None if line.get("_aws").is_some() => Vec::new(),
        None => vec![format!("`{}` is an event that nobody documented", line["event"])],
    }
}

/// Holds each complete line of a log against its schema.
#[track_caller]
pub fn check(log: &str) {
    for line in log.split_inclusive('\n').filter(|line| line.ends_with('\n')) {
        let problems = problems(&serde_json::from_str(line).unwrap_or_default());
        assert!(problems.is_empty() || std::thread::panicking(), "{problems:?} in {line}");
    }
}
