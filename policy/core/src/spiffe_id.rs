use std::borrow::Borrow;
use std::str::FromStr;
use std::sync::Arc;

use crate::text::{prints_as_str, text};
use crate::trust_domain::{self, TrustDomainError};

const SCHEME: &str = "spiffe://";

/// A SPIFFE ID, such as `spiffe://internal.example/prod/orders-api`, valid by the SPIFFE-ID standard (section 2).
///
/// The path may be empty, as in the standard; whoever needs a workload's identity asks for [`SpiffeId::path`].
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SpiffeId(Arc<str>);

impl SpiffeId {
    /// The whole id, with its scheme.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// `internal.example` of `spiffe://internal.example/prod/orders-api`.
    #[must_use]
    pub fn trust_domain(&self) -> &str {
        self.split().0
    }

    /// `/prod/orders-api` of `spiffe://internal.example/prod/orders-api`; empty if there is none.
    #[must_use]
    pub fn path(&self) -> &str {
        self.split().1
    }

    fn split(&self) -> (&str, &str) {
        split(self.0.get(SCHEME.len()..).unwrap_or_default())
    }
}

/// Why a text is not a [`SpiffeId`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SpiffeIdError {
    /// It does not start with `spiffe://`.
    #[error("`{0}` must start with `spiffe://`")]
    Scheme(String),
    /// It has more than 2048 bytes.
    #[error("SPIFFE ID has {0} bytes, at most 2048 are allowed")]
    Length(usize),
    /// The part up to the path is no trust domain.
    #[error("`{text}`: {cause}")]
    TrustDomain { text: String, cause: TrustDomainError },
    /// Two slashes in a row, or one at the end.
    #[error("`{0}` has an empty segment or a slash at its end")]
    EmptySegment(String),
    /// A `.` or `..` segment.
    #[error("`{0}` has a `.` or `..` segment")]
    DotSegment(String),
    /// Percent-encoding, a query, a fragment and everything else the standard leaves out.
    #[error("`{text}` may hold letters, digits, dots, dashes and underscores between its slashes, not `{character}`")]
    Character { text: String, character: char },
}

impl FromStr for SpiffeId {
    type Err = SpiffeIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() > 2048 {
            return Err(SpiffeIdError::Length(text.len()));
        }
        let rest = text.strip_prefix(SCHEME).ok_or_else(|| SpiffeIdError::Scheme(text.to_owned()))?;
        let (trust_domain, path) = split(rest);
        trust_domain::check(trust_domain)
            .map_err(|cause| SpiffeIdError::TrustDomain { text: text.to_owned(), cause })?;
        for segment in path.split('/').skip(1) {
            check_segment(segment, text)?;
        }
        Ok(Self(text.into()))
    }
}

fn split(rest: &str) -> (&str, &str) {
    rest.split_at(rest.find('/').unwrap_or(rest.len()))
}

fn check_segment(segment: &str, text: &str) -> Result<(), SpiffeIdError> {
    match segment {
        "" => return Err(SpiffeIdError::EmptySegment(text.to_owned())),
        "." | ".." => return Err(SpiffeIdError::DotSegment(text.to_owned())),
        _ => {}
    }
    match segment.chars().find(|c| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'))) {
        Some(character) => Err(SpiffeIdError::Character { text: text.to_owned(), character }),
        None => Ok(()),
    }
}

/// So that a map keyed by ids is asked with a part of one.
impl Borrow<str> for SpiffeId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

prints_as_str!(SpiffeId);
text!(
    SpiffeId,
    "a SPIFFE ID, such as `spiffe://internal.example/prod/orders-api`",
    "pattern": "^spiffe://[a-z0-9._-]{1,255}(/[A-Za-z0-9._-]+)*$"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_a_trust_domain_and_a_path() {
        for (text, trust_domain, path) in [
            ("spiffe://internal.example/prod/orders-api", "internal.example", "/prod/orders-api"),
            ("spiffe://internal.example", "internal.example", ""),
            ("spiffe://a/.../A_1.b-c", "a", "/.../A_1.b-c"),
        ] {
            let id: SpiffeId = text.parse().unwrap();
            assert_eq!((id.as_str(), id.trust_domain(), id.path()), (text, trust_domain, path));
        }
    }

    #[test]
    fn what_the_standard_forbids_is_refused() {
        for (bad, says) in [
            ("", "must start with"),
            ("https://internal.example/a", "must start with"),
            ("SPIFFE://internal.example/a", "must start with"),
            ("spiffe:///a", "trust domain is empty"),
            ("spiffe://Internal.example/a", "not `I`"),
            ("spiffe://internal.example:443/a", "not `:`"),
            ("spiffe://user@internal.example/a", "not `@`"),
            ("spiffe://internal.example/", "empty segment"),
            ("spiffe://internal.example/a/", "empty segment"),
            ("spiffe://internal.example/a//b", "empty segment"),
            ("spiffe://internal.example/a/./b", "`.` or `..`"),
            ("spiffe://internal.example/..", "`.` or `..`"),
            ("spiffe://internal.example/a%2Fb", "not `%`"),
            ("spiffe://internal.example/a?b", "not `?`"),
            ("spiffe://internal.example?b", "not `?`"),
            ("spiffe://internal.example/a#b", "not `#`"),
            ("spiffe://internal.example/a b", "not ` `"),
            ("spiffe://internal.example/prod/*", "not `*`"),
            ("spiffe://internal.example/ü", "not `ü`"),
            ("spiffe://internal.example/a\0", "not `\0`"),
        ] {
            let error = bad.parse::<SpiffeId>().unwrap_err().to_string();
            assert!(error.contains(says), "{bad}: {error}");
        }
    }

    #[test]
    fn at_most_2048_bytes() {
        let longest = format!("spiffe://a/{}", "b".repeat(2048 - 11));
        assert!(longest.parse::<SpiffeId>().is_ok());
        assert_eq!(format!("{longest}b").parse::<SpiffeId>(), Err(SpiffeIdError::Length(2049)));
    }
}
