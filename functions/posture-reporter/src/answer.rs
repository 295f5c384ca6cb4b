use serde::Serialize;

/// What a run measured and counted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Answer {
    /// What was measured: `endpoints`, `certificates`, `denyList`, `crls`.
    pub measured: Vec<&'static str>,
    /// What should have been measured and was not; of CRLs their addresses.
    pub unavailable: Vec<String>,
    /// What was counted, in the words of the metric's reasons.
    pub changes: Vec<&'static str>,
}
