//! Where the parts of our trust come from: files, or a network.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use policy_source::SecretId;
use policy_source::remote::RemoteUri;
use serde::{Deserialize, Deserializer};

use super::scalar;

/// Where our certificate chain or its key is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OwnPart {
    /// In a file, in PEM.
    File(PathBuf),
    /// In Secrets Manager: `secretsmanager:ARN`.
    Secret(SecretId),
}

/// Where a CRL is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CrlPart {
    /// In a file.
    File(PathBuf),
    /// Behind a network: `https://…` or `s3://BUCKET/KEY`.
    Remote(RemoteUri),
}

impl OwnPart {
    pub(super) fn path_mut(&mut self) -> Option<&mut PathBuf> {
        match self {
            Self::File(path) => Some(path),
            Self::Secret(_) => None,
        }
    }
}

impl CrlPart {
    pub(super) fn path_mut(&mut self) -> Option<&mut PathBuf> {
        match self {
            Self::File(path) => Some(path),
            Self::Remote(_) => None,
        }
    }
}

impl FromStr for OwnPart {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.starts_with("secretsmanager:") {
            true => text.parse().map(Self::Secret).map_err(|error: policy_source::SecretIdError| error.to_string()),
            false => local(text, "a file, or `secretsmanager:ARN`").map(Self::File),
        }
    }
}

impl FromStr for CrlPart {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match ["https:", "http:", "s3:"].iter().any(|scheme| text.starts_with(scheme)) {
            true => {
                text.parse().map(Self::Remote).map_err(|error: policy_source::remote::RemoteUriError| error.to_string())
            }
            false => local(text, "a file, `https://…` or `s3://BUCKET/KEY`").map(Self::File),
        }
    }
}

/// A path on this machine; what looks like another source is no file of that name.
pub(super) fn local(text: &str, instead: &str) -> Result<PathBuf, String> {
    let scheme = ["secretsmanager:", "https:", "http:", "s3:", "file:"].into_iter().find(|s| text.starts_with(s));
    match scheme {
        Some(scheme) => Err(format!("`{text}`: `{scheme}` cannot be used here; write the path of {instead}")),
        None if text.is_empty() => Err(format!("the path is empty; write the path of {instead}")),
        None => Ok(PathBuf::from(text)),
    }
}

impl fmt::Display for OwnPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Secret(id) => write!(f, "{id}"),
        }
    }
}

impl fmt::Display for CrlPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Remote(uri) => write!(f, "{uri}"),
        }
    }
}

impl<'de> Deserialize<'de> for CrlPart {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        scalar::parsed(deserializer)
    }
}
