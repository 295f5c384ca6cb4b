use std::str::FromStr;

use crate::text::{prints_as_str, text};

/// The name of an AWS Region, such as `eu-west-1`; whether it exists is not checked.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Region(Box<str>);

impl Region {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Why a text is not a [`Region`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not the name of a Region, such as `eu-west-1`")]
pub struct RegionError(String);

impl FromStr for Region {
    type Err = RegionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts: Vec<&str> = text.split('-').collect();
        let is_region = match parts.as_slice() {
            [first, middle @ .., number] if !middle.is_empty() => {
                let mut words = middle.iter().chain([first]);
                words.all(|word| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase()))
                    && matches!(number.len(), 1 | 2)
                    && number.bytes().all(|b| b.is_ascii_digit())
            }
            _ => false,
        };
        if is_region { Ok(Self(text.into())) } else { Err(RegionError(text.to_owned())) }
    }
}

prints_as_str!(Region);
text!(Region, "the name of an AWS Region, such as `eu-west-1`", "pattern": "^[a-z]+(-[a-z]+)+-[0-9]{1,2}$");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_a_number() {
        for good in ["eu-west-1", "us-gov-west-1", "ap-southeast-12", "eusc-de-east-1"] {
            assert_eq!(good.parse::<Region>().unwrap().as_str(), good);
        }
        for bad in ["", "eu", "eu-west", "eu-1", "EU-WEST-1", "eu-west-1a", "eu--1", "eu-west-100", "-west-1", "*"] {
            assert!(bad.parse::<Region>().is_err(), "{bad}");
        }
    }
}
