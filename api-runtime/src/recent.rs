//! The last denials, for the status page: what an operator wants to see first.

use crate::json;
use policy::Timestamp;
use policy::access::Reason;
use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

/// So many are shown.
const SHOWN: usize = 50;

#[derive(Debug, Default)]
pub(crate) struct RecentDenials(Mutex<VecDeque<Denial>>);

/// One denied request.
#[derive(Clone, Debug)]
pub(crate) struct Denial {
    pub(crate) at: Timestamp,
    pub(crate) caller: Option<String>,
    pub(crate) endpoint: Option<String>,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) reason: Reason,
    /// Whether audit mode let it pass.
    pub(crate) audit: bool,
    pub(crate) request_id: String,
}

impl RecentDenials {
    /// Keeps a denial, unless another thread is keeping one just now: under a flood nobody waits for this list.
    pub(crate) fn keep(&self, denial: impl FnOnce() -> Denial) {
        let Ok(mut kept) = self.0.try_lock() else { return };
        if kept.len() >= SHOWN {
            kept.pop_front();
        }
        kept.push_back(denial());
    }

    /// The newest first.
    pub(crate) fn list(&self) -> Vec<Denial> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().rev().cloned().collect()
    }
}

impl Denial {
    pub(crate) fn json(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"timestamp\":");
        json::timestamp(out, self.at);
        let fields = [
            ("callerId", self.caller.as_deref()),
            ("endpointId", self.endpoint.as_deref()),
            ("method", Some(&*self.method)),
            ("path", Some(&*self.path)),
            ("reason", Some(self.reason.as_str())),
            ("decision", Some(if self.audit { "auditDeny" } else { "deny" })),
            ("requestId", Some(&*self.request_id)),
        ];
        for (name, value) in fields {
            out.push(b',');
            json::string(out, name);
            out.push(b':');
            json::optional(out, value);
        }
        out.push(b'}');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn denial(number: usize) -> Denial {
        Denial {
            at: Timestamp::UNIX_EPOCH,
            caller: None,
            endpoint: None,
            method: "GET".to_owned(),
            path: format!("/{number}\""),
            reason: Reason::Forbidden,
            audit: false,
            request_id: "id".to_owned(),
        }
    }

    #[test]
    fn the_newest_fifty_are_kept_newest_first() {
        let denials = RecentDenials::default();
        (0..60).for_each(|number| denials.keep(|| denial(number)));
        let paths: Vec<String> = denials.list().into_iter().map(|denial| denial.path).collect();
        assert_eq!((paths.len(), &*paths[0], &*paths[49]), (50, "/59\"", "/10\""));
    }

    #[test]
    fn a_denial_is_json() {
        let mut out = Vec::new();
        denial(1).json(&mut out);
        let value: serde_json::Value = serde_json::from_slice(&out).unwrap();
        assert_eq!((value["path"].as_str(), value["callerId"].is_null()), (Some("/1\""), true));
    }
}
