//! The outer gate of two policies: whose endpoint connections are treated otherwise by one of them.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::{Admission, ConsumerChange, ConsumerDiff, Selection};
use crate::Policy;
use crate::endpoint::{Action, Consumer, ConsumerSubject, Unlisted};

/// Every account and organizational unit for which something changes.
pub(super) fn consumers(old: &Policy, new: &Policy, at: Timestamp) -> Vec<ConsumerDiff> {
    let before = by_subject(old);
    let mut subjects: BTreeMap<&ConsumerSubject, (Entries<'_>, Entries<'_>)> = BTreeMap::new();
    for (subject, entries) in before {
        subjects.entry(subject).or_default().0 = entries;
    }
    for (subject, entries) in by_subject(new) {
        subjects.entry(subject).or_default().1 = entries;
    }
    let unlisted = (old.endpoints().unlisted(), new.endpoints().unlisted());
    let diffs = subjects.into_iter().filter_map(|(subject, (before, after))| {
        let changes = changes(&Side::new(&before, unlisted.0, at), &Side::new(&after, unlisted.1, at));
        let name = after.iter().chain(&before).find_map(|consumer| consumer.name()).map(str::to_owned);
        (!changes.is_empty()).then(|| ConsumerDiff { subject: subject.clone(), name, changes })
    });
    diffs.collect()
}

type Entries<'p> = Vec<&'p Consumer>;

fn by_subject(policy: &Policy) -> BTreeMap<&ConsumerSubject, Entries<'_>> {
    let mut entries: BTreeMap<_, Entries<'_>> = BTreeMap::new();
    for consumer in policy.endpoints().consumers() {
        entries.entry(consumer.subject()).or_default().push(consumer);
    }
    entries
}

/// One policy's entries for one subject.
struct Side<'p> {
    in_force: Vec<&'p Consumer>,
    /// What becomes of a connection that none of them admits.
    otherwise: Action,
}

impl<'p> Side<'p> {
    fn new(entries: &[&'p Consumer], unlisted: Unlisted, at: Timestamp) -> Self {
        let in_force = entries.iter().copied();
        let in_force = in_force.filter(|c| c.valid_until().is_none_or(|end| at < end) && c.max_endpoints() != Some(0));
        let held = entries.is_empty() && unlisted == Unlisted::Hold;
        Self { in_force: in_force.collect(), otherwise: if held { Action::Hold } else { Action::Reject } }
    }

    /// What these entries say of endpoints in one Region, to one service; none stands for all that nobody names.
    fn admission(&self, region: Option<&str>, service: Option<&str>) -> (Admission, Vec<&'p Consumer>) {
        let names = |list: Option<Vec<&str>>, wanted: Option<&str>| {
            list.is_none_or(|list| wanted.is_some_and(|wanted| list.contains(&wanted)))
        };
        let admits = |c: &&&Consumer| names(region_names(c), region) && names(service_names(c), service);
        let admitting: Vec<&Consumer> = self.in_force.iter().filter(admits).copied().collect();
        let last = admitting.iter().map(|c| c.valid_until()).max_by_key(|end| end.unwrap_or(Timestamp::MAX));
        let Some(until) = last else {
            return (Admission { action: self.otherwise, max_endpoints: None, until: None }, Vec::new());
        };
        // Each limit counts its own entry's endpoints, so of several entries the places add up.
        let limits: Option<Vec<u64>> = admitting.iter().map(|c| c.max_endpoints().map(u64::from)).collect();
        let max_endpoints = limits.map(|limits| limits.iter().sum());
        (Admission { action: Action::Accept, max_endpoints, until }, decisive(admitting))
    }
}

/// The entries without those that add nothing because another one, without a limit, lasts as long.
fn decisive(admitting: Vec<&Consumer>) -> Vec<&Consumer> {
    let end = |c: &Consumer| c.valid_until().unwrap_or(Timestamp::MAX);
    let unlimited = admitting.iter().filter(|c| c.max_endpoints().is_none()).map(|c| end(c)).max();
    let adds = |c: &&Consumer| c.max_endpoints().is_some() && unlimited.is_none_or(|unlimited| unlimited < end(c));
    admitting.into_iter().filter(adds).collect()
}

fn region_names(consumer: &Consumer) -> Option<Vec<&str>> {
    consumer.regions().map(|regions| regions.iter().map(AsRef::as_ref).collect())
}

fn service_names(consumer: &Consumer) -> Option<Vec<&str>> {
    consumer.services().map(|services| services.iter().map(AsRef::as_ref).collect())
}

/// Some of the names that come up, and none for all others.
type Names<'p> = BTreeSet<Option<&'p str>>;

/// What changes, with the Regions and services for which it does.
fn changes(before: &Side<'_>, after: &Side<'_>) -> Vec<ConsumerChange> {
    let entries = || before.in_force.iter().chain(&after.in_force);
    let regions = with_others(entries().filter_map(|c| region_names(c)));
    let services = with_others(entries().filter_map(|c| service_names(c)));
    let mut found: BTreeMap<(Admission, Admission), BTreeMap<Option<&str>, Names<'_>>> = BTreeMap::new();
    for &region in &regions {
        for &service in &services {
            let (was, was_by) = before.admission(region, service);
            let (is, is_by) = after.admission(region, service);
            let same_limits =
                was_by.len() == is_by.len() && was_by.iter().zip(&is_by).all(|(a, b)| a.grants_the_same(b));
            if was != is || !same_limits {
                found.entry((was, is)).or_default().entry(region).or_default().insert(service);
            }
        }
    }
    let changes = found.into_iter().flat_map(|((before, after), cells)| {
        // Regions with the same services make one line.
        let mut lines: BTreeMap<Names<'_>, Names<'_>> = BTreeMap::new();
        for (region, services) in cells {
            lines.entry(services).or_default().insert(region);
        }
        let change = |(its_services, its_regions)| ConsumerChange {
            regions: selection(&regions, &its_regions),
            services: selection(&services, &its_services),
            before: before.clone(),
            after: after.clone(),
        };
        lines.into_iter().map(change).collect::<Vec<_>>()
    });
    changes.collect()
}

fn with_others<'p>(names: impl Iterator<Item = Vec<&'p str>>) -> Names<'p> {
    names.flatten().map(Some).chain(std::iter::once(None)).collect()
}

fn selection(all: &Names<'_>, some: &Names<'_>) -> Selection<String> {
    let text = |name: &Option<&str>| name.map(str::to_owned);
    if some.contains(&None) {
        Selection::AllBut(all.difference(some).filter_map(text).collect())
    } else {
        Selection::Only(some.iter().filter_map(text).collect())
    }
}
