//! The allowed principals of the services, and what of all a run saw must be remembered besides connections.

use jiff::Timestamp;
use policy::{AccountId, ServiceId};
use telemetry::{CallError, Deadline, Run, metrics};

use crate::connections::Connections;
use crate::current_policy::InForce;
use crate::drift::{self, drift};
use crate::record::{Memory, Record};
use crate::units::Units;

/// Who may ask for a connection, by service; only of services that were asked about and answered.
#[derive(Debug, Default)]
pub(crate) struct Principals {
    services: Vec<(ServiceId, Result<Vec<String>, CallError>)>,
}

/// What a run learnt of policy, principals and units.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AllowList<'a> {
    pub(crate) policy: Option<InForce<'a>>,
    pub(crate) principals: &'a Principals,
    pub(crate) units: &'a Units,
    pub(crate) memory: &'a Memory,
}

impl Principals {
    pub(crate) async fn describe(connections: &Connections, services: &[ServiceId], by: Deadline) -> Self {
        let mut described = Self::default();
        for service in services {
            let principals = connections.principals(service, by).await;
            described.services.push((service.clone(), principals));
        }
        described
    }

    /// The accounts among them.
    pub(crate) fn accounts(&self) -> impl Iterator<Item = AccountId> {
        self.answered().flat_map(|(_, principals)| drift::accounts(principals))
    }

    /// Tells of services that gave no answer. It is no fault of the run: what is decided does not depend on it, and one
    /// list of services may be used in several Regions, of which each has but its own.
    pub(crate) fn tell(&self, run: &mut Run) {
        for (service, principals) in &self.services {
            let Err(error) = principals else { continue };
            if error.code.ends_with(".NotFound") {
                tracing::error!(%service, %error, "the endpoint service does not exist in this account and Region");
                run.count(&metrics::RUN_ERRORS, ["serviceNotFound"]);
            } else {
                tracing::error!(%service, %error, "the allowed principals could not be described");
                run.count(&metrics::RUN_ERRORS, ["principalsUnavailable"]);
            }
        }
    }

    fn answered(&self) -> impl Iterator<Item = (&ServiceId, &Vec<String>)> {
        self.services.iter().filter_map(|(service, principals)| Some((service, principals.as_ref().ok()?)))
    }
}

impl AllowList<'_> {
    /// What is not yet remembered so.
    pub(crate) fn news(&self, now: Timestamp) -> Vec<Record> {
        let accounts = self.units.news.iter().filter_map(|account| {
            let membership = self.units.membership(account)?;
            Some(Record::Account(*account, membership.clone()))
        });
        let mut news: Vec<_> = accounts.collect();
        let Some(InForce { policy, .. }) = self.policy else { return news };
        let above = |account: &AccountId| self.units.above(account);
        for (service, principals) in self.principals.answered() {
            let drift = drift(policy, service, principals, now, &above);
            if self.memory.services.get(service) != Some(&drift) {
                tracing::info!(%service, ?drift, "the drift between allowed principals and policy has changed");
                news.push(Record::Service(service.clone(), drift));
            }
        }
        let revision = policy.revision().as_str();
        if self.memory.policy_revision.as_deref() != Some(revision) {
            news.push(Record::Policy(revision.to_owned()));
        }
        news
    }
}
