//! How a configuration names a source.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

/// A source as written in a configuration: `file:PATH`, `appconfig:APP/ENV/PROFILE` or `dynamodb:TABLE`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SourceUri {
    /// `file:PATH`; a relative path starts at the folder given to `open`.
    File(PathBuf),
    /// `appconfig:APP/ENV/PROFILE`; of the access policy alone.
    AppConfig(AppConfigProfile),
    /// `dynamodb:TABLE`, a table's name or ARN.
    DynamoDb(String),
}

/// What AppConfig deploys: a configuration profile in an environment of an application, each by its name or its id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppConfigProfile {
    /// The application.
    pub application: String,
    /// The environment.
    pub environment: String,
    /// The configuration profile.
    pub profile: String,
}

impl fmt::Display for AppConfigProfile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "appconfig:{}/{}/{}", self.application, self.environment, self.profile)
    }
}

impl SourceUri {
    /// No refresh is shorter, whatever a configuration says.
    #[must_use]
    pub fn shortest_refresh(&self) -> Duration {
        match self {
            Self::AppConfig(_) => APPCONFIG_INTERVAL,
            Self::File(_) | Self::DynamoDb(_) => Duration::ZERO,
        }
    }
}

/// The shortest interval that AppConfig grants a session.
pub(crate) const APPCONFIG_INTERVAL: Duration = Duration::from_secs(15);

/// Why a text names no source.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SourceUriError {
    /// It has no known scheme.
    #[error("`{0}` names no source; write `file:PATH`, `appconfig:APP/ENV/PROFILE` or `dynamodb:TABLE`")]
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
    /// Not three names.
    #[error(
        "`{0}` names no configuration profile; write `appconfig:APP/ENV/PROFILE`, names or ids of 1 to 128 characters"
    )]
    AppConfig(String),
}

impl FromStr for SourceUri {
    type Err = SourceUriError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once(':') {
            Some(("file", "")) => Err(SourceUriError::NoPath),
            Some(("file", path)) => Ok(Self::File(PathBuf::from(path))),
            Some(("dynamodb", table)) => table_name(table),
            Some(("appconfig", path)) => profile(path).ok_or_else(|| SourceUriError::AppConfig(text.to_owned())),
            Some((scheme @ ("bundle" | "secretsmanager" | "s3" | "https"), _)) => {
                Err(SourceUriError::NotSupported(text.to_owned(), scheme.to_owned()))
            }
            _ => Err(SourceUriError::Unknown(text.to_owned())),
        }
    }
}

fn profile(path: &str) -> Option<SourceUri> {
    let named = |name: &&str| (1..=128).contains(&name.len()) && !name.chars().any(char::is_control);
    let mut names = path.split('/').map(|name| Some(name).filter(named).map(str::to_owned));
    let (application, environment, profile) = (names.next()??, names.next()??, names.next()??);
    let profile = AppConfigProfile { application, environment, profile };
    names.next().is_none().then_some(SourceUri::AppConfig(profile))
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
            Self::AppConfig(profile) => write!(f, "{profile}"),
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
            "appconfig:linkward/prod/access policy",
            "dynamodb:access-policy",
            "dynamodb:arn:aws:dynamodb:eu-west-1:123456789012:table/access-policy",
        ] {
            assert_eq!(text.parse::<SourceUri>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_names_no_source_is_refused_with_the_remedy() {
        let unknown = |text: &str| SourceUriError::Unknown(text.into());
        let profile = |text: &str| SourceUriError::AppConfig(text.into());
        let table = |text: &str| SourceUriError::TableName(text.into());
        for (text, error) in [
            ("access.yaml", unknown("access.yaml")),
            ("", unknown("")),
            ("FILE:access.yaml", unknown("FILE:access.yaml")),
            ("file:", SourceUriError::NoPath),
            ("appconfig:", profile("appconfig:")),
            ("appconfig:a/b", profile("appconfig:a/b")),
            ("appconfig:a//c", profile("appconfig:a//c")),
            ("appconfig:a/b/c/d", profile("appconfig:a/b/c/d")),
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
        let message = "bundle:x".parse::<SourceUri>().unwrap_err().to_string();
        assert!(message.contains("`bundle:` is not supported in this build"), "{message}");
    }
}
