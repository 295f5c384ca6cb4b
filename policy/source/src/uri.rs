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
    /// `bundle:PATH`, `bundle:https://…` or `bundle:s3://…`: an OPA bundle.
    #[cfg(feature = "bundle")]
    Bundle(BundleUri),
}

/// Where a bundle is.
#[cfg(feature = "bundle")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BundleUri {
    /// A file; a relative path starts at the folder given to `open`.
    File(PathBuf),
    /// Behind a network.
    Remote(crate::remote::RemoteUri),
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
            _ => Duration::ZERO,
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
    #[error("`{0}` names no source; write `file:PATH`, `appconfig:APP/ENV/PROFILE`, `dynamodb:TABLE` or `bundle:PATH`")]
    Unknown(String),
    /// A source that exists by design, but not here.
    #[error("`{0}`: the source `{1}:` is not supported in this build; use `file:PATH` or `dynamodb:TABLE`")]
    NotSupported(String, String),
    /// `file:` with nothing behind it.
    #[error("`file:` lacks its path; write `file:PATH`")]
    NoPath,
    /// `bundle:` with nothing behind it, or what is no address.
    #[cfg(feature = "bundle")]
    #[error("`{uri}` names no bundle{cause}; write `bundle:PATH`, `bundle:https://…` or `bundle:s3://BUCKET/KEY`")]
    Bundle {
        /// As written.
        uri: String,
        /// What is wrong with the address, if there is one.
        cause: String,
    },
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
            #[cfg(feature = "bundle")]
            Some(("bundle", place)) => bundle(text, place),
            #[cfg(not(feature = "bundle"))]
            Some(("bundle", _)) => Err(SourceUriError::NotSupported(text.to_owned(), "bundle".to_owned())),
            Some((scheme @ ("secretsmanager" | "s3" | "https"), _)) => {
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

#[cfg(feature = "bundle")]
fn bundle(text: &str, place: &str) -> Result<SourceUri, SourceUriError> {
    let wrong = |cause: String| SourceUriError::Bundle { uri: text.to_owned(), cause };
    match place {
        "" => Err(wrong(String::new())),
        address if address.contains("://") => {
            let remote = address.parse().map_err(|error| wrong(format!(": {error}")))?;
            Ok(SourceUri::Bundle(BundleUri::Remote(remote)))
        }
        path => Ok(SourceUri::Bundle(BundleUri::File(PathBuf::from(path)))),
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
            Self::AppConfig(profile) => write!(f, "{profile}"),
            Self::DynamoDb(table) => write!(f, "dynamodb:{table}"),
            #[cfg(feature = "bundle")]
            Self::Bundle(BundleUri::File(path)) => write!(f, "bundle:{}", path.display()),
            #[cfg(feature = "bundle")]
            Self::Bundle(BundleUri::Remote(uri)) => write!(f, "bundle:{uri}"),
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
            "bundle:policy/bundle.tar.gz",
            "bundle:https://policies.example/bundles/linkward.tar.gz",
            "bundle:s3://policies/linkward.tar.gz",
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
    fn what_names_no_bundle_is_refused_with_the_reason() {
        for (text, says) in [
            ("bundle:", "`bundle:` names no bundle; write `bundle:PATH`"),
            ("bundle:ftp://host/bundle.tar.gz", "`ftp://host/bundle.tar.gz` names no remote object"),
            ("bundle:http://policies.example/bundle.tar.gz", "is not encrypted"),
            ("bundle:s3://policies", "names no object"),
        ] {
            let message = text.parse::<SourceUri>().unwrap_err().to_string();
            assert!(message.contains(says), "{message}");
        }
    }

    #[test]
    fn a_source_of_another_build_is_named() {
        let message = "secretsmanager:x".parse::<SourceUri>().unwrap_err().to_string();
        assert!(message.contains("`secretsmanager:` is not supported in this build"), "{message}");
    }
}
