//! What the inventory says of a connection. Pure.

use std::collections::HashMap;
use std::time::Duration;

use jiff::Timestamp;
use policy::endpoint::{Action, Connection, ConnectionState, Verdict, VerdictReason};
use policy::{AccountId, ServiceId, VpcEndpointId};

/// EC2's pages are no snapshot, so an endpoint that is missing once may be there again.
const MISSING_FOR: Duration = Duration::from_secs(3_600);

/// The rows of the inventory by endpoint.
pub(crate) type Rows = HashMap<VpcEndpointId, Row>;

/// One row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) endpoint_id: VpcEndpointId,
    pub(crate) account: AccountId,
    pub(crate) service_id: ServiceId,
    pub(crate) state: String,
    pub(crate) created_at: Option<Timestamp>,
    pub(crate) verdict: String,
    pub(crate) reason: String,
    pub(crate) consumer: Option<String>,
    /// Since when the policy does not allow an accepted connection: its grace is counted from here.
    pub(crate) delisted_since: Option<Timestamp>,
    /// The revision by which the verdict came about.
    pub(crate) policy_revision: Option<String>,
    /// Since when EC2 does not describe it.
    pub(crate) missing_since: Option<Timestamp>,
    /// It is gone: readers forget it.
    pub(crate) withdrawn: bool,
}

impl Row {
    /// The row of a connection that is in `state` now. Where there was no policy to ask, an earlier verdict stays.
    pub(crate) fn of(
        connection: &Connection,
        state: ConnectionState,
        verdict: &Verdict,
        delisted_since: Option<Timestamp>,
        policy_revision: Option<&str>,
        earlier: Option<&Self>,
    ) -> Self {
        let row = Self {
            endpoint_id: connection.endpoint_id.clone(),
            account: connection.owner,
            service_id: connection.service_id.clone(),
            state: state.as_str().to_owned(),
            created_at: connection.created_at,
            verdict: verdict_word(verdict.action).to_owned(),
            reason: verdict.reason.as_str().to_owned(),
            consumer: verdict.consumer.clone(),
            delisted_since,
            policy_revision: policy_revision.map(str::to_owned),
            missing_since: None,
            withdrawn: false,
        };
        match earlier {
            Some(earlier) if verdict.reason == VerdictReason::PolicyUnavailable => row.with_verdict_of(earlier),
            _ => row,
        }
    }

    /// What the inventory must say of an endpoint that EC2 no longer describes, if that is something new.
    pub(crate) fn missing(&self, now: Timestamp) -> Option<Self> {
        match self.missing_since {
            _ if self.withdrawn => None,
            None => Some(Self { missing_since: Some(now), ..self.clone() }),
            Some(since) if waited(since, now, MISSING_FOR) => {
                let state = ConnectionState::Deleted.as_str().to_owned();
                Some(Self { state, delisted_since: None, withdrawn: true, ..self.clone() })
            }
            Some(_) => None,
        }
    }

    /// Whether the two say the same; by which revision does not count, or every push would write every row.
    pub(crate) fn says_the_same(&self, other: &Self) -> bool {
        Self { policy_revision: None, ..self.clone() } == Self { policy_revision: None, ..other.clone() }
    }

    fn with_verdict_of(self, earlier: &Self) -> Self {
        let Self { verdict, reason, consumer, policy_revision, .. } = earlier.clone();
        Self { verdict, reason, consumer, policy_revision, ..self }
    }
}

/// The word of inventory and metrics.
pub(crate) fn verdict_word(action: Action) -> &'static str {
    match action {
        Action::Accept => "accept",
        Action::Reject => "reject",
        Action::Hold => "hold",
    }
}

/// Whether `time` has passed since `since`.
pub(crate) fn waited(since: Timestamp, now: Timestamp, time: Duration) -> bool {
    Duration::try_from(now.duration_since(since)).is_ok_and(|waited| waited >= time)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn row() -> Row {
        let connection = Connection {
            endpoint_id: "vpce-1".parse().unwrap(),
            service_id: "vpce-svc-1".parse().unwrap(),
            owner: "123456789012".parse().unwrap(),
            state: ConnectionState::Available,
            region: None,
            created_at: None,
        };
        let verdict = Verdict { action: Action::Accept, reason: VerdictReason::Allowed, consumer: None };
        Row::of(&connection, ConnectionState::Available, &verdict, None, Some("7"), None)
    }

    #[test]
    fn a_row_is_withdrawn_when_it_was_missing_for_an_hour() {
        let missing = row().missing(time("2026-11-23T10:00:00Z")).unwrap();
        assert_eq!((missing.withdrawn, missing.state.as_str()), (false, "available"));
        assert_eq!(missing.missing(time("2026-11-23T10:59:59Z")), None, "said already");
        let withdrawn = missing.missing(time("2026-11-23T11:00:00Z")).unwrap();
        assert_eq!((withdrawn.withdrawn, withdrawn.state.as_str()), (true, "deleted"));
        assert_eq!(withdrawn.missing(time("2026-11-24T11:00:00Z")), None, "said already");
    }

    #[test]
    fn another_revision_alone_says_nothing_new() {
        let row = row();
        assert!(row.says_the_same(&Row { policy_revision: Some("8".to_owned()), ..row.clone() }));
        assert!(!row.says_the_same(&Row { reason: "unlisted".to_owned(), ..row.clone() }));
        assert!(!row.says_the_same(&Row { missing_since: Some(time("2026-11-23T10:00:00Z")), ..row.clone() }));
    }
}
