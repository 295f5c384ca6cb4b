//! A published policy as items: their keys and their content, the same for who writes them and who reads them.

use std::fmt;
use std::hash::{BuildHasher, RandomState};

use aws_sdk_dynamodb::types::AttributeValue;
use policy::{PolicyParts, Timestamp};
use sha2::{Digest, Sha256};

use super::item::{Item, required};

/// One writing of a policy beside all others: its time and a random part, so that no two are ever the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PublicationId(String);

impl PublicationId {
    pub(super) fn new(now: Timestamp) -> Self {
        let random = RandomState::new().hash_one(now) & 0xffff_ffff;
        Self(format!("{}-{random:08x}", now.strftime("%Y%m%dT%H%M%SZ")))
    }

    pub(super) fn of(text: &str) -> Self {
        Self(text.to_owned())
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it was begun before this time.
    pub(super) fn is_before(&self, time: Timestamp) -> bool {
        self.0.as_str() < time.strftime("%Y%m%dT%H%M%SZ").to_string().as_str()
    }
}

impl fmt::Display for PublicationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How many items a publication has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) consumers: usize,
    pub(super) callers: usize,
}

impl Counts {
    pub(super) fn of(parts: &PolicyParts) -> Self {
        Self { consumers: parts.consumers.len(), callers: parts.callers.len() }
    }

    pub(super) fn total(self) -> usize {
        self.consumers.saturating_add(self.callers)
    }

    /// The keys of all its items.
    pub(super) fn keys(self, id: &PublicationId) -> impl Iterator<Item = String> + '_ {
        let key = move |list: &'static str| move |index: usize| format!("{list}#{id}#{index}");
        (0..self.consumers).map(key("consumer")).chain((0..self.callers).map(key("caller")))
    }
}

/// The items of a policy, in the order of [`Counts::keys`].
pub(super) fn items<'a>(parts: &'a PolicyParts, id: &'a PublicationId) -> impl Iterator<Item = Item> + 'a {
    let entries = parts.consumers.iter().chain(&parts.callers);
    Counts::of(parts).keys(id).zip(entries).map(move |(key, entry)| {
        let text = |value: &str| AttributeValue::S(value.to_owned());
        Item::from([
            ("pk".to_owned(), AttributeValue::S(key)),
            ("publication".to_owned(), text(id.as_str())),
            ("entry".to_owned(), text(entry)),
        ])
    })
}

/// What tells two policies apart, and a whole one from half of one: SHA-256 over all parts, in hex.
pub(super) fn digest(parts: &PolicyParts) -> String {
    let mut digest = Sha256::new();
    for part in [&parts.head].into_iter().chain(&parts.consumers).chain(&parts.callers) {
        digest.update(part);
        digest.update(b"\n");
    }
    digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A publication as far as it was read.
#[derive(Debug)]
pub(super) struct Gathered {
    consumers: Vec<Option<String>>,
    callers: Vec<Option<String>>,
    missing: usize,
}

impl Gathered {
    pub(super) fn new(counts: Counts) -> Self {
        let empty = |count| std::iter::repeat_n(None, count).collect();
        Self { consumers: empty(counts.consumers), callers: empty(counts.callers), missing: counts.total() }
    }

    /// Takes an item of the publication in.
    pub(super) fn add(&mut self, item: &Item) -> Result<(), String> {
        let key = required(item, "pk")?;
        let malformed = || "is none that its publication can have".to_owned();
        let (list, rest) = key.split_once('#').ok_or_else(malformed)?;
        let slots = if list == "consumer" { &mut self.consumers } else { &mut self.callers };
        let index = rest.rsplit_once('#').and_then(|(_, index)| index.parse::<usize>().ok());
        let slot = index.and_then(|index| slots.get_mut(index)).ok_or_else(malformed)?;
        self.missing -= usize::from(slot.is_none());
        *slot = Some(required(item, "entry")?.to_owned());
        Ok(())
    }

    /// All of it, if nothing is missing.
    pub(super) fn whole(self, head: String) -> Option<PolicyParts> {
        let all = |list: Vec<Option<String>>| list.into_iter().collect::<Option<Vec<_>>>();
        Some(PolicyParts { head, consumers: all(self.consumers)?, callers: all(self.callers)? })
    }

    pub(super) fn missing(&self) -> usize {
        self.missing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts() -> PolicyParts {
        PolicyParts { head: "{}".into(), consumers: vec!["c0".into()], callers: vec!["a0".into(), "a1".into()] }
    }

    #[test]
    fn what_was_written_is_gathered_in_any_order_and_only_whole() {
        let id = PublicationId::of("20261123T100000Z-0a1b2c3d");
        let mut written: Vec<Item> = items(&parts(), &id).collect();
        assert_eq!(required(&written[1], "pk").unwrap(), "caller#20261123T100000Z-0a1b2c3d#0");
        written.reverse();
        let mut gathered = Gathered::new(Counts::of(&parts()));
        for item in &written[..2] {
            gathered.add(item).unwrap();
            gathered.add(item).unwrap();
        }
        assert_eq!(gathered.missing(), 1);
        gathered.add(&written[2]).unwrap();
        assert_eq!(gathered.whole("{}".into()), Some(parts()));
        let mut half = Gathered::new(Counts::of(&parts()));
        half.add(&written[0]).unwrap();
        assert_eq!(half.whole("{}".into()), None);
    }

    #[test]
    fn an_item_that_cannot_belong_to_it_is_refused() {
        let item = |key: &str| {
            let text = |value: &str| AttributeValue::S(value.to_owned());
            Item::from([("pk".to_owned(), text(key)), ("entry".to_owned(), text("{}"))])
        };
        for key in ["caller", "caller#x", "caller#x#2", "consumer#x#1", "caller#x#-1", "caller#x#"] {
            assert!(Gathered::new(Counts::of(&parts())).add(&item(key)).is_err(), "{key}");
        }
    }

    #[test]
    fn the_digest_depends_on_every_part_and_its_place() {
        let swapped = PolicyParts { callers: vec!["a1".into(), "a0".into()], ..parts() };
        let moved = PolicyParts { head: "{}\nc0".into(), consumers: Vec::new(), ..parts() };
        let all = [digest(&parts()), digest(&swapped), digest(&PolicyParts { head: "{ }".into(), ..parts() })];
        assert!(all[0] != all[1] && all[0] != all[2]);
        assert_eq!(
            all[0],
            digest(&moved),
            "JSON without white space holds no line break: the parts cannot be confused"
        );
    }

    #[test]
    fn publications_differ_and_know_their_age() {
        let now: Timestamp = "2026-11-23T10:00:00Z".parse().unwrap();
        let id = PublicationId::new(now);
        assert!(id.as_str().starts_with("20261123T100000Z-"));
        assert_ne!(id, PublicationId::new(now));
        assert!(!id.is_before(now) && id.is_before("2026-11-23T10:00:01Z".parse().unwrap()));
    }
}
