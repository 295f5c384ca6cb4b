//! The SDK's configuration, as Lambda gives it: everything is in the environment.
//!
//! `aws_config`'s own loader also reads profiles and knows how to ask containers, machines, single sign-on and STS for
//! credentials. None of it exists in Lambda, and all of it would be in every package and in every cold start.

use std::time::Duration;

use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_types::service_config::{LoadServiceConfig, ServiceConfigKey};
use http_client::{HttpClient, RootCertStore, trusted_authorities};

const REGION: [&str; 2] = ["AWS_REGION", "AWS_DEFAULT_REGION"];
const ENDPOINT_URL: &str = "AWS_ENDPOINT_URL";
const USE_FIPS: &str = "AWS_USE_FIPS_ENDPOINT";
const USE_DUAL_STACK: &str = "AWS_USE_DUALSTACK_ENDPOINT";

/// What an environment variable holds.
type Lookup = fn(&str) -> Option<String>;

/// The settings of single services, such as `AWS_ENDPOINT_URL_EC2`.
#[derive(Debug)]
struct OfServices(Lookup);

/// The one SDK configuration of a function: all clients share its connections and credentials. Throttles and passing
/// faults are retried by the SDK with jitter; the run's deadline bounds all of it. Without trusted authorities nobody is
/// reached over TLS, and the log says why.
///
/// # Errors
/// TLS cannot be configured.
pub fn sdk_config() -> Result<SdkConfig, lambda_runtime::Error> {
    let authorities = trusted_authorities().unwrap_or_else(|error| {
        tracing::error!(%error, "AWS cannot be reached over TLS");
        RootCertStore::empty()
    });
    let config = of(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
    Ok(config.into_builder().http_client(HttpClient::new(authorities)?).build())
}

fn of(lookup: Lookup) -> SdkConfig {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(3))
        .operation_attempt_timeout(Duration::from_secs(10))
        .build();
    let credentials = EnvironmentVariableCredentialsProvider::new();
    let mut builder = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(REGION.into_iter().find_map(lookup).map(Region::new))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .service_config(OfServices(lookup))
        .retry_config(RetryConfig::standard().with_max_attempts(5).with_max_backoff(Duration::from_secs(5)))
        .timeout_config(timeouts)
        .disable_request_compression(true);
    let is_on = |name| lookup(name).map(|value| value.eq_ignore_ascii_case("true"));
    builder.set_use_fips(is_on(USE_FIPS)).set_use_dual_stack(is_on(USE_DUAL_STACK));
    builder.set_endpoint_url(lookup(ENDPOINT_URL));
    builder.build()
}

impl LoadServiceConfig for OfServices {
    fn load_config(&self, key: ServiceConfigKey<'_>) -> Option<String> {
        let service = key.service_id().to_uppercase().replace([' ', '-'], "_");
        self.0(&format!("{}_{service}", key.env())).or_else(|| self.0(key.env()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key<'a>(service: &'a str) -> ServiceConfigKey<'a> {
        ServiceConfigKey::builder().service_id(service).profile("endpoint_url").env(ENDPOINT_URL).build().unwrap()
    }

    #[test]
    fn the_environment_says_region_and_endpoints() {
        let config = of(|name| match name {
            "AWS_DEFAULT_REGION" => Some("eu-west-1".to_owned()),
            "AWS_ENDPOINT_URL" => Some("http://all".to_owned()),
            "AWS_ENDPOINT_URL_ACM_PCA" => Some("http://authority".to_owned()),
            "AWS_USE_FIPS_ENDPOINT" => Some("TRUE".to_owned()),
            _ => None,
        });
        assert_eq!(config.region().map(Region::as_ref), Some("eu-west-1"));
        assert_eq!(
            (config.endpoint_url(), config.use_fips(), config.use_dual_stack()),
            (Some("http://all"), Some(true), None)
        );
        let services = config.service_config().unwrap();
        assert_eq!(services.load_config(key("ACM PCA")).as_deref(), Some("http://authority"));
        assert_eq!(services.load_config(key("DynamoDB")).as_deref(), Some("http://all"));
        let bare = of(|_| None);
        assert_eq!((bare.region(), bare.endpoint_url()), (None, None));
        assert_eq!(bare.service_config().unwrap().load_config(key("EC2")), None);
    }
}
