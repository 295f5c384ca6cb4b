use policy::{AccountId, VpcEndpointId};
use serde::Serialize;

/// What a run did; in audit mode and in a dry run what it would have done.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Answer {
    /// Accepted.
    pub accepted: Vec<Connected>,
    /// Rejected on request.
    pub rejected: Vec<Verdicted>,
    /// Waiting for a person.
    pub held: Vec<Verdicted>,
    /// Rejected after they had been accepted.
    pub removed: Vec<Verdicted>,
    /// What should have been done and was not.
    pub unsuccessful: Vec<Unsuccessful>,
    /// How many connections there was nothing to do about.
    pub unchanged: usize,
}

/// An endpoint and its owner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Connected {
    /// The endpoint.
    pub endpoint_id: VpcEndpointId,
    /// The account that owns it.
    pub account: AccountId,
}

/// An endpoint, its owner and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Verdicted {
    /// The endpoint.
    pub endpoint_id: VpcEndpointId,
    /// The account that owns it.
    pub account: AccountId,
    /// The reason of the verdict.
    pub reason: &'static str,
}

/// An endpoint, and why nothing was done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Unsuccessful {
    /// The endpoint, as EC2 names it.
    pub endpoint_id: String,
    /// AWS's code, or one of ours: `maxRemovalsExceeded` for a removal beyond the cap, `runStopped` for what was left
    /// undone because of it, `stateUnchanged`, `malformedConnection`, and those of [`telemetry::CallError`].
    pub code: String,
}
