//! Our own fast list of revoked serials, identities and accounts.

mod entry;

use std::borrow::Cow;
use std::sync::Arc;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Deserialize;

pub use entry::{DenyListEntry, DenyListEntryError, Subject, SubjectError};

use crate::document::{self, DocumentError};
use crate::sharded::Sharded;
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

/// The deny list in force. A clone is cheap, and so is a change of one: they share what did not change.
#[derive(Debug, Clone, Default)]
pub struct DenyList {
    serials: Sharded<SerialNumber, Arc<Held>>,
    identities: Sharded<SpiffeId, Arc<Held>>,
    accounts: Sharded<AccountId, Arc<Held>>,
    len: usize,
}

/// An entry, and those of the same subject that came before it.
#[derive(Debug, Clone)]
struct Held {
    entry: DenyListEntry,
    /// The key it was put under, where that is another spelling of its subject's.
    spelling: Option<Box<str>>,
    earlier: Option<Arc<Held>>,
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
        for entry in entries {
            list.push(entry, None);
        }
        list
    }

    /// Puts an entry as a table holds it: in the place of the one with the same key, of which the entry's own
    /// [key](DenyListEntry::key) is one spelling. Whether that changed anything.
    pub fn put(&mut self, key: &str, entry: DenyListEntry) -> bool {
        if self.held(&entry.subject).any(|held| held.has_key(key) && held.entry == entry) {
            return false;
        }
        self.remove(&entry.subject, key);
        let spelling = (!entry.subject.is_key(key)).then(|| key.into());
        self.push(entry, spelling);
        true
    }

    /// Takes out the entry with this key. Whether there was one.
    pub fn withdraw(&mut self, key: &str) -> bool {
        key.parse().is_ok_and(|subject| self.remove(&subject, key))
    }

    /// The keys of all entries.
    pub fn keys(&self) -> impl Iterator<Item = Cow<'_, str>> {
        let serials = self.serials.iter().map(|(_, last)| last);
        let identities = self.identities.iter().map(|(_, last)| last);
        let accounts = self.accounts.iter().map(|(_, last)| last);
        serials.chain(identities).chain(accounts).flat_map(|last| last.all()).map(Held::key)
    }

    fn push(&mut self, entry: DenyListEntry, spelling: Option<Box<str>>) {
        self.len += 1;
        let subject = entry.subject.clone();
        let earlier = self.last(&subject).cloned();
        self.set(subject, Arc::new(Held { entry, spelling, earlier }));
    }

    fn remove(&mut self, subject: &Subject, key: &str) -> bool {
        let held: Vec<Held> = self.held(subject).cloned().collect();
        if !held.iter().any(|held| held.has_key(key)) {
            return false;
        }
        match subject {
            Subject::SerialNumber(serial) => drop(self.serials.remove(serial)),
            Subject::Identity(identity) => drop(self.identities.remove(identity)),
            Subject::Account(account) => drop(self.accounts.remove(account)),
        }
        self.len -= held.len();
        for Held { entry, spelling, .. } in held.into_iter().rev().filter(|held| !held.has_key(key)) {
            self.push(entry, spelling);
        }
        true
    }

    fn set(&mut self, subject: Subject, held: Arc<Held>) {
        match subject {
            Subject::SerialNumber(serial) => drop(self.serials.insert(serial, held)),
            Subject::Identity(identity) => drop(self.identities.insert(identity, held)),
            Subject::Account(account) => drop(self.accounts.insert(account, held)),
        }
    }

    /// What is held of a subject, the last entry first.
    fn held(&self, subject: &Subject) -> impl Iterator<Item = &Held> {
        self.last(subject).into_iter().flat_map(|last| last.all())
    }

    fn last(&self, subject: &Subject) -> Option<&Arc<Held>> {
        match subject {
            Subject::SerialNumber(serial) => self.serials.get(serial),
            Subject::Identity(identity) => self.identities.get(identity),
            Subject::Account(account) => self.accounts.get(account),
        }
    }

    /// The entry that denies, if there is one: by serial number, else by identity, else by account.
    #[must_use]
    pub fn find(&self, query: &DenialQuery<'_>) -> Option<&DenyListEntry> {
        let by_serial = self.serials.get(query.serial);
        let by_identity = query.identity.and_then(|identity| self.identities.get(identity));
        let by_account = query.account.and_then(|account| self.accounts.get(account));
        let last = [by_serial, by_identity, by_account].into_iter().flatten();
        last.flat_map(|last| last.all()).map(|held| &held.entry).find(|entry| entry.denies(query))
    }

    /// Whether it names accounts at all; where it does not, nobody need know a connection's.
    #[must_use]
    pub fn names_accounts(&self) -> bool {
        !self.accounts.is_empty()
    }

    /// Whether accounts are denied at this time, whichever: a connection whose account is unknown may be of one of them.
    #[must_use]
    pub fn denies_accounts(&self, now: Timestamp) -> bool {
        let mut all = self.accounts.iter().flat_map(|(_, last)| last.all());
        all.any(|held| held.entry.expires.is_none_or(|expires| now < expires))
    }

    /// How many entries there are, expired ones included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no entry.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}

impl Held {
    fn all(&self) -> impl Iterator<Item = &Self> {
        std::iter::successors(Some(self), |held| held.earlier.as_deref())
    }

    fn has_key(&self, key: &str) -> bool {
        match &self.spelling {
            Some(spelling) => **spelling == *key,
            None => self.entry.subject.is_key(key),
        }
    }

    fn key(&self) -> Cow<'_, str> {
        self.spelling.as_deref().map_or_else(|| Cow::Owned(self.entry.key()), Cow::Borrowed)
    }
}
