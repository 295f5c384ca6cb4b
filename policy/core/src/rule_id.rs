use std::str::FromStr;
use std::sync::Arc;

use crate::text::{prints_as_str, text};

/// The name of a rule, as the log shows it: as written in the policy, or generated from what the rule says.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleId(Arc<str>);

impl RuleId {
    /// For a text that needs no check, because we made it.
    pub(crate) fn generated(text: &str) -> Self {
        Self(text.into())
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Why a text is not a [`RuleId`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RuleIdError {
    /// Empty, or more than 128 characters.
    #[error("rule id has {0} characters, it needs 1 to 128")]
    Length(usize),
    /// A control character would spoil the log.
    #[error("rule id `{}` has a control character in it", .0.escape_debug())]
    Control(String),
}

impl FromStr for RuleId {
    type Err = RuleIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let length = text.chars().count();
        if !(1..=128).contains(&length) {
            return Err(RuleIdError::Length(length));
        }
        if text.contains(char::is_control) {
            return Err(RuleIdError::Control(text.to_owned()));
        }
        Ok(Self(text.into()))
    }
}

prints_as_str!(RuleId);
text!(RuleId, "the id of a rule: 1 to 128 characters", "pattern": r"^[^\u0000-\u001f\u007f-\u009f]{1,128}$");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn printable_and_short() {
        for good in ["read-invoices", "Rechnungen lesen", &"ü".repeat(128)] {
            assert_eq!(good.parse::<RuleId>().unwrap().as_str(), good);
        }
        for bad in ["", "a\nb", "a\u{7f}", &"a".repeat(129)] {
            assert!(bad.parse::<RuleId>().is_err(), "{bad}");
        }
    }
}
