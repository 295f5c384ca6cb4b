//! `linkward doctor`.

use std::net::SocketAddr;
use std::path::PathBuf;

use ::policy::{ServiceId, VpcEndpointId};
use clap::{Args, ValueEnum};
use policy_source::SourceUri;

pub(crate) const HELP: &str = "\
From the provider's account: IAM, tables, policy, AppConfig, endpoint service, load balancer, targets, connections, notifications and
their topic, event bus, functions, certificate authority, CRL. From a consumer's: its endpoint. From where callers are, with --host and
a certificate: DNS, connection, TLS, certificate, policy, upstream. Nothing is changed: the approver is asked for a dry run.
Exit code: 0 nothing is red, 1 something is, 2 when nothing can be checked.

Examples:
  linkward doctor
  linkward doctor --output json --functions prod-endpoint-approver,prod-certificate-revoker
  linkward doctor --from consumer --endpoint vpce-0123456789abcdef0 --host api.internal.example \\
      --certificate orders.crt --key orders.key --trust-anchors ca.crt --path /v1/invoices";

/// From which of the two accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Side {
    Provider,
    Consumer,
}

/// What to look at; what is not named is not checked.
#[derive(Debug, Args)]
pub(crate) struct DoctorOptions {
    /// Whose credentials these are.
    #[arg(long, value_enum, default_value_t = Side::Provider)]
    pub(crate) from: Side,
    #[command(flatten)]
    pub(crate) provider: ProviderSide,
    /// The consumer's endpoint.
    #[arg(long, value_name = "ENDPOINT")]
    pub(crate) endpoint: Option<VpcEndpointId>,
    #[command(flatten)]
    pub(crate) call: CallOptions,
}

/// The provider's account; the variables are those of the functions.
#[derive(Debug, Args)]
pub(crate) struct ProviderSide {
    /// Where the gates read the access policy.
    #[arg(long, env = "LINKWARD_POLICY_SOURCE", hide_env_values = true, value_name = "SOURCE")]
    pub(crate) policy_source: Option<SourceUri>,
    /// The endpoint services, comma-separated.
    #[arg(long, env = "LINKWARD_SERVICE_IDS", hide_env_values = true, value_delimiter = ',', value_name = "SERVICE")]
    pub(crate) services: Vec<ServiceId>,
    /// The certificate authorities' ARNs, comma-separated.
    #[arg(long, env = "LINKWARD_CERTIFICATE_AUTHORITY_ARNS", hide_env_values = true, value_delimiter = ',')]
    #[arg(value_name = "ARN")]
    pub(crate) authorities: Vec<String>,
    /// The functions, comma-separated; each name ends in what the function is.
    #[arg(long, env = "LINKWARD_FUNCTIONS", hide_env_values = true, value_delimiter = ',', value_name = "NAME")]
    #[arg(default_value = "endpoint-approver,certificate-revoker")]
    pub(crate) functions: Vec<String>,
    /// The event bus.
    #[arg(long, env = "LINKWARD_EVENT_BUS", hide_env_values = true, default_value = "linkward", value_name = "NAME")]
    pub(crate) event_bus: String,
    /// The table of the deny list.
    #[arg(long, env = "LINKWARD_DENY_LIST_TABLE", hide_env_values = true, value_name = "TABLE")]
    #[arg(default_value = "deny-list")]
    pub(crate) deny_list_table: String,
    /// The table of the endpoint inventory.
    #[arg(long, env = "LINKWARD_ENDPOINT_INVENTORY_TABLE", hide_env_values = true, value_name = "TABLE")]
    #[arg(default_value = "endpoint-inventory")]
    pub(crate) endpoint_inventory_table: String,
    /// The table of the certificate inventory.
    #[arg(long, env = "LINKWARD_CERTIFICATE_INVENTORY_TABLE", hide_env_values = true, value_name = "TABLE")]
    #[arg(default_value = "certificate-inventory")]
    pub(crate) certificate_inventory_table: String,
}

/// A call as a caller makes it.
#[derive(Clone, Debug, Args)]
pub(crate) struct CallOptions {
    /// The name under which callers know the API.
    #[arg(long)]
    pub(crate) host: Option<String>,
    /// The port of the load balancer.
    #[arg(long, default_value_t = 443)]
    pub(crate) port: u16,
    /// Ask this DNS server, such as `10.0.0.2:53`, instead of the system.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) dns_server: Option<SocketAddr>,
    /// The client's certificate and chain, in PEM.
    #[arg(long, value_name = "FILE", requires = "key")]
    pub(crate) certificate: Option<PathBuf>,
    /// Its private key, in PEM.
    #[arg(long, value_name = "FILE", requires = "certificate")]
    pub(crate) key: Option<PathBuf>,
    /// What the server's certificate must lead to, in PEM; default: what the system trusts.
    #[arg(long, value_name = "FILE")]
    pub(crate) trust_anchors: Option<PathBuf>,
    /// What to ask for, by GET: something this caller is permitted.
    #[arg(long, default_value = "/")]
    pub(crate) path: String,
}
