/// What to do with a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// Let it in.
    Accept,
    /// Turn it away, or out.
    Reject,
    /// Leave it as it is.
    Hold,
}

impl Action {
    /// `accept`, `reject` or `hold`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::Reject => "reject",
            Self::Hold => "hold",
        }
    }
}

/// Why: the closed list, the nearer to an acceptance the later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum VerdictReason {
    /// There is no policy to ask.
    PolicyUnavailable,
    /// No consumer entry names its owner.
    Unlisted,
    /// The entry is for other Regions.
    RegionNotAllowed,
    /// The entry is for other services.
    ServiceNotAllowed,
    /// The entry's `validUntil` has passed.
    GrantExpired,
    /// Older connections hold all of the entry's places.
    LimitReached,
    /// The connection is in a state that is not known, or in a Region that is not known and matters, or of an account
    /// whose organizational units are not known and matter.
    StateUnknown,
    /// A consumer entry admits it.
    Allowed,
}

impl VerdictReason {
    /// Every reason.
    pub const ALL: [Self; 8] = [
        Self::PolicyUnavailable,
        Self::Unlisted,
        Self::RegionNotAllowed,
        Self::ServiceNotAllowed,
        Self::GrantExpired,
        Self::LimitReached,
        Self::StateUnknown,
        Self::Allowed,
    ];

    /// The word of the log, the metrics and the events.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PolicyUnavailable => "policyUnavailable",
            Self::Unlisted => "unlisted",
            Self::RegionNotAllowed => "regionNotAllowed",
            Self::ServiceNotAllowed => "serviceNotAllowed",
            Self::GrantExpired => "grantExpired",
            Self::LimitReached => "limitReached",
            Self::StateUnknown => "stateUnknown",
            Self::Allowed => "allowed",
        }
    }
}

/// What the policy says of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// What to do.
    pub action: Action,
    /// Why.
    pub reason: VerdictReason,
    /// The name of the consumer entry that decided, when it has one.
    pub consumer: Option<String>,
}
