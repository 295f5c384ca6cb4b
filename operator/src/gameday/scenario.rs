//! The ten scenarios, and what was seen of each.

use clap::ValueEnum;
use serde::Serialize;

use crate::demo::report::Step;

/// One of the ten of the design.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Scenario {
    Expired,
    Revoked,
    NotYetValid,
    ForeignAuthority,
    Unlisted,
    EndpointDenied,
    Stolen,
    StaleCrl,
    PolicyOutage,
    LiveRevocation,
}

impl Scenario {
    pub(super) const ALL: [Self; 10] = [
        Self::Expired,
        Self::Revoked,
        Self::NotYetValid,
        Self::ForeignAuthority,
        Self::Unlisted,
        Self::EndpointDenied,
        Self::Stolen,
        Self::StaleCrl,
        Self::PolicyOutage,
        Self::LiveRevocation,
    ];

    /// Name and title.
    pub(super) fn step(self) -> Step {
        let (name, title) = match self {
            Self::Expired => ("expired", "a certificate expires while its connection is open"),
            Self::Revoked => ("revoked", "a certificate is revoked"),
            Self::NotYetValid => ("notYetValid", "a certificate is not valid yet"),
            Self::ForeignAuthority => ("foreignAuthority", "a certificate of another authority"),
            Self::Unlisted => ("unlisted", "a good certificate whose identity no rule names"),
            Self::EndpointDenied => ("endpointDenied", "an account that no rule names asks for an endpoint"),
            Self::Stolen => ("stolen", "a stolen certificate through another account's endpoint"),
            Self::StaleCrl => ("staleCrl", "the CRL ends and no new one comes"),
            Self::PolicyOutage => ("policyOutage", "the policy cannot be read any more"),
            Self::LiveRevocation => ("liveRevocation", "a busy caller is revoked in the middle of its requests"),
        };
        Step { name, title }
    }

    pub(super) fn expected(self) -> &'static str {
        match self {
            Self::Expired => "the open connection ends, a new handshake is refused: expired",
            Self::Revoked => "deny list within seconds, then 401 certificateRevoked or a refused handshake",
            Self::NotYetValid => "the handshake is refused: not valid yet",
            Self::ForeignAuthority => "the handshake is refused: unknown issuer",
            Self::Unlisted => "403 noMatchingCaller",
            Self::EndpointDenied => {
                "the endpoint connection is rejected, or held where the policy says so; never available"
            }
            Self::Stolen => "403 accountMismatch",
            Self::StaleCrl => "served until nextUpdate, refused after it, served again with a new CRL",
            Self::PolicyOutage => "served by the last good policy, then 403 policyStale, served again when it is back",
            Self::LiveRevocation => {
                "its connections are cut and nothing more is answered; the other caller notices nothing"
            }
        }
    }

    /// Whether it needs a runtime that may be harmed, and is played on one of its own beside the target.
    pub(super) fn is_beside(self) -> bool {
        matches!(self, Self::StaleCrl | Self::PolicyOutage)
    }
}

/// What a scenario saw. Times in seconds.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Seen {
    pub(super) words: String,
    /// From its cause until somebody noticed: the deny list held it, the approver decided, a gate refused.
    pub(super) detection: Option<f64>,
    /// Until it was in force wherever it has to be: every connection cut, the consumer told, service as before.
    pub(super) propagation: Option<f64>,
}

/// How a scenario went.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Played {
    pub(super) name: &'static str,
    pub(super) title: &'static str,
    /// `asExpected`, `surprise` or `notPlayed`.
    pub(super) outcome: Outcome,
    pub(super) expected: &'static str,
    pub(super) seen: String,
    pub(super) detection_seconds: Option<f64>,
    pub(super) propagation_seconds: Option<f64>,
    /// On a runtime of its own, because the target must not be harmed.
    pub(super) beside: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Outcome {
    AsExpected,
    Surprise,
    NotPlayed,
}

/// To the hundredth.
pub(super) fn rounded(seconds: f64) -> f64 {
    (seconds * 100.0).round() / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scenario_has_a_name_of_its_own() {
        let mut names: Vec<_> = Scenario::ALL.iter().map(|scenario| scenario.step().name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), 10);
        assert_eq!(Scenario::value_variants(), Scenario::ALL);
    }
}
