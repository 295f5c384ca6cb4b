//! The counters of the metrics' table, as the status shows them.

use crate::connection::Gate;
use crate::metrics::{State, Value};
use serde_json::{Map, json};
use std::collections::BTreeMap;

/// So many callers are shown; `/metrics` has all that are counted.
const CALLERS: usize = 50;

#[derive(Debug, Default)]
pub(super) struct Numbers {
    /// By decision, reason and class of the status, the most first.
    pub(super) requests: Vec<([String; 3], u64)>,
    pub(super) handshakes: u64,
    pub(super) handshake_failures: Vec<(String, u64)>,
    pub(super) protocol_errors: u64,
    pub(super) ended: Vec<(String, u64)>,
    pub(super) upstream_errors: Vec<(String, u64)>,
    /// Name, requests and denials; those most denied first.
    pub(super) callers: Vec<(String, u64, u64)>,
    /// Callers that are not shown.
    pub(super) more_callers: usize,
}

impl Numbers {
    pub(super) fn read(gate: &Gate, state: &State) -> Self {
        let (mut numbers, mut callers) = (Self::default(), BTreeMap::<String, (u64, u64)>::new());
        gate.metrics.collect(state, &mut |definition, attributes, value| {
            let Value::Count(count) = value else { return };
            let first = || attributes.first().map_or_else(String::new, |first| (*first).to_owned());
            match definition.name {
                "requests" => {
                    if let Ok(key) = <[&str; 3]>::try_from(attributes) {
                        numbers.requests.push((key.map(str::to_owned), count));
                    }
                }
                "handshakes" => numbers.handshakes = count,
                "protocol_errors" => numbers.protocol_errors = count,
                "handshake_failures" if count > 0 => numbers.handshake_failures.push((first(), count)),
                "connections_ended" if count > 0 => numbers.ended.push((first(), count)),
                "upstream_errors" if count > 0 => numbers.upstream_errors.push((first(), count)),
                "caller_requests" => callers.entry(first()).or_default().0 = count,
                "caller_denials" => callers.entry(first()).or_default().1 = count,
                _ => {}
            }
        });
        numbers.requests.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        numbers.callers = callers.into_iter().map(|(name, (requests, denials))| (name, requests, denials)).collect();
        numbers.callers.sort_by_key(|(_, requests, denials)| std::cmp::Reverse((*denials, *requests)));
        numbers.more_callers = numbers.callers.len().saturating_sub(CALLERS);
        numbers.callers.truncate(CALLERS);
        numbers
    }

    pub(super) fn upstream_errors_total(&self) -> u64 {
        self.upstream_errors.iter().map(|(_, count)| count).sum()
    }

    /// Requests with this decision.
    pub(super) fn decided(&self, decision: &str) -> u64 {
        self.requests.iter().filter(|([each, ..], _)| each == decision).map(|(_, count)| count).sum()
    }

    pub(super) fn failures_total(&self) -> u64 {
        self.handshake_failures.iter().map(|(_, count)| count).sum()
    }

    /// The fields that are added to the status.
    pub(super) fn json(&self) -> Map<String, serde_json::Value> {
        let by = |counts: &[(String, u64)]| {
            counts.iter().map(|(name, count)| (name.clone(), json!(count))).collect::<Map<_, _>>()
        };
        let requests = self.requests.iter().map(|([decision, reason, status], count)| {
            json!({ "decision": decision, "reason": reason, "status": status, "requests": count })
        });
        let callers = self
            .callers
            .iter()
            .map(|(caller, requests, denials)| json!({ "callerId": caller, "requests": requests, "denials": denials }));
        let fields = [
            ("requestsByDecision", requests.collect()),
            ("callers", callers.collect()),
            ("handshakes", json!({ "completed": self.handshakes, "failed": by(&self.handshake_failures) })),
            ("protocolErrors", json!(self.protocol_errors)),
            ("connectionsEnded", json!(by(&self.ended))),
            ("upstreamErrors", json!(by(&self.upstream_errors))),
        ];
        fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }
}
