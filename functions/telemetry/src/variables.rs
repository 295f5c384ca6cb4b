//! Every environment variable of the functions, in one place: the functions, `--check` and the infrastructure know
//! the same list.

/// An environment variable.
#[derive(Debug, PartialEq, Eq)]
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// What to set it to; errors say it.
    pub remedy: &'static str,
}

macro_rules! variables {
    ($($(#[$doc:meta])* $constant:ident = $name:literal, $remedy:literal;)*) => {
        $($(#[$doc])* pub const $constant: Variable = Variable { name: $name, remedy: $remedy };)*

        /// All of them.
        pub const ALL: &[Variable] = &[$($constant),*];
    };
}

variables! {
    /// Whether verdicts take effect.
    MODE = "LINKWARD_MODE", "`enforce` (the default) or `audit`";
    /// Where the access policy is.
    POLICY_SOURCE = "LINKWARD_POLICY_SOURCE", "`file:PATH`, a file in the function's package, `appconfig:APP/ENV/PROFILE`, `dynamodb:TABLE` or `bundle:…`";
    /// Whose signature a bundle must bear.
    POLICY_VERIFICATION_KEY = "LINKWARD_POLICY_VERIFICATION_KEY", "the path of a PEM file in the function's package, with a public key";
    /// Where the freeze switch is, when the policy comes from elsewhere.
    ACCESS_POLICY_TABLE = "LINKWARD_ACCESS_POLICY_TABLE", "the name of the DynamoDB table with the item `freeze`";
    /// The endpoint services we manage.
    SERVICE_IDS = "LINKWARD_SERVICE_IDS", "the ids of your endpoint services, separated by commas: `vpce-svc-…,vpce-svc-…`";
    /// How long an accepted connection stays after the policy stopped allowing it.
    REMOVAL_GRACE = "LINKWARD_REMOVAL_GRACE", "an integer and `ms`, `s`, `m`, `h` or `d`, such as `15m` (the default)";
    /// How many connections one run may remove.
    MAX_REMOVALS = "LINKWARD_MAX_REMOVALS", "an integer from 0 to 100000, such as `5` (the default)";
    /// Where the approver keeps what it saw.
    ENDPOINT_INVENTORY_TABLE = "LINKWARD_ENDPOINT_INVENTORY_TABLE", "the name of the DynamoDB table with the key `endpointId`";
    /// Our own fast list of the revoked.
    DENY_LIST_TABLE = "LINKWARD_DENY_LIST_TABLE", "the name of the DynamoDB table with the key `pk`";
    /// Which certificates an identity has.
    CERTIFICATE_INVENTORY_TABLE = "LINKWARD_CERTIFICATE_INVENTORY_TABLE",
        "the name of the DynamoDB table with the key `serialNumber` and the index `byIdentity`";
    /// Where the CRLs are.
    CRL_LOCATIONS = "LINKWARD_CRL_LOCATIONS", "the addresses of your CRLs, separated by commas: `s3://BUCKET/KEY` or `https://…`";
    /// Where audit events go.
    EVENT_BUS = "LINKWARD_EVENT_BUS", "the name or ARN of the event bus";
    /// The certificate authorities we may revoke at.
    CERTIFICATE_AUTHORITY_ARNS = "LINKWARD_CERTIFICATE_AUTHORITY_ARNS",
        "the ARNs of your certificate authorities, separated by commas: `arn:aws:acm-pca:…:certificate-authority/…`";
    /// The trust domain of the identities that we issue certificates for.
    TRUST_DOMAIN = "LINKWARD_TRUST_DOMAIN", "your SPIFFE trust domain, such as `internal.example`";
    /// How long a certificate is valid.
    CERTIFICATE_LIFETIME = "LINKWARD_CERTIFICATE_LIFETIME", "a duration from `7d` to `30d`, such as `14d` (the default)";
    /// How long an identity waits for its next certificate.
    ISSUANCE_WINDOW = "LINKWARD_ISSUANCE_WINDOW", "a duration, such as `1h` (the default); `0s` sets no limit";
    /// Where a new client certificate is tried before it is used.
    TLS_TEST_ADDRESS = "LINKWARD_TLS_TEST_ADDRESS", "the host and port of your API, such as `api.internal.example:443`";
}
