use std::fmt;
use std::str::FromStr;

use crate::spiffe_id::{SpiffeId, SpiffeIdError};
use crate::text::text;

/// Whom an entry of the policy is for: one identity, or with `/*` at the end everybody below it, whole segments.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IdentityPattern {
    base: SpiffeId,
    is_prefix: bool,
}

impl IdentityPattern {
    /// One identity, which has a path.
    pub(crate) fn exact(base: SpiffeId) -> Self {
        Self { base, is_prefix: false }
    }

    /// Everybody below it.
    pub(crate) fn below(base: SpiffeId) -> Self {
        Self { base, is_prefix: true }
    }

    /// The identity, or what comes before `/*`.
    #[must_use]
    pub fn base(&self) -> &SpiffeId {
        &self.base
    }

    /// Whether it ends in `/*`.
    #[must_use]
    pub fn is_prefix(&self) -> bool {
        self.is_prefix
    }

    /// Whether the identity is the one meant, or below it.
    #[must_use]
    pub fn matches(&self, identity: &SpiffeId) -> bool {
        if !self.is_prefix {
            return *identity == self.base;
        }
        identity.as_str().strip_prefix(self.base.as_str()).is_some_and(|rest| rest.starts_with('/'))
    }
}

/// Why a text is not an [`IdentityPattern`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdentityPatternError {
    /// It is no SPIFFE ID, with or without `/*` at its end.
    #[error(transparent)]
    SpiffeId(#[from] SpiffeIdError),
    /// A star elsewhere than alone in the last segment.
    #[error("`{0}`: a `*` stands for whole segments and comes last, as in `spiffe://internal.example/prod/*`")]
    Star(String),
    /// No certificate of a workload names a trust domain alone (X509-SVID standard, section 3.1).
    #[error("`{0}` names no caller: it needs a path, or `/*` for the whole trust domain")]
    NoPath(String),
}

impl FromStr for IdentityPattern {
    type Err = IdentityPatternError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (base, is_prefix) = text.strip_suffix("/*").map_or((text, false), |base| (base, true));
        if base.contains('*') {
            return Err(IdentityPatternError::Star(text.to_owned()));
        }
        let base: SpiffeId = base.parse()?;
        if !is_prefix && base.path().is_empty() {
            return Err(IdentityPatternError::NoPath(text.to_owned()));
        }
        Ok(Self { base, is_prefix })
    }
}

impl fmt::Display for IdentityPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.base, if self.is_prefix { "/*" } else { "" })
    }
}

text!(
    IdentityPattern,
    "a SPIFFE ID, or a prefix of one with `/*` at its end",
    "pattern": r"^spiffe://[a-z0-9._-]{1,255}(/[A-Za-z0-9._-]+)*/([A-Za-z0-9._-]+|\*)$"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_segments_below_the_prefix() {
        for (pattern, identity, expected) in [
            ("spiffe://a/prod/orders", "spiffe://a/prod/orders", true),
            ("spiffe://a/prod/orders", "spiffe://a/prod/orders/x", false),
            ("spiffe://a/prod/*", "spiffe://a/prod/orders", true),
            ("spiffe://a/prod/*", "spiffe://a/prod/orders/x", true),
            ("spiffe://a/prod/*", "spiffe://a/prod", false),
            ("spiffe://a/prod/*", "spiffe://a/production/orders", false),
            ("spiffe://a/*", "spiffe://a/prod", true),
            ("spiffe://a/*", "spiffe://a", false),
            ("spiffe://a/*", "spiffe://ab/prod", false),
        ] {
            let parsed: IdentityPattern = pattern.parse().unwrap();
            assert_eq!(parsed.to_string(), pattern);
            assert_eq!(parsed.matches(&identity.parse().unwrap()), expected, "{pattern} {identity}");
        }
    }

    #[test]
    fn nothing_else_is_a_pattern() {
        for (bad, says) in [
            ("spiffe://a", "names no caller"),
            ("spiffe://a/pr*", "comes last"),
            ("spiffe://a/*/orders", "comes last"),
            ("spiffe://a/**", "comes last"),
            ("spiffe://*/prod", "comes last"),
            ("*", "comes last"),
            ("/*", "must start with"),
            ("spiffe://a//*", "empty segment"),
            ("spiffe://A/prod", "not `A`"),
        ] {
            let error = bad.parse::<IdentityPattern>().unwrap_err().to_string();
            assert!(error.contains(says), "{bad}: {error}");
        }
    }
}
