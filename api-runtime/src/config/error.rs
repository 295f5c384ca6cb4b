//! Why there is no configuration.

use policy::edit_distance;
use serde_saphyr::DeserializeError;

/// Why there is no configuration; says where, and what to write instead.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// Neither a file nor an inline text.
    #[error("there is no configuration; give `--config FILE`, or put its text into LINKWARD_CONFIG")]
    Missing,
    /// The file is not there, not readable or not text.
    #[error("cannot read the configuration `{path}`")]
    Unreadable {
        /// As given.
        path: String,
        /// The system's word.
        source: std::io::Error,
    },
    /// Not YAML, an unknown key, or a value that is none.
    #[error("{name}:{line}:{column}: {message}")]
    Document {
        /// File, or variable.
        name: String,
        /// From 1; 0 when the parser does not know.
        line: u64,
        /// From 1; 0 when the parser does not know.
        column: u64,
        /// What is wrong there.
        message: String,
    },
    /// Each value is one, but together they make no sense.
    #[error("{name}: {}", problems.join("; "))]
    Invalid {
        /// File, or variable.
        name: String,
        /// One sentence each.
        problems: Vec<String>,
    },
}

impl ConfigError {
    pub(super) fn document(name: &str, error: &DeserializeError) -> Self {
        let error = error.without_snippet();
        let message = match error {
            DeserializeError::SerdeUnknownField { field, expected, .. } => unknown("key", field, expected),
            DeserializeError::SerdeUnknownVariant { variant, expected, .. } => unknown("value", variant, expected),
            DeserializeError::SerdeMissingField { field, .. } => format!("the key `{field}` is missing"),
            DeserializeError::DuplicateMappingKey { key: Some(key), .. } => format!("the key `{key}` appears twice"),
            DeserializeError::InvalidScalar { ty, .. } if ty.starts_with('u') => "expected a whole number".to_owned(),
            DeserializeError::Message { msg, .. } => msg.clone(),
            other => without_location(&other.to_string()),
        };
        let (line, column) = error.location().map_or((0, 0), |location| (location.line(), location.column()));
        Self::Document { name: name.to_owned(), line, column, message }
    }
}

/// The parser's messages end in a location of their own.
fn without_location(message: &str) -> String {
    let end = message.rfind(" at line ").unwrap_or(message.len());
    message.get(..end).unwrap_or(message).to_owned()
}

fn unknown(what: &str, word: &str, expected: &[&'static str]) -> String {
    match nearest(word, expected) {
        Some(near) => format!("unknown {what} `{word}`; did you mean `{near}`?"),
        None => format!("unknown {what} `{word}`; expected one of `{}`", expected.join("`, `")),
    }
}

/// The candidate nearest to `word`, whatever the case, unless half of its letters, or more than three, differ.
fn nearest<'a>(word: &str, candidates: &[&'a str]) -> Option<&'a str> {
    let word = word.to_lowercase();
    let near = |candidate: &&'a str| (edit_distance(&word, &candidate.to_lowercase()), *candidate);
    let (distance, candidate) = candidates.iter().map(near).min()?;
    (distance <= (word.chars().count() / 2).min(3)).then_some(candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_near_name_is_suggested() {
        let names = ["listen", "adminListen", "tls"];
        assert_eq!(nearest("listne", &names), Some("listen"));
        assert_eq!(nearest("adminlisten", &names), Some("adminListen"));
        assert_eq!(nearest("tsl", &names), None);
        assert_eq!(nearest("ssl", &names), None);
        assert_eq!(nearest("listen", &[]), None);
    }
}
