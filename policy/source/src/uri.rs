//! How a configuration names a source.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// A source as written in a configuration: `file:PATH` or `dynamodb:TABLE`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SourceUri {
    /// `file:PATH`; a relative path starts at the folder given to `open`.
    File(PathBuf),
    /// `dynamodb:TABLE`, a table's name or ARN.
    DynamoDb(String),
}

/// Why a text names no source.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SourceUriError {
    /// It has no known scheme.
    #[error("`{0}` names no source; write `file:PATH` or `dynamodb:TABLE`")]
    Unknown(String),
    /// A source that exists by design, but not here.
    #[error("`{0}`: the source `{1}:` is not supported in this build; use `file:PATH` or `dynamodb:TABLE`")]
    NotSupported(String, String),
    /// `file:` with nothing behind it.
    #[error("`file:` lacks its path; write `file:PATH`")]
    NoPath,
    /// Not what DynamoDB takes as a table's name or ARN.
    #[error("`{0}` is not a table's name; write `dynamodb:` and a name of letters, digits, `_`, `.`, `-`, or an ARN")]
    TableName(String),
}

impl FromStr for SourceUri {
    type Err = SourceUriError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once(':') {
            Some(("file", "")) => Err(SourceUriError::NoPath),
            Some(("file", path)) => Ok(Self::File(PathBuf::from(path))),
            Some(("dynamodb", table)) => table_name(table),
            Some((scheme @ ("appconfig" | "bundle" | "secretsmanager" | "s3" | "https"), _)) => {
                Err(SourceUriError::NotSupported(text.to_owned(), scheme.to_owned()))
            }
            _ => Err(SourceUriError::Unknown(text.to_owned())),
        }
    }
}

fn table_name(table: &str) -> Result<SourceUri, SourceUriError> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    let in_arn = |c: char| allowed(c) || ":/".contains(c);
    let valid = if table.starts_with("arn:") { table.chars().all(in_arn) } else { table.chars().all(allowed) };
    match valid && table.len() >= 3 {
        true => Ok(SourceUri::DynamoDb(table.to_owned())),
        false => Err(SourceUriError::TableName(table.to_owned())),
    }
}

impl fmt::Display for SourceUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "file:{}", path.display()),
            Self::DynamoDb(table) => write!(f, "dynamodb:{table}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_is_what_was_written() {
        for text in [
            "file:access.yaml",
            "file:/etc/linkward/a b.json",
            "file:C:odd",
            "dynamodb:access-policy",
            "dynamodb:arn:aws:dynamodb:eu-west-1:123456789012:table/access-policy",
        ] {
            assert_eq!(text.parse::<SourceUri>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_names_no_source_is_refused_with_the_remedy() {
        let unknown = |text: &str| SourceUriError::Unknown(text.into());
        let table = |text: &str| SourceUriError::TableName(text.into());
        for (text, error) in [
            ("access.yaml", unknown("access.yaml")),
            ("", unknown("")),
            ("FILE:access.yaml", unknown("FILE:access.yaml")),
            ("file:", SourceUriError::NoPath),
            ("dynamodb:", table("")),
            ("dynamodb:ab", table("ab")),
            ("dynamodb:my table", table("my table")),
            ("dynamodb:table/x", table("table/x")),
        ] {
            assert_eq!(text.parse::<SourceUri>().unwrap_err(), error, "{text}");
        }
    }

    #[test]
    fn a_source_of_another_build_is_named() {
        for scheme in ["appconfig", "bundle"] {
            let message = format!("{scheme}:x").parse::<SourceUri>().unwrap_err().to_string();
            assert!(message.contains(&format!("`{scheme}:` is not supported in this build")), "{message}");
        }
    }
}
