//! The inner gate: may this caller make this request?

use jiff::Timestamp;

use crate::{AccountId, Policy, RequestPath, Revision, RuleId, SpiffeId, VpcEndpointId};

/// One request, as far as the policy is concerned.
#[derive(Debug, Clone, Copy)]
pub struct AccessRequest<'a> {
    /// The verified identity of the caller.
    pub identity: &'a SpiffeId,
    /// The account that owns the endpoint the connection came through; none when it is not known.
    pub account: Option<&'a AccountId>,
    /// The endpoint the connection came through.
    pub endpoint: Option<&'a VpcEndpointId>,
    /// The HTTP method, case-sensitive.
    pub method: &'a str,
    /// The normalised path.
    pub path: &'a RequestPath<'a>,
    /// The time of the request.
    pub now: Timestamp,
}

/// What a decision comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Effect {
    /// The request goes on.
    Allow,
    /// It does not.
    Deny,
}

/// Why a request was allowed or denied: the closed list, for the policy, the runtime and the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reason {
    /// A permit rule matched and no forbid rule did.
    Permitted,
    /// The policy does not name the caller.
    NoMatchingCaller,
    /// No permit rule of the caller matched.
    NoMatchingRule,
    /// A forbid rule matched.
    Forbidden,
    /// The caller's `validUntil` has passed.
    GrantExpired,
    /// The connection came through an endpoint of another account.
    AccountMismatch,
    /// The caller is bound to accounts, and the account of the endpoint is not known.
    EndpointUnknown,
    /// The policy in force is older than it may be.
    PolicyStale,
    /// The policy could not be evaluated.
    PolicyError,
    /// The certificate, the identity or the account is on a CRL or the deny list.
    CertificateRevoked,
    /// The certificate has expired.
    CertificateExpired,
    /// The certificate is valid for longer than allowed.
    CertificateLifetimeTooLong,
    /// The certificate holds no valid identity of the trust domain.
    BadIdentity,
    /// The client sent no certificate.
    NoCertificate,
    /// A CRL has passed its nextUpdate.
    CrlStale,
    /// The deny list in force is older than it may be.
    DenyListStale,
}

impl Reason {
    /// Every reason, in the order of the list.
    pub const ALL: [Self; 16] = [
        Self::Permitted,
        Self::NoMatchingCaller,
        Self::NoMatchingRule,
        Self::Forbidden,
        Self::GrantExpired,
        Self::AccountMismatch,
        Self::EndpointUnknown,
        Self::PolicyStale,
        Self::PolicyError,
        Self::CertificateRevoked,
        Self::CertificateExpired,
        Self::CertificateLifetimeTooLong,
        Self::BadIdentity,
        Self::NoCertificate,
        Self::CrlStale,
        Self::DenyListStale,
    ];

    /// The word of the log, the metrics and the answer.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Permitted => "permitted",
            Self::NoMatchingCaller => "noMatchingCaller",
            Self::NoMatchingRule => "noMatchingRule",
            Self::Forbidden => "forbidden",
            Self::GrantExpired => "grantExpired",
            Self::AccountMismatch => "accountMismatch",
            Self::EndpointUnknown => "endpointUnknown",
            Self::PolicyStale => "policyStale",
            Self::PolicyError => "policyError",
            Self::CertificateRevoked => "certificateRevoked",
            Self::CertificateExpired => "certificateExpired",
            Self::CertificateLifetimeTooLong => "certificateLifetimeTooLong",
            Self::BadIdentity => "badIdentity",
            Self::NoCertificate => "noCertificate",
            Self::CrlStale => "crlStale",
            Self::DenyListStale => "denyListStale",
        }
    }

    /// The status of the answer to a denied request: 401 when the certificate is at fault, 403 otherwise.
    #[must_use]
    pub fn status_code(self) -> u16 {
        match self {
            Self::CertificateRevoked
            | Self::CertificateExpired
            | Self::CertificateLifetimeTooLong
            | Self::BadIdentity
            | Self::NoCertificate
            | Self::CrlStale => 401,
            _ => 403,
        }
    }

    /// Whether audit mode lets the request pass and only records the denial: what the policy says of a known caller.
    #[must_use]
    pub fn is_auditable(self) -> bool {
        matches!(
            self,
            Self::NoMatchingCaller
                | Self::NoMatchingRule
                | Self::Forbidden
                | Self::GrantExpired
                | Self::AccountMismatch
                | Self::EndpointUnknown
        )
    }
}

/// What the policy says of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision<'p> {
    /// Allow or deny.
    pub effect: Effect,
    /// Why.
    pub reason: Reason,
    /// The rule that decided, when one did.
    pub rule: Option<&'p RuleId>,
    /// The revision of the policy that decided.
    pub revision: &'p Revision,
}

/// Decides a request.
///
/// Only the entry nearest to the caller counts, and of its rules a forbid wins over a permit. A caller that came through
/// the wrong account learns that, and not what it might have done through the right one.
#[must_use]
pub fn authorize<'p>(policy: &'p Policy, request: &AccessRequest<'_>) -> Decision<'p> {
    let (reason, rule) = judge(policy, request);
    let effect = if reason == Reason::Permitted { Effect::Allow } else { Effect::Deny };
    Decision { effect, reason, rule, revision: policy.revision() }
}

fn judge<'p>(policy: &'p Policy, request: &AccessRequest<'_>) -> (Reason, Option<&'p RuleId>) {
    let Some(caller) = policy.caller(request.identity) else {
        return (Reason::NoMatchingCaller, None);
    };
    if caller.valid_until.is_some_and(|end| request.now >= end) {
        return (Reason::GrantExpired, None);
    }
    match (&caller.accounts, request.account) {
        (Some(_), None) => return (Reason::EndpointUnknown, None),
        (Some(accounts), Some(account)) if !accounts.contains(account) => return (Reason::AccountMismatch, None),
        _ => {}
    }
    if let Some(rule) = caller.forbid.iter().find(|rule| rule.forbids(request.method, request.path)) {
        return (Reason::Forbidden, Some(&rule.id));
    }
    match caller.permit.iter().find(|rule| rule.permits(request.method, request.path)) {
        Some(rule) => (Reason::Permitted, Some(&rule.id)),
        None => (Reason::NoMatchingRule, None),
    }
}
