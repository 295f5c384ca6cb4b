use std::str::FromStr;
use std::sync::Arc;

use crate::text::{prints_as_str, text};

/// A SPIFFE trust domain, such as `internal.example`: at most 255 lower-case letters, digits, dots, dashes and
/// underscores. (SPIFFE-ID standard, section 2.1.)
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TrustDomain(Arc<str>);

impl TrustDomain {
    /// The name, without `spiffe://`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Why a text is not a [`TrustDomain`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TrustDomainError {
    /// There is no name.
    #[error("trust domain is empty")]
    Empty,
    /// It has more than 255 bytes.
    #[error("trust domain has {0} bytes, at most 255 are allowed")]
    Length(usize),
    /// Capital letters, ports, user information and everything else the standard leaves out.
    #[error(
        "trust domain `{text}` may hold lower-case letters, digits, dots, dashes and underscores only, not `{character}`"
    )]
    Character { text: String, character: char },
}

impl FromStr for TrustDomain {
    type Err = TrustDomainError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        check(text).map(|()| Self(text.into()))
    }
}

pub(crate) fn check(text: &str) -> Result<(), TrustDomainError> {
    if text.is_empty() {
        return Err(TrustDomainError::Empty);
    }
    if text.len() > 255 {
        return Err(TrustDomainError::Length(text.len()));
    }
    match text.chars().find(|c| !matches!(c, 'a'..='z' | '0'..='9' | '.' | '-' | '_')) {
        Some(character) => Err(TrustDomainError::Character { text: text.to_owned(), character }),
        None => Ok(()),
    }
}

prints_as_str!(TrustDomain);
text!(TrustDomain, "a trust domain, such as `internal.example`", "pattern": "^[a-z0-9._-]{1,255}$");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lower_case_names_only() {
        for good in ["internal.example", "a", "a_b-c.1"] {
            assert_eq!(good.parse::<TrustDomain>().unwrap().as_str(), good);
        }
        for (bad, says) in [
            ("", "is empty"),
            ("Internal.example", "not `I`"),
            ("internal.example:443", "not `:`"),
            ("user@internal.example", "not `@`"),
            ("spiffe://internal.example", "not `:`"),
            ("internal.example/", "not `/`"),
            ("bücher.example", "not `ü`"),
        ] {
            let error = bad.parse::<TrustDomain>().unwrap_err().to_string();
            assert!(error.contains(says), "{bad}: {error}");
        }
    }

    #[test]
    fn at_most_255_bytes() {
        assert!("a".repeat(255).parse::<TrustDomain>().is_ok());
        assert_eq!("a".repeat(256).parse::<TrustDomain>(), Err(TrustDomainError::Length(256)));
    }
}
