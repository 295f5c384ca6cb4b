use std::str::FromStr;
use std::time::Duration;

use policy::{AuthorityArn, Period, PeriodError};
use telemetry::{ConfigurationError, Environment, Mode, variables};

use crate::{TestAddress, TrustDomainSource};

/// What the function is told by its environment.
#[derive(Clone, Debug)]
pub struct Configuration {
    /// Whether steps take effect.
    pub mode: Mode,
    /// Of every identity that a certificate may name.
    pub trust_domain: TrustDomainSource,
    /// Where certificates are issued; of several authorities the first, the others are left from a rollover.
    pub certificate_authority: AuthorityArn,
    /// Of a certificate.
    pub lifetime: Lifetime,
    /// How long an identity waits for the next certificate; zero: not at all.
    pub issuance_window: Duration,
    /// Where a client certificate is tried, unless the secret's tags say another place.
    pub test_address: Option<TestAddress>,
    /// Which certificates there are; without it the revoker does not find them.
    pub certificate_inventory_table: Option<String>,
    /// Where audit events go.
    pub event_bus: Option<String>,
}

/// How long a certificate is valid: from 7 days, which leaves time to rotate, to 30, after which a lost key is no good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetime(Duration);

/// Why a text is no lifetime.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum LifetimeError {
    /// It is no duration.
    #[error(transparent)]
    Period(#[from] PeriodError),
    /// It is too short or too long.
    #[error("a certificate is valid for 7 to 30 days")]
    Range,
}

const DAY: Duration = Duration::from_secs(86_400);
const HOUR: Duration = Duration::from_secs(3_600);

impl Lifetime {
    /// From the first to the last moment of validity.
    #[must_use]
    pub fn duration(self) -> Duration {
        self.0
    }
}

impl Default for Lifetime {
    /// Two weeks: with a rotation every week there is always one week of overlap.
    fn default() -> Self {
        Self(14 * DAY)
    }
}

impl FromStr for Lifetime {
    type Err = LifetimeError;

    fn from_str(text: &str) -> Result<Self, LifetimeError> {
        let Period(lifetime) = text.parse()?;
        if (7 * DAY..=30 * DAY).contains(&lifetime) { Ok(Self(lifetime)) } else { Err(LifetimeError::Range) }
    }
}

impl Configuration {
    /// Reads the function's variables.
    ///
    /// # Errors
    /// Everything that is missing or malformed.
    pub fn read(mut environment: Environment) -> Result<Self, ConfigurationError> {
        let mode = environment.optional(&variables::MODE).unwrap_or_default();
        let trust_domain = trust_domain(&mut environment);
        let authorities = environment.list(&variables::CERTIFICATE_AUTHORITY_ARNS);
        let lifetime = environment.optional(&variables::CERTIFICATE_LIFETIME).unwrap_or_default();
        let issuance_window = environment.optional(&variables::ISSUANCE_WINDOW).map_or(HOUR, |Period(window)| window);
        let test_address = environment.optional(&variables::TLS_TEST_ADDRESS);
        let certificate_inventory_table = environment.optional(&variables::CERTIFICATE_INVENTORY_TABLE);
        let event_bus = environment.optional(&variables::EVENT_BUS);
        let authority = authorities.and_then(|authorities| authorities.into_iter().next());
        environment.complete(trust_domain.zip(authority).map(|(trust_domain, certificate_authority)| Self {
            mode,
            trust_domain,
            certificate_authority,
            lifetime,
            issuance_window,
            test_address,
            certificate_inventory_table,
            event_bus,
        }))
    }
}

/// The access policy says it where nothing else does.
fn trust_domain(environment: &mut Environment) -> Option<TrustDomainSource> {
    if let Some(trust_domain) = environment.optional(&variables::TRUST_DOMAIN) {
        return Some(TrustDomainSource::Configured(trust_domain));
    }
    match environment.optional(&variables::POLICY_SOURCE) {
        Some(source) => {
            let verification_key = environment.optional(&variables::POLICY_VERIFICATION_KEY);
            Some(TrustDomainSource::Policy { source, verification_key })
        }
        None => environment.required(&variables::TRUST_DOMAIN).map(TrustDomainSource::Configured),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_lives_from_a_week_to_a_month() {
        for (text, days) in [("7d", 7), ("168h", 7), ("14d", 14), ("30d", 30)] {
            assert_eq!(text.parse::<Lifetime>().unwrap().duration(), days * DAY, "{text}");
        }
        for text in ["0d", "6d", "167h", "31d", "721h"] {
            assert_eq!(text.parse::<Lifetime>(), Err(LifetimeError::Range), "{text}");
        }
        assert_eq!("14".parse::<Lifetime>(), Err(LifetimeError::Period(PeriodError::Form)));
    }
}
