//! Which services are asked without their SDK, and where they are.

use aws_config::SdkConfig;
use aws_types::service_config::ServiceConfigKey;

/// A service that the tool asks so little of that its SDK would be most of the binary.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Service {
    /// As the SDKs call it, for `AWS_ENDPOINT_URL_…`.
    id: &'static str,
    /// In the credential scope.
    pub(super) signing_name: &'static str,
    /// The first part of its host.
    host: &'static str,
    /// Of the Query protocol.
    pub(super) version: &'static str,
    /// One for the whole partition, signed for the Region that keeps it.
    global: bool,
}

const fn service(id: &'static str, name: &'static str, version: &'static str) -> Service {
    Service { id, signing_name: name, host: name, version, global: false }
}

pub(crate) const EC2: Service = service("EC2", "ec2", "2016-11-15");
pub(crate) const ELB: Service = service("Elastic Load Balancing v2", "elasticloadbalancing", "2015-12-01");
pub(crate) const SNS: Service = service("SNS", "sns", "2010-03-31");
pub(crate) const STS: Service = service("STS", "sts", "2011-06-15");
pub(crate) const IAM: Service = Service { global: true, ..service("IAM", "iam", "2010-05-08") };
pub(crate) const APPCONFIG: Service = service("AppConfig", "appconfig", "");

impl Service {
    /// As the SDKs find it: `AWS_ENDPOINT_URL_…`, `AWS_ENDPOINT_URL`, or AWS's own; without a slash at its end.
    pub(super) fn endpoint(&self, sdk: &SdkConfig, region: &str) -> String {
        let key =
            ServiceConfigKey::builder().service_id(self.id).env("AWS_ENDPOINT_URL").profile("endpoint_url").build();
        let own = key.ok().and_then(|key| sdk.service_config()?.load_config(key));
        match own.or_else(|| sdk.endpoint_url().map(str::to_owned)) {
            Some(endpoint) => endpoint.trim_end_matches('/').to_owned(),
            None if self.global => format!("https://{}.{}", self.host, suffix(region)),
            None => format!("https://{}.{region}.{}", self.host, suffix(region)),
        }
    }

    /// The Region to sign for.
    pub(super) fn signing_region<'a>(&self, region: &'a str) -> &'a str {
        match region {
            _ if !self.global => region,
            region if region.starts_with("cn-") => "cn-north-1",
            region if region.starts_with("us-gov-") => "us-gov-west-1",
            _ => "us-east-1",
        }
    }
}

/// <https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/partitions.html>
fn suffix(region: &str) -> &'static str {
    match region {
        region if region.starts_with("cn-") => "amazonaws.com.cn",
        region if region.starts_with("eusc-") => "amazonaws.eu",
        _ => "amazonaws.com",
    }
}

#[cfg(test)]
mod tests {
    use aws_config::{BehaviorVersion, Region};

    use super::*;

    #[test]
    fn a_service_is_found_where_the_sdks_find_it() {
        let plain = SdkConfig::builder().behavior_version(BehaviorVersion::latest()).region(Region::new("eu-west-1"));
        let plain = plain.build();
        assert_eq!(EC2.endpoint(&plain, "eu-west-1"), "https://ec2.eu-west-1.amazonaws.com");
        assert_eq!(SNS.endpoint(&plain, "cn-north-1"), "https://sns.cn-north-1.amazonaws.com.cn");
        assert_eq!(IAM.endpoint(&plain, "eu-west-1"), "https://iam.amazonaws.com");
        assert_eq!((IAM.signing_region("eu-west-1"), EC2.signing_region("eu-west-1")), ("us-east-1", "eu-west-1"));
        let local = plain.to_builder().endpoint_url("http://127.0.0.1:5110/").build();
        assert_eq!(ELB.endpoint(&local, "eu-west-1"), "http://127.0.0.1:5110");
    }
}
