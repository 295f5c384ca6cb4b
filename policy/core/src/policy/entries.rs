//! The access policy as it is written: what serde reads and the published JSON Schema says.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::date_time::DateTime;
use crate::document::{Given, Keyed, NonEmpty, Version};
use crate::endpoint::Unlisted;
use crate::{
    AccountId, IdentityPattern, Method, OrganizationalUnitId, PathTemplate, Region, RuleId, ServiceId, TrustDomain,
};

/// The access policy of Linkward: one document for both gates.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(title = "Linkward access policy")]
pub(crate) struct PolicyDocument {
    #[serde(rename = "version")]
    pub(crate) _version: Version,
    /// Every caller belongs to it.
    pub(crate) trust_domain: TrustDomain,
    /// The outer gate: which endpoint connections are accepted.
    #[serde(default)]
    pub(crate) endpoints: Keyed<EndpointsEntry>,
    /// The inner gate: who may do what. Empty, nobody may do anything.
    #[serde(default)]
    pub(crate) callers: Vec<Keyed<CallerEntry>>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct EndpointsEntry {
    /// What becomes of a connection whose owner is not listed: reject (the default) or hold.
    #[serde(default)]
    pub(crate) unlisted: Given<Unlisted>,
    /// Whose endpoints may connect.
    #[serde(default)]
    pub(crate) consumers: Vec<Keyed<ConsumerEntry>>,
}

/// Endpoints of one account, or of all accounts below an organizational unit.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("oneOf" = [{"required": ["account"]}, {"required": ["organizationalUnit"]}]))]
pub(crate) struct ConsumerEntry {
    #[serde(default)]
    pub(crate) account: Given<AccountId>,
    #[serde(default)]
    pub(crate) organizational_unit: Given<OrganizationalUnitId>,
    /// For people, events and the log.
    #[serde(default)]
    pub(crate) name: Given<String>,
    /// Where the endpoints may be; any Region if left out.
    #[serde(default)]
    pub(crate) regions: Given<NonEmpty<Region>>,
    /// What they may connect to; every managed service if left out.
    #[serde(default)]
    pub(crate) services: Given<NonEmpty<ServiceId>>,
    /// How many may be connected, the oldest first; any number if left out.
    #[serde(default)]
    #[schemars(range(max = 4_294_967_295_u32))]
    pub(crate) max_endpoints: Given<u32>,
    /// From this moment on the entry admits nothing; never if left out.
    #[serde(default)]
    pub(crate) valid_until: Given<DateTime>,
}

/// What one identity, or everybody below a prefix, may do.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct CallerEntry {
    pub(crate) identity: IdentityPattern,
    /// The accounts whose endpoints the caller must come through; any if left out.
    #[serde(default)]
    pub(crate) accounts: Given<NonEmpty<AccountId>>,
    /// From this moment on everything is denied; never if left out.
    #[serde(default)]
    pub(crate) valid_until: Given<DateTime>,
    /// What is allowed, unless it is forbidden.
    #[serde(default)]
    pub(crate) permit: Vec<Keyed<RuleEntry>>,
    /// What is denied, even if it is permitted.
    #[serde(default)]
    pub(crate) forbid: Vec<Keyed<RuleEntry>>,
}

/// Requests with one of these methods and one of these paths.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct RuleEntry {
    /// The name in the access log; made from what the rule says if left out.
    #[serde(default)]
    pub(crate) id: Given<RuleId>,
    /// Any method if left out.
    #[serde(default)]
    pub(crate) methods: Given<NonEmpty<Method>>,
    pub(crate) paths: NonEmpty<PathTemplate>,
}
