//! Where a remote object is.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use http::Uri;

/// An object behind a network: `https://…` or `s3://BUCKET/KEY`. Plain `http://` is for this machine alone.
///
/// What is printed leaves out the query: it may hold a signature that is as good as a password.
#[derive(Clone, PartialEq, Eq)]
pub struct RemoteUri(pub(super) Place);

#[derive(Clone, PartialEq, Eq)]
pub(super) enum Place {
    Web(Uri),
    S3 { bucket: String, key: String },
}

/// Why a text names no remote object.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RemoteUriError {
    /// Another scheme, or none.
    #[error("`{0}` names no remote object; write `https://…` or `s3://BUCKET/KEY`")]
    Scheme(String),
    /// Whoever sits on the way could put in another document.
    #[error("`{0}` is not encrypted; write `https://…` (`http://` is for loopback addresses alone)")]
    PlainHttp(String),
    /// They would end up in logs and process lists.
    #[error("a remote address must hold no user name or password; let the server know callers by another means")]
    Credentials,
    /// Not a URI.
    #[error("`{0}` is not an address; write `https://HOST/PATH`")]
    Malformed(String),
    /// Not as S3 wants it.
    #[error("`{0}` names no object; write `s3://BUCKET/KEY`, the bucket in 3 to 63 of `a-z`, `0-9`, `.`, `-`")]
    S3(String),
}

impl FromStr for RemoteUri {
    type Err = RemoteUriError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once("://") {
            Some(("s3", object)) => s3(text, object),
            Some(("https" | "http", _)) => web(text),
            _ => Err(RemoteUriError::Scheme(text.to_owned())),
        }
    }
}

fn s3(text: &str, object: &str) -> Result<RemoteUri, RemoteUriError> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || ".-".contains(c);
    match object.split_once('/') {
        Some((bucket, key)) if (3..=63).contains(&bucket.len()) && bucket.chars().all(allowed) && !key.is_empty() => {
            Ok(RemoteUri(Place::S3 { bucket: bucket.to_owned(), key: key.to_owned() }))
        }
        _ => Err(RemoteUriError::S3(text.to_owned())),
    }
}

fn web(text: &str) -> Result<RemoteUri, RemoteUriError> {
    if text.split(['?', '#']).next().is_some_and(|address| address.contains('@')) {
        return Err(RemoteUriError::Credentials);
    }
    let malformed = || RemoteUriError::Malformed(without_query(text).to_owned());
    let uri: Uri = text.parse().map_err(|_| malformed())?;
    match uri.host() {
        None | Some("") => Err(malformed()),
        Some(_) if is_safe(&uri) => Ok(RemoteUri(Place::Web(uri))),
        Some(_) => Err(RemoteUriError::PlainHttp(without_query(text).to_owned())),
    }
}

/// Whether nobody on the way can read or change what is fetched.
pub(super) fn is_safe(uri: &Uri) -> bool {
    let host = uri.host().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    let loopback = host == "localhost" || address.is_ok_and(|address| address.is_loopback());
    uri.scheme_str() == Some("https") || (uri.scheme_str() == Some("http") && loopback)
}

fn without_query(text: &str) -> &str {
    text.split(['?', '#']).next().unwrap_or_default()
}

impl fmt::Display for RemoteUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Place::S3 { bucket, key } => write!(f, "s3://{bucket}/{key}"),
            Place::Web(uri) if uri.query().is_some() => write!(f, "{}?…", without_query(&uri.to_string())),
            Place::Web(uri) => write!(f, "{uri}"),
        }
    }
}

impl fmt::Debug for RemoteUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RemoteUri({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_is_what_was_written_but_for_the_query() {
        for text in [
            "https://crl.internal.example/ca.crl",
            "https://[2001:db8::1]:8443/ca.crl",
            "http://127.0.0.1:8080/bundle.tar.gz",
            "http://localhost/bundle.tar.gz",
            "http://[::1]:80/bundle.tar.gz",
            "s3://crl-bucket/crl/0a1b2c.crl",
        ] {
            assert_eq!(text.parse::<RemoteUri>().unwrap().to_string(), text);
        }
        let signed: RemoteUri = "https://bucket.example/ca.crl?X-Amz-Signature=secret".parse().unwrap();
        assert_eq!(signed.to_string(), "https://bucket.example/ca.crl?…");
        assert!(!format!("{signed:?}").contains("secret"));
    }

    #[test]
    fn what_names_no_remote_object_is_refused_with_the_remedy() {
        use RemoteUriError::{Malformed, PlainHttp, S3, Scheme};
        for (text, error) in [
            ("ca.crl", Scheme("ca.crl".into())),
            ("ftp://host/ca.crl", Scheme("ftp://host/ca.crl".into())),
            ("HTTPS://host/ca.crl", Scheme("HTTPS://host/ca.crl".into())),
            ("http://crl.example/ca.crl", PlainHttp("http://crl.example/ca.crl".into())),
            ("http://127.0.0.1.example/ca.crl", PlainHttp("http://127.0.0.1.example/ca.crl".into())),
            ("http://localhost.example/x?t=s", PlainHttp("http://localhost.example/x".into())),
            ("https://", Malformed("https://".into())),
            ("https:///ca.crl", Malformed("https:///ca.crl".into())),
            ("https://a b/ca.crl", Malformed("https://a b/ca.crl".into())),
            ("https://alice:secret@host/ca.crl", RemoteUriError::Credentials),
            ("s3://bucket", S3("s3://bucket".into())),
            ("s3://bucket/", S3("s3://bucket/".into())),
            ("s3:///key", S3("s3:///key".into())),
            ("s3://Bucket/key", S3("s3://Bucket/key".into())),
        ] {
            assert_eq!(text.parse::<RemoteUri>().unwrap_err(), error, "{text}");
        }
    }
}
