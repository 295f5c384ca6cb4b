//! Everything that changes while we serve, and the question each request asks of it.

mod denials;
mod propagation;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::Guard;
use policy::access::Reason;
use policy::deny_list::{DenialQuery, DenyList};
use policy::inventory::Inventory;
use policy::{AccountId, Timestamp, VpcEndpointId};
use policy_source::{DenyListSource, Engine, InventorySource, Live, Loaded, PolicySource};
use tokio::sync::watch;

use crate::config::Config;
use crate::trust::{Peer, Trust, TrustSource};
use denials::Denials;
pub(crate) use propagation::{DenyListState, Propagation, Took};

/// The snapshots in force. Each is replaced whole, after checking, or not at all.
#[derive(Debug)]
pub struct Snapshots {
    /// The access policy.
    pub policy: Live<Engine>,
    /// Certificates, trust anchors, CRLs.
    pub trust: Live<Trust>,
    /// The deny list, if there is one.
    pub deny_list: Option<Live<DenyList>>,
    /// The endpoint inventory, if there is one.
    pub endpoints: Option<Live<Inventory>>,
    propagation: Propagation,
    limits: Limits,
    changes: watch::Receiver<u64>,
}

#[derive(Debug)]
struct Limits {
    policy_staleness: Duration,
    deny_list_staleness: Duration,
    endpoints_staleness: Duration,
    certificate_lifetime: Option<Duration>,
}

/// One look at both clocks, for all questions of a request: a look costs more than most of them.
#[derive(Clone, Copy, Debug)]
pub struct Now {
    /// What certificates, lists and policies are dated by.
    pub at: Timestamp,
    /// What the age of snapshots is told by; nobody sets it.
    pub steady: Instant,
}

impl Now {
    /// Looks at the clocks.
    pub fn read() -> Self {
        Self { at: Timestamp::now(), steady: Instant::now() }
    }
}

/// Why nothing can be served: everything that is wrong, a line each.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct StartError(Vec<String>);

impl Snapshots {
    /// Loads and checks everything the configuration names, and keeps it fresh from then on.
    ///
    /// # Errors
    /// Any of it is missing or wrong; all that is.
    pub async fn start(config: &Config) -> Result<Self, StartError> {
        let propagation = Propagation::default();
        let (policy, trust, deny_list, endpoints) = tokio::join!(
            policy(config, &propagation.policy),
            trust(config),
            deny_list(config, &propagation.denials),
            endpoints(config)
        );
        let mut problems = Vec::new();
        let (policy, trust) = (kept(policy, &mut problems), kept(trust, &mut problems));
        let (deny_list, endpoints) = (kept(deny_list, &mut problems), kept(endpoints, &mut problems));
        let (Some(policy), Some(trust), Some(deny_list), Some(endpoints)) = (policy, trust, deny_list, endpoints)
        else {
            return Err(StartError(problems));
        };
        if config.tls.crls.is_empty() {
            tracing::warn!("`tls.crls` is empty: no CRL is checked");
        }
        let staleness = |max: Option<Duration>| max.unwrap_or(Duration::MAX);
        let limits = Limits {
            policy_staleness: config.policy.max_staleness,
            deny_list_staleness: staleness(config.deny_list.as_ref().map(|settings| settings.max_staleness)),
            endpoints_staleness: staleness(config.endpoints.as_ref().map(|settings| settings.max_staleness)),
            certificate_lifetime: config.tls.max_client_certificate_lifetime,
        };
        let replaced =
            [Some(trust.subscribe()), deny_list.as_ref().map(Live::subscribe), endpoints.as_ref().map(Live::subscribe)];
        let changes = merge(replaced.into_iter().flatten());
        Ok(Self { policy, trust, deny_list, endpoints, propagation, limits, changes })
    }

    /// How long changes took to come into force here.
    pub(crate) fn propagation(&self) -> &Propagation {
        &self.propagation
    }

    /// The deny list in numbers; `None` without one.
    pub(crate) fn deny_list_state(&self) -> Option<DenyListState> {
        self.deny_list.as_ref().map(|live| DenyListState {
            entries: live.load().value.len(),
            propagation: self.propagation.denials.in_force().distribution(),
            closing: self.propagation.denials.closing().distribution(),
        })
    }

    /// How long denials take.
    pub(crate) fn denials(&self) -> &Denials {
        &self.propagation.denials
    }

    /// For how much longer the deny list may be believed if its source says nothing; `None` without one.
    pub(crate) fn deny_list_freshness(&self) -> Option<Duration> {
        self.deny_list.as_ref().map(|live| self.limits.deny_list_staleness.saturating_sub(live.age()))
    }

