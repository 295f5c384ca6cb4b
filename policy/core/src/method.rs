use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use crate::text::{prints_as_str, text};

/// An HTTP method: a token of capital letters, digits and dashes. Methods are case-sensitive, and one in small letters
/// would never match.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Method(Box<str>);

impl Method {
    /// The method as it is on the wire.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Why a text is not a [`Method`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MethodError {
    /// Methods are case-sensitive.
    #[error("method `{0}` has small letters, write `{upper}`", upper = .0.to_ascii_uppercase())]
    Case(String),
    /// It is empty or holds other characters.
    #[error("method `{0}` may hold capital letters, digits and dashes only; leave `methods` out for any method")]
    Token(String),
}

impl FromStr for Method {
    type Err = MethodError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.is_empty() || !text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
            return Err(MethodError::Token(text.to_owned()));
        }
        if text.bytes().any(|b| b.is_ascii_lowercase()) {
            return Err(MethodError::Case(text.to_owned()));
        }
        Ok(Self(text.into()))
    }
}

prints_as_str!(Method);
text!(Method, "an HTTP method, such as `GET`", "pattern": "^[A-Z0-9-]+$");

/// The methods a rule is for: any, or those named.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MethodSet(Option<Named>);

/// The usual methods as bits, so that a million rules stay small.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Named {
    usual: u16,
    other: Box<[Method]>,
}

const USUAL: [&str; 9] = ["CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"];

fn bit(method: &str) -> Option<u16> {
    USUAL.iter().position(|usual| *usual == method).map(|index| 1 << index)
}

impl MethodSet {
    /// Every method, also those nobody has thought of.
    pub const ANY: Self = Self(None);

    /// The methods it names, in order; none means any.
    pub fn named(&self) -> Option<impl Iterator<Item = &str>> {
        let named = self.0.as_ref()?;
        let usual = USUAL.into_iter().filter(|method| self.contains(method));
        Some(usual.chain(named.other.iter().map(Method::as_str)))
    }

    /// Whether the method is one of them.
    #[must_use]
    pub fn contains(&self, method: &str) -> bool {
        let Some(named) = &self.0 else { return true };
        match bit(method) {
            Some(bit) => named.usual & bit != 0,
            None => named.other.iter().any(|other| other.as_str() == method),
        }
    }
}

impl FromIterator<Method> for MethodSet {
    fn from_iter<I: IntoIterator<Item = Method>>(methods: I) -> Self {
        let mut usual = 0;
        let mut other = BTreeSet::new();
        for method in methods {
            match bit(method.as_str()) {
                Some(bit) => usual |= bit,
                None => _ = other.insert(method),
            }
        }
        Self(Some(Named { usual, other: other.into_iter().collect() }))
    }
}

/// `any`, or the methods in one order, however they were written.
impl fmt::Display for MethodSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(named) = self.named() else { return f.write_str("any") };
        for (index, method) in named.enumerate() {
            if index > 0 {
                f.write_str(",")?;
            }
            f.write_str(method)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(methods: &[&str]) -> MethodSet {
        methods.iter().map(|method| method.parse::<Method>().unwrap()).collect()
    }

    #[test]
    fn capital_letters_only() {
        for good in ["GET", "M-SEARCH", "VERSION2"] {
            assert_eq!(good.parse::<Method>().unwrap().as_str(), good);
        }
        for (bad, says) in [
            ("get", "write `GET`"),
            ("Patch", "write `PATCH`"),
            ("", "capital letters"),
            ("*", "leave `methods` out"),
            ("GET ", "capital letters"),
            ("GET,HEAD", "capital letters"),
        ] {
            let error = bad.parse::<Method>().unwrap_err().to_string();
            assert!(error.contains(says), "{bad}: {error}");
        }
    }

    #[test]
    fn a_set_holds_what_was_named() {
        let named = set(&["PURGE", "HEAD", "GET", "GET"]);
        for (method, expected) in [("GET", true), ("HEAD", true), ("PURGE", true), ("POST", false), ("LOCK", false)] {
            assert_eq!(named.contains(method), expected, "{method}");
            assert!(MethodSet::ANY.contains(method));
        }
        assert!(!named.contains("get"));
        assert_eq!(named.to_string(), "GET,HEAD,PURGE");
        assert_eq!(MethodSet::ANY.to_string(), "any");
    }

    #[test]
    fn order_does_not_matter() {
        assert_eq!(set(&["PURGE", "LOCK", "GET"]), set(&["GET", "LOCK", "PURGE"]));
    }
}
