//! `linkward endpoints …`

use ::policy::{AccountId, ServiceId};
use clap::{Args, Subcommand};

use super::aws::{Consent, Sender};

#[derive(Debug, Subcommand)]
pub(crate) enum EndpointsCommand {
    /// List the endpoint connections: owner, name from the policy, state, age, verdict and reason.
    #[command(after_help = LIST_HELP)]
    List(EndpointList),
    /// Ask the approver to look at the connections now.
    #[command(after_help = SWEEP_HELP)]
    Sweep(Sweep),
}

const LIST_HELP: &str = "\
Reads the endpoint inventory, which says what the approver's last run saw. --live invokes the approver for a dry run: what it
would do now, with nothing done and nothing written.
Exit code: 0 listed, 1 the dry run ended in an error, 2 when nothing can be read.

Examples:
  linkward endpoints list --inventory-table endpoint-inventory
  linkward endpoints list --state pendingAcceptance --output json
  linkward endpoints list --live --function endpoint-approver";

const SWEEP_HELP: &str = "\
Sends `Endpoint Sweep Requested`. A sweep accepts, rejects and removes as the policy says; --max-removals raises for this run the cap
beyond which it does nothing at all.
Exit code: 0 sent, 1 not wanted after all, 2 when it cannot be sent.

Examples:
  linkward endpoints sweep
  linkward endpoints sweep --dry-run
  linkward endpoints sweep --service vpce-svc-0123456789abcdef0 --max-removals 40 --yes";

/// Which connections, and from where.
#[derive(Debug, Args)]
pub(crate) struct EndpointList {
    /// The table of the endpoint inventory.
    #[arg(long, env = "LINKWARD_ENDPOINT_INVENTORY_TABLE", hide_env_values = true, value_name = "TABLE")]
    #[arg(default_value = "endpoint-inventory")]
    pub(crate) inventory_table: String,
    /// Only endpoints of this account.
    #[arg(long)]
    pub(crate) account: Option<AccountId>,
    /// Only connections in this state, such as `available`.
    #[arg(long, conflicts_with = "live")]
    pub(crate) state: Option<String>,
    /// Only connections with this verdict: `accept`, `reject` or `hold`.
    #[arg(long, conflicts_with = "live")]
    pub(crate) verdict: Option<String>,
    /// Ask the approver what it would do now, instead of reading the inventory.
    #[arg(long)]
    pub(crate) live: bool,
    /// The approver's function, for `--live`.
    #[arg(long, env = "LINKWARD_APPROVER_FUNCTION", hide_env_values = true, value_name = "NAME")]
    #[arg(default_value = "endpoint-approver")]
    pub(crate) function: String,
}

/// What to ask the approver for.
#[derive(Debug, Args)]
pub(crate) struct Sweep {
    /// Only connections to this service; may be given several times.
    #[arg(long = "service", value_name = "SERVICE")]
    pub(crate) services: Vec<ServiceId>,
    /// Say what would be done and do nothing; the approver's log and metrics have it, `endpoints list --live` shows it here.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// How many accepted connections the run may remove.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=100_000))]
    pub(crate) max_removals: Option<u32>,
    #[command(flatten)]
    pub(crate) sender: Sender,
    #[command(flatten)]
    pub(crate) consent: Consent,
}
