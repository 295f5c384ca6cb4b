use std::str::FromStr;

use crate::text::{prints_as_str, text};

/// The id of an organizational unit: `ou-`, 4 to 32 characters of its root, `-`, 8 to 32 characters.
/// (AWS Organizations API reference, `OrganizationalUnit`.)
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OrganizationalUnitId(Box<str>);

impl OrganizationalUnitId {
    /// `ou-…-…`
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Why a text is not an [`OrganizationalUnitId`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not the id of an organizational unit, such as `ou-ab12-abcdefgh`")]
pub struct OrganizationalUnitIdError(String);

impl FromStr for OrganizationalUnitId {
    type Err = OrganizationalUnitIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fits = |part: &str, shortest: usize| {
            (shortest..=32).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        };
        match text.strip_prefix("ou-").and_then(|rest| rest.split_once('-')) {
            Some((root, unit)) if fits(root, 4) && fits(unit, 8) => Ok(Self(text.into())),
            _ => Err(OrganizationalUnitIdError(text.to_owned())),
        }
    }
}

prints_as_str!(OrganizationalUnitId);
text!(
    OrganizationalUnitId,
    "the id of an organizational unit, such as `ou-ab12-abcdefgh`",
    "pattern": "^ou-[0-9a-z]{4,32}-[0-9a-z]{8,32}$"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_of_aws() {
        for good in ["ou-ab12-abcdefgh", "ou-0000-12345678"] {
            assert_eq!(good.parse::<OrganizationalUnitId>().unwrap().as_str(), good);
        }
        for bad in
            ["", "ou-ab12", "ou-abc-abcdefgh", "ou-ab12-abcdefg", "OU-ab12-abcdefgh", "r-ab12", "ou-ab12-abcd-efgh"]
        {
            assert!(bad.parse::<OrganizationalUnitId>().is_err(), "{bad}");
        }
    }
}
