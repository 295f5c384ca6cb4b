use std::str::FromStr;

use crate::text::{prints_as_str, text};

/// An AWS account id: exactly 12 digits. In a document always a string, because a number would lose its leading zeros.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId([u8; 12]);

impl AccountId {
    /// The 12 digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // Digits only, so this is always UTF-8.
        str::from_utf8(&self.0).unwrap_or_default()
    }
}

/// Why a text is not an [`AccountId`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AccountIdError {
    /// It has fewer or more than 12 characters.
    #[error("account id `{text}` has {length} characters, it needs 12 digits")]
    Length { text: String, length: usize },
    /// It has something other than digits in it.
    #[error("account id `{text}` may hold digits only, not `{character}`")]
    Character { text: String, character: char },
}

impl FromStr for AccountId {
    type Err = AccountIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some(character) = text.chars().find(|c| !c.is_ascii_digit()) {
            return Err(AccountIdError::Character { text: text.to_owned(), character });
        }
        match text.as_bytes().try_into() {
            Ok(digits) => Ok(Self(digits)),
            Err(_) => Err(AccountIdError::Length { text: text.to_owned(), length: text.len() }),
        }
    }
}

prints_as_str!(AccountId);
text!(AccountId, "an account id: 12 digits, in quotes", "pattern": "^[0-9]{12}$");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twelve_digits_and_nothing_else() {
        for good in ["123456789012", "000000000000"] {
            assert_eq!(good.parse::<AccountId>().unwrap().as_str(), good);
        }
        for (bad, says) in [
            ("", "has 0 characters"),
            ("12345678901", "has 11 characters"),
            ("1234567890123", "has 13 characters"),
            ("12345678901a", "not `a`"),
            ("1234-5678-9012", "not `-`"),
            (" 123456789012", "not ` `"),
            ("१२३४५६७८९०१२", "not `१`"),
        ] {
            let error = bad.parse::<AccountId>().unwrap_err().to_string();
            assert!(error.contains(says), "{bad}: {error}");
        }
    }

    #[test]
    fn a_number_is_not_an_account_id() {
        assert!(serde_json::from_str::<AccountId>("123456789012").is_err());
        assert!(serde_json::from_str::<AccountId>("\"123456789012\"").is_ok());
    }
}
