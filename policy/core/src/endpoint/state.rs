/// The state of an endpoint connection, in AWS's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ConnectionState {
    /// Waits for the provider.
    PendingAcceptance,
    /// Accepted, being set up.
    Pending,
    /// Accepted and working.
    Available,
    /// Being deleted by its owner.
    Deleting,
    /// Deleted by its owner.
    Deleted,
    /// Rejected by the provider.
    Rejected,
    /// Could not be set up.
    Failed,
    /// Waited too long.
    Expired,
    /// Partly set up.
    Partial,
    /// A state this code does not know: never accepted, never counted.
    Unknown,
}

impl ConnectionState {
    const KNOWN: [Self; 9] = [
        Self::PendingAcceptance,
        Self::Pending,
        Self::Available,
        Self::Deleting,
        Self::Deleted,
        Self::Rejected,
        Self::Failed,
        Self::Expired,
        Self::Partial,
    ];

    /// Reads AWS's word. EC2 writes `pendingAcceptance`, its SDKs say `PendingAcceptance`, so case does not count.
    #[must_use]
    pub fn from_wire(text: &str) -> Self {
        Self::KNOWN.into_iter().find(|state| state.as_str().eq_ignore_ascii_case(text)).unwrap_or(Self::Unknown)
    }

    /// AWS's word, or `unknown`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PendingAcceptance => "pendingAcceptance",
            Self::Pending => "pending",
            Self::Available => "available",
            Self::Deleting => "deleting",
            Self::Deleted => "deleted",
            Self::Rejected => "rejected",
            Self::Failed => "failed",
            Self::Expired => "expired",
            Self::Partial => "partial",
            Self::Unknown => "unknown",
        }
    }

    /// Whether the connection takes one of the places that `maxEndpoints` limits.
    pub(super) fn holds_a_place(self) -> bool {
        self == Self::PendingAcceptance || self.is_accepted()
    }

    pub(super) fn is_accepted(self) -> bool {
        matches!(self, Self::Pending | Self::Available | Self::Partial)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wire_may_use_either_case() {
        for state in ConnectionState::KNOWN {
            let word = state.as_str();
            assert_eq!(ConnectionState::from_wire(word), state);
            assert_eq!(ConnectionState::from_wire(&word.to_uppercase()), state);
        }
        assert_eq!(ConnectionState::from_wire("PendingAcceptance"), ConnectionState::PendingAcceptance);
        for unknown in ["", "unknown", "pending-acceptance", "available ", "failing"] {
            assert_eq!(ConnectionState::from_wire(unknown), ConnectionState::Unknown, "{unknown}");
        }
    }
}
