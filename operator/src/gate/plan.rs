//! The plan: what `terraform show -json` prints. <https://developer.hashicorp.com/terraform/internals/json-format>

use std::io::{self, Read as _};
use std::path::Path;

use serde_json::Value;

/// Why a file cannot be judged.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PlanError {
    #[error("cannot read `{name}`")]
    Unreadable { name: String, source: io::Error },
    #[error("`{name}` is Terraform's own file: give the gate what `terraform show -json {name}` prints")]
    Binary { name: String },
    #[error("`{name}` is not JSON: give the gate what `terraform show -json PLAN` prints")]
    NotJson { name: String, source: serde_json::Error },
    #[error(
        "`{name}` is a state, not a plan: give the gate what `terraform show -json PLAN` prints, with the file that `terraform plan -out=PLAN` wrote"
    )]
    State { name: String },
    #[error("`{name}` is not a plan: it has no {missing}")]
    NotAPlan { name: String, missing: &'static str },
    #[error("`{name}` has the format version `{version}`, and this gate reads 1: update `linkward`")]
    Version { name: String, version: String },
}

/// A plan that can be judged.
#[derive(Debug)]
pub(crate) struct Plan {
    name: String,
    text: String,
    resources: u64,
}

impl Plan {
    /// Reads a file, or standard input when the path is `-`.
    pub(crate) fn read(path: &Path) -> Result<Self, PlanError> {
        let name = path.display().to_string();
        let bytes = match name.as_str() {
            "-" => {
                let mut bytes = Vec::new();
                io::stdin().lock().read_to_end(&mut bytes).map(|_| bytes)
            }
            _ => std::fs::read(path),
        };
        match bytes {
            Ok(bytes) => Self::parse(name, &bytes),
            Err(source) => Err(PlanError::Unreadable { name, source }),
        }
    }

    fn parse(name: String, bytes: &[u8]) -> Result<Self, PlanError> {
        // A plan file is a zip, a state file is JSON of another form.
        if bytes.starts_with(b"PK\x03\x04") {
            return Err(PlanError::Binary { name });
        }
        let document: Value = match serde_json::from_slice(bytes) {
            Ok(document) => document,
            Err(source) => return Err(PlanError::NotJson { name, source }),
        };
        let Some(version) = document.get("format_version").and_then(Value::as_str) else {
            return Err(PlanError::NotAPlan { name, missing: "`format_version`" });
        };
        if version.split('.').next() != Some("1") {
            return Err(PlanError::Version { version: version.to_owned(), name });
        }
        if document.get("values").is_some() && document.get("planned_values").is_none() {
            return Err(PlanError::State { name });
        }
        let resources = match document.get("resource_changes") {
            Some(Value::Array(changes)) => changes.len() as u64,
            // Terraform leaves the list out when it is empty.
            None if document.get("planned_values").is_some() => 0,
            _ => return Err(PlanError::NotAPlan { name, missing: "list of `resource_changes`" }),
        };
        Ok(Self { name, text: document.to_string(), resources })
    }

    /// What it was called on the command line.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// How many resources it speaks of, data sources included.
    pub(crate) fn resources(&self) -> u64 {
        self.resources
    }

    /// The JSON text.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "test code")]

    use super::*;

    fn parse(text: &str) -> Result<Plan, String> {
        Plan::parse("p".to_owned(), text.as_bytes()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_plan_is_one_with_or_without_changes() {
        assert_eq!(parse(r#"{"format_version":"1.2","resource_changes":[{}]}"#).unwrap().resources(), 1);
        assert_eq!(parse(r#"{"format_version":"1.2","planned_values":{}}"#).unwrap().resources(), 0);
    }

    #[test]
    fn what_is_not_a_plan_is_said_to_be_what_it_is() {
        for (text, words) in [
            ("", "is not JSON"),
            ("PK\u{3}\u{4}…", "is Terraform's own file"),
            ("[]", "no `format_version`"),
            ("{}", "no `format_version`"),
            (r#"{"format_version":1.2,"resource_changes":[]}"#, "no `format_version`"),
            (r#"{"format_version":"2.0","resource_changes":[]}"#, "format version `2.0`"),
            (r#"{"format_version":"1.0","values":{}}"#, "is a state"),
            (r#"{"format_version":"1.2"}"#, "no list of `resource_changes`"),
            (r#"{"format_version":"1.2","planned_values":{},"resource_changes":{}}"#, "no list of `resource_changes`"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(words), "{text}: {error}");
        }
    }
}
