use std::fmt::{self, Write};

use super::entries::RuleEntry;
use crate::{MethodSet, PathTemplate, RequestPath, RuleId};

/// One permit or forbid rule.
#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) id: RuleId,
    methods: MethodSet,
    paths: Box<[PathTemplate]>,
}

/// What a rule does; part of its generated id.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    Permit,
    Forbid,
}

impl Rule {
    pub(super) fn new(entry: RuleEntry, kind: Kind) -> Self {
        let methods = entry.methods.0.map_or(MethodSet::ANY, |methods| methods.into_inner().into_iter().collect());
        let mut paths = entry.paths.into_inner();
        paths.sort_unstable();
        let id = entry.id.0.unwrap_or_else(|| generated_id(kind, &methods, &paths));
        Self { id, methods, paths }
    }

    pub(crate) fn methods(&self) -> &MethodSet {
        &self.methods
    }

    pub(crate) fn paths(&self) -> &[PathTemplate] {
        &self.paths
    }

    /// Whether the two match the same requests in the same words, whatever they are called.
    fn says_the_same(&self, other: &Self) -> bool {
        self.methods == other.methods && self.paths == other.paths
    }

    pub(super) fn all_say_the_same(ours: &[Self], theirs: &[Self]) -> bool {
        ours.len() == theirs.len() && ours.iter().zip(theirs).all(|(ours, theirs)| ours.says_the_same(theirs))
    }

    pub(crate) fn permits(&self, method: &str, path: &RequestPath<'_>) -> bool {
        self.methods.contains(method) && self.paths.iter().any(|template| template.matches(path))
    }

    pub(crate) fn forbids(&self, method: &str, path: &RequestPath<'_>) -> bool {
        self.methods.contains(method) && self.paths.iter().any(|template| template.matches_as_read(path))
    }
}

/// `permit-` or `forbid-` and a hash of what the rule says, so that the id stays when rules are moved or others change.
fn generated_id(kind: Kind, methods: &MethodSet, paths: &[PathTemplate]) -> RuleId {
    let mut hash = Fnv1a(0xcbf2_9ce4_8422_2325);
    // Writing to a hash cannot fail.
    let _ = write!(hash, "{methods}");
    for path in paths {
        let _ = write!(hash, " {path}");
    }
    let word = match kind {
        Kind::Permit => "permit",
        Kind::Forbid => "forbid",
    };
    RuleId::generated(&format!("{word}-{:012x}", hash.0 >> 16))
}

/// A hash that is the same in every build: `std`'s own promises nothing.
struct Fnv1a(u64);

impl Write for Fnv1a {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        Ok(())
    }
}
