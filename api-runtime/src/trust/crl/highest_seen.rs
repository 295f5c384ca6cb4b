//! A CRL may not be replaced by an older one.

use std::fmt;

use policy::Timestamp;

use super::document::Scope;
use super::{Crl, CrlIndex, CrlNumber};
use crate::trust::anchors::IssuerId;

/// The newest CRL of each issuer and scope that was ever in force in this process, also of those no longer configured.
#[derive(Clone, Debug, Default)]
pub(crate) struct HighestSeen(Vec<Mark>);

#[derive(Clone, Debug)]
struct Mark {
    issuer: IssuerId,
    scope: Scope,
    version: (CrlNumber, Timestamp),
}

/// A CRL is older than one that was in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Older {
    number: CrlNumber,
    seen: CrlNumber,
}

impl fmt::Display for Older {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { number, seen } = self;
        match number == seen {
            true => write!(f, "CRL number {number} was in force with a later thisUpdate; give the newest CRL"),
            false => write!(f, "CRL number {number} is lower than {seen}, which was in force; give the newest CRL"),
        }
    }
}

impl HighestSeen {
    /// With the CRLs of an index, if none of them is older than one seen before.
    pub(crate) fn and(&self, index: &CrlIndex) -> Result<Self, Older> {
        let mut marks = self.0.clone();
        for crl in &index.crls {
            match marks.iter_mut().find(|mark| mark.issuer == crl.issuer() && mark.scope == *crl.scope()) {
                Some(mark) if mark.version > crl.version() => {
                    return Err(Older { number: crl.version().0, seen: mark.version.0 });
                }
                Some(mark) => mark.version = crl.version(),
                None => marks.push(Mark::of(crl)),
            }
        }
        Ok(Self(marks))
    }
}

impl Mark {
    fn of(crl: &Crl) -> Self {
        Self { issuer: crl.issuer(), scope: crl.scope().clone(), version: crl.version() }
    }
}
