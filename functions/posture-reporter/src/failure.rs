use crate::Answer;

/// Why an invocation failed.
pub type Failure = telemetry::Failure<Fault, Answer>;

/// What can go wrong in a run, the gravest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Fault {
    /// A table could not be read.
    #[error("a table could not be read; what it says is not measured")]
    TableUnavailable,
    /// A CRL could not be fetched or read.
    #[error("a CRL could not be fetched or read; how long it is good for is not known")]
    CrlUnavailable,
    /// The audit trail has a gap.
    #[error("audit events were lost; the log has what they say")]
    AuditIncomplete,
}

impl telemetry::Fault for Fault {
    const AUDIT_INCOMPLETE: Self = Self::AuditIncomplete;

    fn as_str(self) -> &'static str {
        match self {
            Self::TableUnavailable => "tableUnavailable",
            Self::CrlUnavailable => "crlUnavailable",
            Self::AuditIncomplete => "auditIncomplete",
        }
    }
}
