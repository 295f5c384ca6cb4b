//! Our own fast list of revoked serials, identities and accounts.

mod entry;

use std::collections::HashMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Deserialize;

pub use entry::{DenyListEntry, DenyListEntryError, Subject};

use crate::document::{self, DocumentError};
use crate::{AccountId, Format, SerialNumber, SpiffeId};

/// Everything that is wrong with a deny list.
pub type DenyListError = DocumentError;

/// One question to the list.
#[derive(Debug, Clone, Copy)]
pub struct DenialQuery<'a> {
    /// The serial number of the peer's certificate.
    pub serial: &'a SerialNumber,
    /// The identity in it.
    pub identity: Option<&'a SpiffeId>,
    /// The account whose endpoint the connection came through.
    pub account: Option<&'a AccountId>,
    /// The notBefore of the certificate.
    pub not_before: Timestamp,
    /// The time of the question.
    pub now: Timestamp,
}

/// The deny list in force.
#[derive(Debug, Clone, Default)]
pub struct DenyList {
    entries: Vec<DenyListEntry>,
    /// For each subject the index of its last entry.
    serials: HashMap<SerialNumber, usize>,
    identities: HashMap<SpiffeId, usize>,
    accounts: HashMap<AccountId, usize>,
    /// From an entry to the one before it with the same subject, where there is one.
    earlier: HashMap<usize, usize>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct DenyListDocument {
    entries: Vec<DenyListEntry>,
}

impl DenyList {
    /// Reads a document.
    ///
    /// # Errors
    /// Everything that is wrong with it, each with line and column.
    pub fn parse(bytes: &[u8], format: Format, name: &str) -> Result<Self, DenyListError> {
        document::read(bytes, format, name, |document: DenyListDocument| Ok(Self::from_entries(document.entries)))
    }

    /// A list of these entries, in any order; several may name the same subject.
    #[must_use]
    pub fn from_entries(entries: impl IntoIterator<Item = DenyListEntry>) -> Self {
        let mut list = Self::default();
        for (index, entry) in entries.into_iter().enumerate() {
            let earlier = match &entry.subject {
                Subject::SerialNumber(serial) => list.serials.insert(serial.clone(), index),
                Subject::Identity(identity) => list.identities.insert(identity.clone(), index),
                Subject::Account(account) => list.accounts.insert(*account, index),
            };
            list.earlier.extend(earlier.map(|earlier| (index, earlier)));
            list.entries.push(entry);
        }
        list
    }

    /// The entry that denies, if there is one: by serial number, else by identity, else by account.
    #[must_use]
    pub fn find(&self, query: &DenialQuery<'_>) -> Option<&DenyListEntry> {
        let by_serial = self.serials.get(query.serial);
        let by_identity = query.identity.and_then(|identity| self.identities.get(identity));
        let by_account = query.account.and_then(|account| self.accounts.get(account));
        let last = [by_serial, by_identity, by_account].into_iter().flatten();
        let mut entries = last
            .flat_map(|last| std::iter::successors(Some(last), |index| self.earlier.get(index)))
            .filter_map(|index| self.entries.get(*index));
        entries.find(|entry| entry.denies(query))
    }

    /// Whether it names accounts at all; where it does not, nobody need know a connection's.
    #[must_use]
    pub fn names_accounts(&self) -> bool {
        !self.accounts.is_empty()
    }

    /// Whether accounts are denied at this time, whichever: a connection whose account is unknown may be of one of them.
    #[must_use]
    pub fn denies_accounts(&self, now: Timestamp) -> bool {
        let each = self.accounts.values();
        let mut all = each.flat_map(|last| std::iter::successors(Some(last), |index| self.earlier.get(index)));
        all.any(|index| self.entries.get(*index).is_some_and(|entry| entry.expires.is_none_or(|expires| now < expires)))
    }

    /// How many entries there are, expired ones included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no entry.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}
