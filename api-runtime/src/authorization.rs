//! May this request pass? The only place where a [`Permit`] is made.

use crate::config::Mode;
use crate::connection::Connection;
use crate::outcome::Outcome;
use crate::snapshots::Now;
use policy::access::{AccessRequest, Effect, Reason};
use policy::{AccountId, RequestPath, Revision, RuleId, SpiffeId, VpcEndpointId};
use policy_source::RegoRequest;
use std::sync::Arc;

/// The proof that a request was authorized. Nothing is forwarded without one, and only `authorize` of this module
/// makes one.
///
/// A [`serve`](crate::serve)d application finds it in the extensions of each request.
#[derive(Clone, Debug)]
pub struct Permit {
    connection: Arc<Connection>,
    identity: SpiffeId,
    account: Option<AccountId>,
    ruling: Ruling,
}

/// How a request was decided, for the log and the metrics.
#[derive(Clone, Debug)]
pub(crate) struct Ruling {
    pub(crate) outcome: Outcome,
    pub(crate) reason: Reason,
    pub(crate) rule: Option<RuleId>,
    /// None if it was decided before the policy was asked.
    pub(crate) revision: Option<Revision>,
}

impl Permit {
    /// The verified identity of the caller.
    #[must_use]
    pub fn identity(&self) -> &SpiffeId {
        &self.identity
    }

    /// The VPC endpoint the connection came through, as the load balancer's PROXY header says.
    #[must_use]
    pub fn endpoint(&self) -> Option<&VpcEndpointId> {
        self.connection.endpoint()
    }

    /// The account that owns the endpoint, as the endpoint inventory says.
    #[must_use]
    pub fn account(&self) -> Option<&AccountId> {
        self.account.as_ref()
    }

    /// The rule of the policy that decided.
    #[must_use]
    pub fn rule(&self) -> Option<&RuleId> {
        self.ruling.rule.as_ref()
    }

    /// The revision of the policy that decided.
    #[must_use]
    pub fn revision(&self) -> Option<&Revision> {
        self.ruling.revision.as_ref()
    }

    /// Why: [`Reason::Permitted`], or in audit mode what the policy would deny for.
    #[must_use]
    pub fn reason(&self) -> Reason {
        self.ruling.reason
    }

    /// Whether the policy denies the request and only audit mode lets it pass.
    #[must_use]
    pub fn is_audit(&self) -> bool {
        self.ruling.outcome == Outcome::AuditDeny
    }

    pub(crate) fn connection(&self) -> &Connection {
        &self.connection
    }

    /// What is left of it once the request has been forwarded.
    pub(crate) fn into_ruling(self) -> Ruling {
        self.ruling
    }
}

/// Checks the certificate and asks the policy, in that order. Audit mode softens only what the policy says.
///
/// # Errors
/// The request is denied.
pub(crate) fn authorize(
    connection: &Arc<Connection>,
    account: Option<AccountId>,
    method: &str,
    path: &RequestPath<'_>,
    host: Option<&str>,
    now: Now,
) -> Result<Permit, Ruling> {
    let gate = connection.gate();
    let peer = connection.peer().ok_or_else(|| Ruling::denied(Reason::NoCertificate))?;
    gate.snapshots.check(peer, connection.endpoint(), now).map_err(Ruling::denied)?;
    let identity = peer.identity().map_err(Ruling::denied)?;
    let policy = gate.snapshots.policy_for_use(now).map_err(Ruling::denied)?;
    let decision = policy.value.authorize(&RegoRequest {
        access: AccessRequest {
            identity,
            account: account.as_ref(),
            endpoint: connection.endpoint(),
            method,
            path,
            now: now.at,
        },
        common_name: peer.common_name(),
        serial_number: Some(peer.serial()),
        not_after: Some(peer.not_after()),
        host,
    });
    if let Some(detail) = decision.detail.as_ref().filter(|_| gate.policy_errors.may_say(now.at)) {
        tracing::warn!(%identity, revision = %decision.revision, detail, "the policy could not be evaluated; denied");
    }
    let outcome = match decision.effect {
        Effect::Allow => Outcome::Allow,
        Effect::Deny if gate.config.policy.mode == Mode::Audit && decision.reason.is_auditable() => Outcome::AuditDeny,
        Effect::Deny => Outcome::Deny,
    };
    let ruling = Ruling { outcome, reason: decision.reason, rule: decision.rule, revision: Some(decision.revision) };
    if outcome == Outcome::Deny {
        return Err(ruling);
    }
    Ok(Permit { connection: Arc::clone(connection), identity: identity.clone(), account, ruling })
}

impl Ruling {
    fn denied(reason: Reason) -> Self {
        Self { outcome: Outcome::Deny, reason, rule: None, revision: None }
    }

    /// Whether the policy knows the caller: what it says of nobody else is counted under the caller's name.
    pub(crate) fn names_caller(&self) -> bool {
        self.revision.is_some() && self.reason != Reason::NoMatchingCaller
    }
}
