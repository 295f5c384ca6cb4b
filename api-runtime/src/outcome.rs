//! How things end, in closed lists: a request, the upstream's part in it, a connection. Each is decided elsewhere; the log,
//! the metrics and the spans write the same words.

use crate::answer::Failure;

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Allow,
    Deny,
    /// The policy denies and audit mode lets pass.
    AuditDeny,
}

impl Outcome {
    pub(crate) const ALL: [Self; 3] = [Self::Allow, Self::Deny, Self::AuditDeny];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
            Self::AuditDeny => "auditDeny",
        }
    }
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The upstream cannot be reached.
    Unreachable,
    /// The upstream broke off, or what it said is not HTTP.
    Broken,
    /// It did not answer in time.
    Timeout,
    /// The mounted application failed.
    Failed,
}

impl Fault {
    pub(crate) const ALL: [Self; 4] = [Self::Unreachable, Self::Broken, Self::Timeout, Self::Failed];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::Broken => "broken",
            Self::Timeout => "timeout",
            Self::Failed => "failed",
        }
    }

    pub(crate) fn failure(self) -> Failure {
        match self {
            Self::Unreachable | Self::Broken => Failure::BadGateway,
            Self::Timeout => Failure::GatewayTimeout,
            Self::Failed => Failure::Internal,
        }
    }
}

/// Why we end a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The peer's certificate, identity or account was revoked, or its issuer is no longer trusted.
    Revoked,
    /// The peer's certificate expired.
    Expired,
    /// `connectionAge` is over.
    Age,
    /// `idleTimeout` is over between two requests.
    Idle,
    /// `headerTimeout` is over within a request's head.
    SlowHeader,
    /// For `idleTimeout` the client took nothing of what we had to send.
    Stalled,
    /// The process ends.
    Drain,
    /// A request was answered in a way that closes the connection.
    Answered,
}

impl End {
    pub(crate) const ALL: [Self; 8] = [
        Self::Revoked,
        Self::Expired,
        Self::Age,
        Self::Idle,
        Self::SlowHeader,
        Self::Stalled,
        Self::Drain,
        Self::Answered,
    ];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Revoked => "revoked",
            Self::Expired => "expired",
            Self::Age => "connectionAge",
            Self::Idle => "idleTimeout",
            Self::SlowHeader => "headerTimeout",
            Self::Stalled => "stalled",
            Self::Drain => "drain",
            Self::Answered => "answered",
        }
    }
}
