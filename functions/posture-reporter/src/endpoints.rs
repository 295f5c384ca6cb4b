//! What the endpoint inventory says: connections, drift, and since when the policy is in force.

use std::collections::BTreeMap;

use jiff::Timestamp;
use policy::ServiceId;
use telemetry::{Run, metrics};

use crate::table::{Item, seconds};

/// The attributes that are read; what the approver writes is described at its `record`.
pub(crate) const ATTRIBUTES: &[&str] = &[
    "endpointId",
    "serviceId",
    "state",
    "verdict",
    "reason",
    "createdAt",
    "withdrawn",
    "principalsWithoutConsumer",
    "consumersWithoutPrincipal",
    "at",
];

/// AWS's words; each has its value, also when it is zero, so that an alarm ends.
const STATES: &[&str] = &[
    "pendingAcceptance",
    "pending",
    "available",
    "partial",
    "rejected",
    "deleting",
    "deleted",
    "failed",
    "expired",
    "unknown",
];
const ACCEPTED: &[&str] = &["pending", "available", "partial"];

#[derive(Debug, Default, PartialEq)]
struct Service {
    states: BTreeMap<String, usize>,
    oldest_pending: Option<Timestamp>,
    accepted_but_unlisted: usize,
    principals_without_consumer: usize,
    consumers_without_principal: usize,
}

/// Publishes the gauges of every service.
pub(crate) fn measure(run: &mut Run, items: &[Item], now: Timestamp) {
    let mut services: BTreeMap<&str, Service> = BTreeMap::new();
    for item in items {
        match item.text("endpointId").and_then(|key| key.split_once('#')) {
            Some(("policy", _)) => {
                if let Some(since) = item.time("at") {
                    run.add(&metrics::POLICY_REVISION_AGE, [], seconds(since, now).max(0.0));
                }
            }
            Some(("service", service)) if is_service(service) => services.entry(service).or_default().drift(item),
            Some(("service", _)) => not_understood(item),
            Some(_) => {}
            None if item.flag("withdrawn") => {}
            None => match item.text("serviceId").filter(|service| is_service(service)) {
                Some(service) => services.entry(service).or_default().connection(item),
                None => not_understood(item),
            },
        }
    }
    for (name, service) in services {
        service.publish(run, name, now);
    }
}

fn not_understood(item: &Item) {
    tracing::warn!(?item, "a row of the endpoint inventory cannot be understood");
}

/// CloudWatch refuses a whole request for one dimension that it does not take.
fn is_service(text: &str) -> bool {
    text.parse::<ServiceId>().is_ok()
}

impl Service {
    fn connection(&mut self, item: &Item) {
        let state = item.text("state").filter(|state| STATES.contains(state)).unwrap_or("unknown");
        *self.states.entry(state.to_owned()).or_default() += 1;
        if state == "pendingAcceptance" {
            let asked = item.time("createdAt");
            self.oldest_pending = self.oldest_pending.into_iter().chain(asked).min();
        }
        // Where the policy holds the unlisted, an accepted one of theirs stays, and is unlisted all the same.
        let unlisted = item.text("verdict") == Some("reject") || item.text("reason") == Some("unlisted");
        if ACCEPTED.contains(&state) && unlisted {
            self.accepted_but_unlisted += 1;
        }
    }

    fn drift(&mut self, item: &Item) {
        self.principals_without_consumer = item.length("principalsWithoutConsumer").unwrap_or_default();
        self.consumers_without_principal = item.length("consumersWithoutPrincipal").unwrap_or_default();
    }

    fn publish(&self, run: &mut Run, name: &str, now: Timestamp) {
        for state in STATES {
            let count = self.states.get(*state).copied().unwrap_or_default();
            run.add(&metrics::CONNECTIONS_BY_STATE, [name, state], as_f64(count));
        }
        let oldest = self.oldest_pending.map_or(0.0, |asked| seconds(asked, now).max(0.0));
        run.add(&metrics::OLDEST_PENDING_AGE, [name], oldest);
        run.add(&metrics::ACCEPTED_BUT_UNLISTED, [name], as_f64(self.accepted_but_unlisted));
        run.add(&metrics::PRINCIPALS_WITHOUT_CONSUMER, [name], as_f64(self.principals_without_consumer));
        run.add(&metrics::CONSUMERS_WITHOUT_PRINCIPAL, [name], as_f64(self.consumers_without_principal));
    }
}

/// Exact up to more than anybody counts here.
pub(crate) fn as_f64(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}
