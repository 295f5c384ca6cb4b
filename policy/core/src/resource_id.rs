use std::str::FromStr;
use std::sync::Arc;

use crate::text::{prints_as_str, text};

/// The id of a VPC endpoint: `vpce-` and one or more lower-case hex digits. AWS promises no length, so none is asked.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VpcEndpointId(Arc<str>);

/// The id of an endpoint service: `vpce-svc-` and one or more lower-case hex digits.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServiceId(Arc<str>);

/// Why a text is not a [`VpcEndpointId`] or a [`ServiceId`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResourceIdError {
    /// It starts with something else.
    #[error("`{text}` must start with `{prefix}`")]
    Prefix { text: String, prefix: &'static str },
    /// Nothing, or something that is no lower-case hex digit, follows the prefix.
    #[error("`{text}` needs one or more lower-case hex digits after `{prefix}`, and nothing else")]
    Digits { text: String, prefix: &'static str },
}

impl VpcEndpointId {
    /// `vpce-…`
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl ServiceId {
    /// `vpce-svc-…`
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for VpcEndpointId {
    type Err = ResourceIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        checked(text, "vpce-").map(Self)
    }
}

impl FromStr for ServiceId {
    type Err = ResourceIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        checked(text, "vpce-svc-").map(Self)
    }
}

fn checked(text: &str, prefix: &'static str) -> Result<Arc<str>, ResourceIdError> {
    let Some(digits) = text.strip_prefix(prefix) else {
        return Err(ResourceIdError::Prefix { text: text.to_owned(), prefix });
    };
    if digits.is_empty() || !digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
        return Err(ResourceIdError::Digits { text: text.to_owned(), prefix });
    }
    Ok(text.into())
}

prints_as_str!(VpcEndpointId);
prints_as_str!(ServiceId);
text!(VpcEndpointId, "a VPC endpoint id: `vpce-` and lower-case hex digits", "pattern": "^vpce-[0-9a-f]+$");
text!(ServiceId, "an endpoint service id: `vpce-svc-` and lower-case hex digits", "pattern": "^vpce-svc-[0-9a-f]+$");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoint_ids_of_any_length() {
        for good in ["vpce-0a1b2c3d4e5f60718", "vpce-0", "vpce-08d2bf15fac5001c9"] {
            assert_eq!(good.parse::<VpcEndpointId>().unwrap().as_str(), good);
        }
        for (bad, says) in [
            ("", "must start with `vpce-`"),
            ("vpc-0a1b", "must start with `vpce-`"),
            ("VPCE-0a1b", "must start with `vpce-`"),
            ("vpce-", "lower-case hex"),
            ("vpce-0A1B", "lower-case hex"),
            ("vpce-svc-0a1b", "lower-case hex"),
            ("vpce-0a1b ", "lower-case hex"),
        ] {
            let error = bad.parse::<VpcEndpointId>().unwrap_err().to_string();
            assert!(error.contains(says), "{bad}: {error}");
        }
    }

    #[test]
    fn service_ids_of_any_length() {
        assert_eq!("vpce-svc-0123456789abcdef0".parse::<ServiceId>().unwrap().as_str(), "vpce-svc-0123456789abcdef0");
        for bad in ["vpce-0123", "vpce-svc-", "vpce-svc-xyz", "vpce-svc-0123\n"] {
            assert!(bad.parse::<ServiceId>().is_err(), "{bad}");
        }
    }
}
