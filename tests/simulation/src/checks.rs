//! What must hold after a run.

use crate::aws::{Aws, GRACE, RunSoFar, SLACK};
use crate::scenario::End;

impl Aws {
    pub(crate) fn ended(&mut self, end: End) {
        let RunSoFar { policy, frozen, .. } = &self.run;
        let what = format!("approver: {end:?}, having read {policy:?}, frozen {frozen:?}");
        self.happened(what);
    }

    /// An owner is new: what no policy lists is unlisted from now.
    pub(crate) fn unlisted_before(&mut self, owner: &str) {
        if !self.policy.lists(owner) {
            let now = self.clock.now;
            self.unlisted_since.entry(owner.to_owned()).or_insert(now);
        }
    }

    /// After a run that did all it should: nobody unlisted has stayed for longer than the grace since an earlier one.
    pub(crate) fn check_done(&mut self) {
        let Some(policy) = self.run.policy.clone() else {
            return self.violated("a run that could not read the policy ended well".to_owned());
        };
        let (now, frozen) = (self.clock.now, self.run.frozen != Some(false));
        for id in self.connections.keys().cloned().collect::<Vec<_>>() {
            let connection = self.connections.get_mut(&id).unwrap();
            if policy.lists(&connection.owner) || !connection.is_accepted() {
                continue;
            }
            let since = *connection.seen_delisted.get_or_insert(now);
            if now - since >= GRACE + SLACK && !frozen && connection.created < since {
                let owner = connection.owner.clone();
                self.violated(format!("{id} of {owner} stays {} s after it was seen delisted", now - since));
            }
        }
        let listed: Vec<_> = self.unlisted_since.keys().filter(|owner| policy.lists(owner)).cloned().collect();
        for owner in listed {
            self.unlisted_since.remove(&owner);
            self.unlisted_before(&owner);
        }
    }
}

impl Aws {
    /// A run that saw an owner listed, however it ended, may have stopped its clock.
    pub(crate) fn forget_listed(&mut self) {
        let policy = self.run.policy.clone();
        for connection in self.connections.values_mut() {
            let listed = policy.as_ref().is_some_and(|policy| policy.lists(&connection.owner));
            if listed || !connection.is_accepted() {
                connection.seen_delisted = None;
            }
        }
    }
}
