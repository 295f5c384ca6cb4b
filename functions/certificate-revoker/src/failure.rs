use crate::Answer;

/// Why an invocation failed.
pub type Failure = telemetry::Failure<Fault, Answer>;

/// What can go wrong in a run, the gravest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Fault {
    /// The deny list could not be written.
    #[error("the deny list could not be written; the caller is not cut off yet")]
    DenyListUnavailable,
    /// It would cut everybody off.
    #[error("the runtime's own certificate is revoked only with `allowServerCertificate`: true")]
    ServerCertificate,
    /// Certificates are left.
    #[error("not every certificate could be revoked")]
    Remaining,
    /// The audit trail has a gap.
    #[error("audit events were lost; the log has what they say")]
    AuditIncomplete,
}

impl telemetry::Fault for Fault {
    const AUDIT_INCOMPLETE: Self = Self::AuditIncomplete;

    fn as_str(self) -> &'static str {
        match self {
            Self::DenyListUnavailable => "denyListUnavailable",
            Self::ServerCertificate => "serverCertificate",
            Self::Remaining => "remaining",
            Self::AuditIncomplete => "auditIncomplete",
        }
    }
}