    /// Counts the replacements of what [`Snapshots::check`] asks: when it changes, connections check themselves.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.clone()
    }

    /// The account an endpoint belongs to; `None` when the inventory does not know it, or is too old to be believed.
    pub fn account(&self, endpoint: &VpcEndpointId, now: Now) -> Option<AccountId> {
        let inventory =
            self.endpoints.as_ref().filter(|live| live.age_at(now.steady) <= self.limits.endpoints_staleness)?;
        inventory.load().value.account(endpoint).copied()
    }

    /// The policy to decide by.
    ///
    /// # Errors
    /// [`Reason::PolicyStale`]: its source has not confirmed it for longer than `policy.maxStaleness`.
    pub fn policy_for_use(&self, now: Now) -> Result<Guard<Arc<Loaded<Engine>>>, Reason> {
        match self.policy.age_at(now.steady) <= self.limits.policy_staleness {
            true => Ok(self.policy.load()),
            false => Err(Reason::PolicyStale),
        }
    }

    /// Whether a peer may still be served at all, whatever it asks for: asked for every request, and for each open
    /// connection when something changed. Reads snapshots, and nothing else.
    ///
    /// # Errors
    /// Why it may not.
    pub fn check(&self, peer: &Peer, endpoint: Option<&VpcEndpointId>, now: Now) -> Result<(), Reason> {
        if !peer.is_valid_at(now.at) {
            return Err(Reason::CertificateExpired);
        }
        self.trust.load().value.check(peer, now.at)?;
        self.check_deny_list(peer, endpoint, now)?;
        self.check_lifetime(peer)?;
        peer.identity().map(|_| ())
    }

    fn check_deny_list(&self, peer: &Peer, endpoint: Option<&VpcEndpointId>, now: Now) -> Result<(), Reason> {
        let Some(live) = &self.deny_list else { return Ok(()) };
        let list = live.load();
        // An inventory that is too old to let anybody in is still good enough to keep somebody out.
        let inventory = self.endpoints.as_ref().filter(|_| list.value.names_accounts()).map(Live::load);
        let through = inventory.as_ref().zip(endpoint);
        let account = through.and_then(|(inventory, endpoint)| inventory.value.account(endpoint));
        let query = DenialQuery {
            serial: peer.serial(),
            identity: peer.identity().ok(),
            account,
            not_before: peer.not_before(),
            now: now.at,
        };
        if list.value.find(&query).is_some() {
            return Err(Reason::CertificateRevoked);
        }
        if through.is_some() && account.is_none() && list.value.denies_accounts(now.at) {
            return Err(Reason::EndpointUnknown);
        }
        match live.age_at(now.steady) <= self.limits.deny_list_staleness {
            true => Ok(()),
            false => Err(Reason::DenyListStale),
        }
    }

    fn check_lifetime(&self, peer: &Peer) -> Result<(), Reason> {
        let Some(longest) = self.limits.certificate_lifetime else { return Ok(()) };
        let lifetime = peer.not_after().as_second().saturating_sub(peer.not_before().as_second());
        match u64::try_from(lifetime).is_ok_and(|lifetime| lifetime <= longest.as_secs()) {
            true => Ok(()),
            false => Err(Reason::CertificateLifetimeTooLong),
        }
    }
}

fn kept<T>(outcome: Result<T, String>, problems: &mut Vec<String>) -> Option<T> {
    outcome.map_err(|problem| problems.push(problem)).ok()
}

async fn trust(config: &Config) -> Result<Live<Trust>, String> {
    let source = TrustSource::new(config.tls.clone(), config.identity.clone());
    Live::start("trust", source, config.tls.refresh).await.map_err(|error| error.to_string())
}

async fn policy(config: &Config, took: &Arc<Took>) -> Result<Live<Engine>, String> {
    let settings = &config.policy;
    let bundles = settings.bundle.to_settings();
    let source = PolicySource::open_with(&settings.source, Path::new(""), &bundles).await;
    // A policy for another trust domain names none of our callers.
    let source = source.map_err(|error| error.to_string())?.within(config.identity.trust_domain.clone());
    let source = source.observed(took.observer());
    Live::start("policy", source, settings.refresh).await.map_err(|error| error.to_string())
}

async fn deny_list(config: &Config, denials: &Arc<Denials>) -> Result<Option<Live<DenyList>>, String> {
    let Some(settings) = &config.deny_list else { return Ok(None) };
    let source = DenyListSource::open(&settings.source, Path::new("")).await.map_err(|error| error.to_string())?;
    let denials = Arc::clone(denials);
    let source = source.observed(move |took| denials.took(took));
    Live::start("deny list", source, settings.refresh).await.map(Some).map_err(|error| error.to_string())
}

async fn endpoints(config: &Config) -> Result<Option<Live<Inventory>>, String> {
    let Some(settings) = &config.endpoints else { return Ok(None) };
    let source = InventorySource::open(&settings.source, Path::new("")).await.map_err(|error| error.to_string())?;
    Live::start("endpoint inventory", source, settings.refresh).await.map(Some).map_err(|error| error.to_string())
}

/// One counter for several.
fn merge(counters: impl Iterator<Item = watch::Receiver<u64>>) -> watch::Receiver<u64> {
    let sum = Arc::new(watch::Sender::new(0));
    let changes = sum.subscribe();
    for mut counter in counters {
        let sum = Arc::clone(&sum);
        // Ends with the snapshot it counts.
        tokio::spawn(async move {
            while counter.changed().await.is_ok() {
                sum.send_modify(|count| *count += 1);
            }
        });
    }
    changes
}

#[cfg(test)]
mod tests;
