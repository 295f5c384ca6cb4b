use crate::Answer;

/// Why an invocation failed.
pub type Failure = telemetry::Failure<Fault, Answer>;

/// What can go wrong in a run, the gravest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Fault {
    /// EC2 did not describe the connections.
    #[error("the connections could not be described; nothing was changed")]
    ConnectionsUnavailable,
    /// There is no policy to ask.
    #[error("the policy is not available; nothing was changed")]
    PolicyUnavailable,
    /// More removals than one run may do.
    #[error(
        "the policy no longer allows more connections than one run may remove; nothing was changed: check the policy, \
         or raise the cap once by `Endpoint Sweep Requested`"
    )]
    MaxRemovalsExceeded,
    /// Something should have been done and was not.
    #[error("not everything could be done")]
    Unsuccessful,
    /// Which organizational units some accounts are in is not known.
    #[error(
        "the policy names organizational units, and those of some accounts are not known: they are held; check that \
         the function's account may call organizations:ListParents"
    )]
    OrganizationUnavailable,
    /// The inventory could not be read or written.
    #[error("the inventory could not be read or written; without it nothing is removed after a grace")]
    InventoryUnavailable,
    /// The audit trail has a gap.
    #[error("audit events were lost; the log has what they say")]
    AuditIncomplete,
}

impl telemetry::Fault for Fault {
    const AUDIT_INCOMPLETE: Self = Self::AuditIncomplete;

    fn as_str(self) -> &'static str {
        match self {
            Self::ConnectionsUnavailable => "connectionsUnavailable",
            Self::PolicyUnavailable => "policyUnavailable",
            Self::MaxRemovalsExceeded => "maxRemovalsExceeded",
            Self::Unsuccessful => "unsuccessful",
            Self::OrganizationUnavailable => "organizationUnavailable",
            Self::InventoryUnavailable => "inventoryUnavailable",
            Self::AuditIncomplete => "auditIncomplete",
        }
    }
}
