//! The AWS configuration, and the bounds in time that every call has whether it says so or not.

use std::time::Duration;

use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};

/// The AWS configuration of the environment.
pub(crate) async fn environment() -> SdkConfig {
    aws_config::load_defaults(BehaviorVersion::latest()).await
}

/// With our bounds where it has none.
pub(crate) fn bounded(sdk: &SdkConfig) -> SdkConfig {
    let set = sdk.timeout_config().map(TimeoutConfig::to_builder).unwrap_or_default();
    let bounds = TimeoutConfig::builder()
        .operation_attempt_timeout(Duration::from_secs(3))
        .operation_timeout(Duration::from_secs(10));
    sdk.to_builder().timeout_config(set.take_unset_from(bounds).build()).build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_call_is_bounded_although_the_environment_bounds_none() {
        let sdk = SdkConfig::builder().behavior_version(BehaviorVersion::latest()).build();
        let bounds = bounded(&sdk).timeout_config().cloned().unwrap();
        assert_eq!(bounds.operation_timeout(), Some(Duration::from_secs(10)));
        assert_eq!(bounds.operation_attempt_timeout(), Some(Duration::from_secs(3)));
    }

    #[test]
    fn bounds_that_are_set_stay() {
        let set = TimeoutConfig::builder().operation_timeout(Duration::from_millis(300)).build();
        let sdk = SdkConfig::builder().behavior_version(BehaviorVersion::latest()).timeout_config(set).build();
        let bounds = bounded(&sdk).timeout_config().cloned().unwrap();
        assert_eq!(bounds.operation_timeout(), Some(Duration::from_millis(300)));
        assert_eq!(bounds.operation_attempt_timeout(), Some(Duration::from_secs(3)));
    }
}
