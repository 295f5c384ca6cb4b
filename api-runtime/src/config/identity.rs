//! How a certificate names its caller, and what is expected of who uses it.

use policy::TrustDomain;
use serde::Deserialize;

use super::scalar;
use super::template::{self, CommonNameTemplate};

/// How a certificate names its caller.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Identity {
    /// SPIFFE IDs of other trust domains are no identity here.
    #[serde(deserialize_with = "scalar::parsed")]
    pub trust_domain: TrustDomain,
    /// What to read in the common name of a certificate without any URI SAN; `None`: nothing.
    #[serde(default, deserialize_with = "template::optional")]
    pub common_name: Option<CommonNameTemplate>,
    /// Through how many endpoints one certificate should come, where the policy does not say; more are signalled.
    #[serde(default = "four")]
    pub max_endpoints: usize,
}

fn four() -> usize {
    4
}

/// More are not told apart.
const MAX_ENDPOINTS: std::ops::RangeInclusive<usize> = 1..=63;

impl Identity {
    pub(super) fn problem(&self) -> Option<String> {
        let (least, most) = (MAX_ENDPOINTS.start(), MAX_ENDPOINTS.end());
        let message = || format!("`identity.maxEndpoints` is {}; write {least} to {most}", self.max_endpoints);
        (!MAX_ENDPOINTS.contains(&self.max_endpoints)).then(message)
    }
}
