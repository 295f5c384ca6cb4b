//! An AWS account of the local stack, and how a process acts in it.

use std::fmt;

use aws_types::service_config::{LoadServiceConfig, ServiceConfigKey};

/// The services that live in the EC2 emulator, by the SDKs' service ids.
const EC2_SIDE: [&str; 6] =
    ["EC2", "ACM PCA", "Elastic Load Balancing", "Elastic Load Balancing v2", "Organizations", "Route 53"];

/// An account, known by its 12 digits, which are also its access key: both emulators read the account from there.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Account {
    id: String,
}

impl Account {
    /// The account that provides the API, in both emulators.
    pub const PROVIDER: &'static str = "000000000000";

    pub(crate) fn new(id: &str) -> Self {
        Self { id: id.to_owned() }
    }

    pub(crate) fn provider() -> Self {
        Self::new(Self::PROVIDER)
    }

    /// The 12 digits.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The access key that stands for this account.
    pub fn access_key(&self) -> &str {
        &self.id
    }

    /// The secret key. The emulators verify no signature.
    pub fn secret_key(&self) -> &'static str {
        "local"
    }

    /// A SigV4 header that names the account, without a signature that anybody checks.
    pub(crate) fn authorization(&self, region: &str, service: &str) -> String {
        let credential = format!("{}/20260101/{region}/{service}/aws4_request", self.access_key());
        format!("AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host, Signature=local")
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.id)
    }
}

pub(crate) fn variables(account: &Account, region: &str, endpoint: &str, ec2_endpoint: &str) -> Vec<(String, String)> {
    let own = [
        ("AWS_ACCESS_KEY_ID", account.access_key()),
        ("AWS_SECRET_ACCESS_KEY", account.secret_key()),
        ("AWS_REGION", region),
        ("AWS_DEFAULT_REGION", region),
        ("AWS_ENDPOINT_URL", endpoint),
        // The emulators verify no signature and know no instance: nothing is to be looked for elsewhere.
        ("AWS_EC2_METADATA_DISABLED", "true"),
    ];
    let elsewhere = EC2_SIDE.iter().map(|service| (endpoint_variable(service), ec2_endpoint.to_owned()));
    own.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).chain(elsewhere).collect()
}

/// <https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html>
fn endpoint_variable(service_id: &str) -> String {
    format!("AWS_ENDPOINT_URL_{}", service_id.to_uppercase().replace(' ', "_"))
}

/// The same for SDK clients of this process: what the SDKs would read from `AWS_ENDPOINT_URL_…`.
#[derive(Debug)]
pub(crate) struct Endpoints {
    pub(crate) ec2_endpoint: String,
}

impl LoadServiceConfig for Endpoints {
    fn load_config(&self, key: ServiceConfigKey<'_>) -> Option<String> {
        let wanted = key.env() == "AWS_ENDPOINT_URL" && EC2_SIDE.contains(&key.service_id());
        wanted.then(|| self.ec2_endpoint.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_send_each_service_to_its_emulator() {
        let variables = variables(&Account::new("123456789012"), "eu-west-1", "http://one", "http://two");
        let value = |name: &str| variables.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str());
        assert_eq!(value("AWS_ACCESS_KEY_ID"), Some("123456789012"));
        assert_eq!(value("AWS_ENDPOINT_URL"), Some("http://one"));
        assert_eq!(value("AWS_ENDPOINT_URL_EC2"), Some("http://two"));
        assert_eq!(value("AWS_ENDPOINT_URL_ACM_PCA"), Some("http://two"));
        assert_eq!(value("AWS_ENDPOINT_URL_ELASTIC_LOAD_BALANCING_V2"), Some("http://two"));
        assert_eq!(value("AWS_ENDPOINT_URL_DYNAMODB"), None);
    }
}
