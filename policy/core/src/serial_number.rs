use std::fmt::Write;
use std::str::FromStr;
use std::sync::Arc;

use crate::text::{prints_as_str, text};

/// The serial number of a certificate, in its one canonical form: lower-case hex without leading zeros.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SerialNumber(Arc<str>);

impl SerialNumber {
    /// From the big-endian bytes of the certificate's INTEGER, read as unsigned.
    #[must_use]
    pub fn from_be_bytes(bytes: &[u8]) -> Self {
        let mut digits = String::with_capacity(bytes.len() * 2);
        for byte in bytes {
            // Writing to a `String` cannot fail.
            let _ = write!(digits, "{byte:02x}");
        }
        Self::canonical(&digits)
    }

    /// Lower-case hex without leading zeros; zero is `0`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn canonical(lower_case: &str) -> Self {
        match lower_case.trim_start_matches('0') {
            "" => Self("0".into()),
            digits => Self(digits.into()),
        }
    }
}

/// Why a text is not a [`SerialNumber`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SerialNumberError {
    /// There is no digit at all.
    #[error("serial number is empty, it needs hex digits")]
    Empty,
    /// It has something other than hex digits and colons in it.
    #[error("serial number `{text}` may hold hex digits and colons only, not `{character}`")]
    Character { text: String, character: char },
    /// A colon stands somewhere else than between two digits.
    #[error("serial number `{text}` has a colon that is not between two digits")]
    Colon { text: String },
}

impl FromStr for SerialNumber {
    type Err = SerialNumberError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.is_empty() {
            return Err(SerialNumberError::Empty);
        }
        if let Some(character) = text.chars().find(|c| !c.is_ascii_hexdigit() && *c != ':') {
            return Err(SerialNumberError::Character { text: text.to_owned(), character });
        }
        if text.split(':').any(str::is_empty) {
            return Err(SerialNumberError::Colon { text: text.to_owned() });
        }
        let mut digits = text.replace(':', "");
        digits.make_ascii_lowercase();
        Ok(Self::canonical(&digits))
    }
}

prints_as_str!(SerialNumber);
text!(SerialNumber, "a serial number: hex digits, in quotes", "pattern": "^[0-9A-Fa-f]+(:[0-9A-Fa-f]+)*$");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_has_one_canonical_form() {
        for (written, canonical) in [
            ("0a1b2c", "a1b2c"),
            ("0A:1B:2C", "a1b2c"),
            ("a1b2c", "a1b2c"),
            ("00", "0"),
            ("0", "0"),
            ("FFffFFffFFffFFffFFffFFffFFffFFffFFffFFff", "ffffffffffffffffffffffffffffffffffffffff"),
        ] {
            assert_eq!(written.parse::<SerialNumber>().unwrap().as_str(), canonical, "{written}");
        }
        for (bad, says) in [
            ("", "is empty"),
            ("0x1f", "not `x`"),
            ("-1f", "not `-`"),
            ("1f 2e", "not ` `"),
            (":1f", "colon"),
            ("1f:", "colon"),
            ("1f::2e", "colon"),
        ] {
            let error = bad.parse::<SerialNumber>().unwrap_err().to_string();
            assert!(error.contains(says), "{bad}: {error}");
        }
    }

    #[test]
    fn the_bytes_of_a_certificate_give_the_same_form() {
        for (bytes, canonical) in
            [(&[0x0a, 0x1b, 0x2c][..], "a1b2c"), (&[0x00, 0xff, 0x00], "ff00"), (&[0x00], "0"), (&[], "0")]
        {
            assert_eq!(SerialNumber::from_be_bytes(bytes).as_str(), canonical);
        }
    }
}
