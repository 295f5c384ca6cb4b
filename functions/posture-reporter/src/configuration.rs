use std::str::FromStr;

use policy_source::SourceUri;
use policy_source::remote::{RemoteUri, RemoteUriError};
use telemetry::{ConfigurationError, Environment, variables};

/// What the function is told by its environment. What is not set is not measured.
#[derive(Clone, Debug)]
pub struct Configuration {
    /// Where the access policy is: of AppConfig's deployments only those of this one are ours.
    pub policy_source: Option<SourceUri>,
    /// What the approver keeps.
    pub endpoint_inventory_table: Option<String>,
    /// Our own fast list of the revoked.
    pub deny_list_table: Option<String>,
    /// Which certificates there are.
    pub certificate_inventory_table: Option<String>,
    /// Where the CRLs are.
    pub crl_locations: CrlLocations,
    /// Where audit events go.
    pub event_bus: Option<String>,
}

/// Where the CRLs are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CrlLocations(pub Vec<RemoteUri>);

impl FromStr for CrlLocations {
    type Err = RemoteUriError;

    fn from_str(text: &str) -> Result<Self, RemoteUriError> {
        text.split(',').map(|location| location.trim().parse()).collect::<Result<_, _>>().map(Self)
    }
}

impl Configuration {
    /// Reads the function's variables.
    ///
    /// # Errors
    /// Everything that is malformed.
    pub fn read(mut environment: Environment) -> Result<Self, ConfigurationError> {
        let configuration = Self {
            policy_source: environment.optional(&variables::POLICY_SOURCE),
            endpoint_inventory_table: environment.optional(&variables::ENDPOINT_INVENTORY_TABLE),
            deny_list_table: environment.optional(&variables::DENY_LIST_TABLE),
            certificate_inventory_table: environment.optional(&variables::CERTIFICATE_INVENTORY_TABLE),
            crl_locations: environment.optional(&variables::CRL_LOCATIONS).unwrap_or_default(),
            event_bus: environment.optional(&variables::EVENT_BUS),
        };
        environment.complete(Some(configuration))
    }
}
