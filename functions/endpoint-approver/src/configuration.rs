use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use policy::{Period, ServiceId};
use policy_source::SourceUri;
use telemetry::{ConfigurationError, Environment, Mode, variables};

use crate::trigger::MOST_REMOVALS;

const REMOVAL_GRACE: Period = Period(Duration::from_secs(15 * 60));
const MAX_REMOVALS: MaxRemovals = MaxRemovals(5);

/// What the function is told by its environment.
#[derive(Clone, Debug)]
pub struct Configuration {
    /// Whether verdicts take effect.
    pub mode: Mode,
    /// Where the access policy is; a relative file is in the function's package.
    pub policy_source: SourceUri,
    /// The public key that a bundle must be signed by; without it signatures are not checked.
    pub policy_verification_key: Option<PathBuf>,
    /// The table with the freeze switch, where the policy comes from elsewhere.
    pub freeze_table: Option<String>,
    /// The endpoint services we manage; at least one.
    pub service_ids: Vec<ServiceId>,
    /// How long an accepted connection stays after the policy stopped allowing it.
    pub removal_grace: Duration,
    /// How many connections one run may remove.
    pub max_removals: usize,
    /// Where it keeps what it saw; without it only a grace of zero removes.
    pub inventory_table: Option<String>,
    /// Where audit events go.
    pub event_bus: Option<String>,
}

/// No more than an operator's event may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct MaxRemovals(u32);

/// Not such a number.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an integer from 0 to {MOST_REMOVALS}")]
struct MaxRemovalsError;

impl FromStr for MaxRemovals {
    type Err = MaxRemovalsError;

    fn from_str(text: &str) -> Result<Self, MaxRemovalsError> {
        let number = text.parse().ok().filter(|number| *number <= MOST_REMOVALS);
        number.map(Self).ok_or(MaxRemovalsError)
    }
}

impl Configuration {
    /// Reads the function's variables.
    ///
    /// # Errors
    /// Everything that is missing or malformed.
    pub fn read(mut environment: Environment) -> Result<Self, ConfigurationError> {
        let mode = environment.optional(&variables::MODE).unwrap_or_default();
        let policy_source = environment.required(&variables::POLICY_SOURCE);
        let policy_verification_key = environment.optional(&variables::POLICY_VERIFICATION_KEY);
        let freeze_table = environment.optional(&variables::ACCESS_POLICY_TABLE);
        let service_ids = environment.list(&variables::SERVICE_IDS);
        let Period(removal_grace) = environment.optional(&variables::REMOVAL_GRACE).unwrap_or(REMOVAL_GRACE);
        let MaxRemovals(max_removals) = environment.optional(&variables::MAX_REMOVALS).unwrap_or(MAX_REMOVALS);
        let inventory_table = environment.optional(&variables::ENDPOINT_INVENTORY_TABLE);
        let event_bus = environment.optional(&variables::EVENT_BUS);
        environment.complete(policy_source.zip(service_ids).map(|(policy_source, service_ids)| Self {
            mode,
            policy_source,
            policy_verification_key,
            freeze_table,
            service_ids,
            removal_grace,
            max_removals: max_removals as usize,
            inventory_table,
            event_bus,
        }))
    }
}
