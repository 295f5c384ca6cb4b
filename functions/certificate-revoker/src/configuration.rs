use policy::AuthorityArn;
use telemetry::{ConfigurationError, Environment, Mode, variables};

/// What the function is told by its environment.
#[derive(Clone, Debug)]
pub struct Configuration {
    /// Whether requests take effect.
    pub mode: Mode,
    /// Where we may revoke; at least one, and the old one too during a rollover.
    pub certificate_authorities: Vec<AuthorityArn>,
    /// Our own fast list; without it only serial numbers can be revoked, and take effect with the next CRL.
    pub deny_list_table: Option<String>,
    /// Which certificates an identity has; without it an identity is on the deny list only.
    pub certificate_inventory_table: Option<String>,
    /// Where audit events go.
    pub event_bus: Option<String>,
}

impl Configuration {
    /// Reads the function's variables.
    ///
    /// # Errors
    /// Everything that is missing or malformed.
    pub fn read(mut environment: Environment) -> Result<Self, ConfigurationError> {
        let mode = environment.optional(&variables::MODE).unwrap_or_default();
        let certificate_authorities = environment.list(&variables::CERTIFICATE_AUTHORITY_ARNS);
        let deny_list_table = environment.optional(&variables::DENY_LIST_TABLE);
        let certificate_inventory_table = environment.optional(&variables::CERTIFICATE_INVENTORY_TABLE);
        let event_bus = environment.optional(&variables::EVENT_BUS);
        environment.complete(certificate_authorities.map(|certificate_authorities| Self {
            mode,
            certificate_authorities,
            deny_list_table,
            certificate_inventory_table,
            event_bus,
        }))
    }
}
