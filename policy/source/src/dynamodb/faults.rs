//! What stands in a table and cannot be used. It holds up nothing else, and it is said until it is gone.

use std::collections::BTreeMap;

/// A table full of garbage is not kept in memory; nobody reads more of it.
const MOST: usize = 1_000;

#[derive(Debug, Default)]
pub(super) struct Faults {
    /// By the key of the item.
    of_items: BTreeMap<String, String>,
    /// Why the whole table cannot be read.
    of_reading: Option<String>,
}

impl Faults {
    /// What is wrong with an item that was read just now, if anything is.
    pub(super) fn of_item(&mut self, table: &str, key: &str, fault: Option<String>) {
        let Some(fault) = fault else {
            self.of_items.remove(key);
            return;
        };
        if self.of_items.get(key) == Some(&fault) || self.of_items.len() >= MOST {
            return;
        }
        tracing::error!(table, key, fault, "an item cannot be used as it is; correct or delete it");
        self.of_items.insert(key.to_owned(), fault);
    }

    /// The whole table was read: those that were not seen are gone.
    pub(super) fn retain(&mut self, seen: impl Fn(&str) -> bool) {
        self.of_items.retain(|key, _| seen(key));
    }

    /// Why a page of the whole table could not be read, if the last one could not.
    pub(super) fn of_reading(&mut self, fault: Option<String>) {
        self.of_reading = fault;
    }

    /// One line, for people.
    pub(super) fn complaint(&self, table: &str) -> Option<String> {
        let items = self.of_items.iter().next().map(|(key, fault)| {
            let more = match self.of_items.len() {
                1 => String::new(),
                items => format!(" (and {} more)", items - 1),
            };
            format!("table `{table}`, item `{key}`: {fault}; correct or delete the item{more}")
        });
        let lines: Vec<String> = items.into_iter().chain(self.of_reading.clone()).collect();
        (!lines.is_empty()).then(|| lines.join("; "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_said_until_its_item_is_right_or_gone() {
        let mut faults = Faults::default();
        for key in ["b", "a"] {
            faults.of_item("t", key, Some("names nobody".to_owned()));
        }
        let said = "table `t`, item `a`: names nobody; correct or delete the item (and 1 more)";
        assert_eq!(faults.complaint("t").as_deref(), Some(said));
        faults.of_item("t", "a", None);
        assert_eq!(faults.complaint("t").unwrap().matches("item `b`").count(), 1);
        faults.of_reading(Some("no page".to_owned()));
        assert!(faults.complaint("t").unwrap().ends_with("correct or delete the item; no page"));
        faults.retain(|_| false);
        faults.of_reading(None);
        assert_eq!(faults.complaint("t"), None);
    }

    #[test]
    fn a_flood_of_garbage_is_bounded() {
        let mut faults = Faults::default();
        for key in 0..2 * MOST {
            faults.of_item("t", &key.to_string(), Some("names nobody".to_owned()));
        }
        assert!(faults.complaint("t").unwrap().ends_with(&format!("(and {} more)", MOST - 1)));
    }
}
