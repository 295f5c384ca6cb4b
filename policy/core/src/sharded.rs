//! A map whose changed copy costs the change, however large the map is.

use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasher, Hash};
use std::sync::Arc;

use foldhash::fast::RandomState;

/// With a million keys a change copies this many pointers and one shard of 500.
const SHARDS: usize = 2048;

/// Clones share their shards; a change copies the shard that it falls into, if another clone has it.
#[derive(Clone)]
pub(crate) struct Sharded<K, V> {
    /// Empty until there is a key.
    shards: Vec<Option<Shard<K, V>>>,
    len: usize,
    hasher: RandomState,
}

type Shard<K, V> = Arc<HashMap<K, V, RandomState>>;

impl<K, V> Sharded<K, V> {
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.shards.iter().flatten().flat_map(|shard| shard.iter())
    }
}

impl<K: Clone + Eq + Hash, V: Clone> Sharded<K, V> {
    pub(crate) fn get(&self, key: &K) -> Option<&V> {
        // Most lists are empty, and none need be asked what it hashes to.
        if self.is_empty() {
            return None;
        }
        self.shards.get(self.place(key))?.as_ref()?.get(key)
    }

    /// The value that was there.
    pub(crate) fn insert(&mut self, key: K, value: V) -> Option<V> {
        if self.shards.is_empty() {
            self.shards.resize(SHARDS, None);
        }
        let place = self.place(&key);
        let shard = self.shards.get_mut(place)?.get_or_insert_default();
        let before = Arc::make_mut(shard).insert(key, value);
        self.len += usize::from(before.is_none());
        before
    }

    /// The value that was there.
    pub(crate) fn remove(&mut self, key: &K) -> Option<V> {
        // A copy would be made for nothing.
        self.get(key)?;
        let place = self.place(key);
        let removed = Arc::make_mut(self.shards.get_mut(place)?.as_mut()?).remove(key);
        self.len -= usize::from(removed.is_some());
        removed
    }

    fn place(&self, key: &K) -> usize {
        usize::try_from(self.hasher.hash_one(key) % SHARDS as u64).unwrap_or_default()
    }
}

impl<K, V> Default for Sharded<K, V> {
    fn default() -> Self {
        Self { shards: Vec::new(), len: 0, hasher: RandomState::default() }
    }
}

impl<K: fmt::Debug, V: fmt::Debug> fmt::Debug for Sharded<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl<K: Clone + Eq + Hash, V: Clone> FromIterator<(K, V)> for Sharded<K, V> {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        let mut map = Self::default();
        for (key, value) in pairs {
            map.insert(key, value);
        }
        map
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_a_map() {
        let mut map: Sharded<usize, usize> = (0..10_000).map(|n| (n, n)).collect();
        assert_eq!((map.insert(7, 8), map.insert(10_000, 1), map.len()), (Some(7), None, 10_001));
        assert_eq!((map.remove(&7), map.remove(&7), map.get(&7), map.len()), (Some(8), None, None, 10_000));
        assert_eq!(map.iter().count(), 10_000);
        assert!((0..10_000).filter(|n| *n != 7).all(|n| map.get(&n) == Some(&n)));
        assert!(Sharded::<usize, usize>::default().is_empty() && !map.is_empty());
    }

    #[test]
    fn a_change_is_not_seen_by_the_copy_and_copies_one_shard() {
        let before: Sharded<usize, usize> = (0..10_000).map(|n| (n, n)).collect();
        let mut after = before.clone();
        after.insert(7, 0);
        after.remove(&8);
        assert!(after.remove(&10_001).is_none());
        assert_eq!((before.get(&7), before.get(&8), before.len()), (Some(&7), Some(&8), 10_000));
        let same = |a: &Option<Shard<usize, usize>>, b: &Option<Shard<usize, usize>>| match (a, b) {
            (Some(a), Some(b)) => Arc::ptr_eq(a, b),
            (a, b) => a.is_none() && b.is_none(),
        };
        let copied = before.shards.iter().zip(&after.shards).filter(|(a, b)| !same(a, b)).count();
        assert!((1..=2).contains(&copied), "{copied}");
    }
}
