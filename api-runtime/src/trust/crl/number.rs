//! Serial numbers and CRL numbers, of fixed size.

use std::fmt;

use policy::SerialNumber;
use sha2::{Digest, Sha256};

/// RFC 5280 allows 20 octets, for both.
const OCTETS: usize = 20;

/// A serial number as an index keeps it. Those longer than RFC 5280 allows are kept as a hash, so that they can be
/// revoked too.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct SerialKey([u8; OCTETS]);

impl SerialKey {
    /// From the big-endian bytes of the INTEGER, read as unsigned.
    pub(super) fn new(bytes: &[u8]) -> Self {
        Self(right_aligned(bytes).unwrap_or_else(|| {
            let digest = Sha256::digest(significant(bytes));
            right_aligned(digest.get(..OCTETS).unwrap_or_default()).unwrap_or_default()
        }))
    }
}

impl fmt::Debug for SerialKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(SerialNumber::from_be_bytes(&self.0).as_str())
    }
}

/// A CRL's number; a CRL without one has the lowest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct CrlNumber([u8; OCTETS]);

impl CrlNumber {
    /// `None`: longer than RFC 5280 allows.
    pub(super) fn new(bytes: &[u8]) -> Option<Self> {
        right_aligned(bytes).map(Self)
    }
}

impl fmt::Display for CrlNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0x{}", SerialNumber::from_be_bytes(&self.0))
    }
}

fn right_aligned(bytes: &[u8]) -> Option<[u8; OCTETS]> {
    let bytes = significant(bytes);
    let mut aligned = [0; OCTETS];
    let (_, tail) = aligned.split_at_mut(OCTETS.checked_sub(bytes.len())?);
    tail.copy_from_slice(bytes);
    Some(aligned)
}

fn significant(bytes: &[u8]) -> &[u8] {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    bytes.get(zeros..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_serial_has_one_key_whatever_its_encoding() {
        assert_eq!(SerialKey::new(&[0, 0xff]), SerialKey::new(&[0xff]));
        assert_eq!(SerialKey::new(&[]), SerialKey::new(&[0]));
        assert_ne!(SerialKey::new(&[1, 0]), SerialKey::new(&[1]));
        assert_eq!(format!("{:?}", SerialKey::new(&[0x0a, 0x1b])), "a1b");
    }

    #[test]
    fn a_serial_longer_than_allowed_is_still_told_from_others() {
        let long = [7; 21];
        let mut longer = [7; 22];
        assert_ne!(SerialKey::new(&long), SerialKey::new(&longer));
        longer[0] = 0;
        assert_eq!(SerialKey::new(&long), SerialKey::new(&longer));
    }

    #[test]
    fn numbers_are_ordered_by_value() {
        let number = |bytes: &[u8]| CrlNumber::new(bytes).unwrap();
        assert!(CrlNumber::default() < number(&[1]));
        assert!(number(&[0xff]) < number(&[1, 0]));
        assert!(number(&[0, 2]) > number(&[1]));
        assert_eq!(CrlNumber::new(&[1; 21]), None);
    }
}
