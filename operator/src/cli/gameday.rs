//! `linkward gameday`.

use std::path::PathBuf;

use clap::Args;

use super::aws::Consent;
use crate::gameday::Scenario;

pub(crate) const HELP: &str = "\
Ten scenarios, each with what is expected and what was seen, how long until it was noticed and until it was in force, while another
caller's requests go on. Against a local stack that it sets up itself, or, with --target, against a deployment, from where a caller is:
a YAML file with host, address, otherAddress, trustAnchors, identity (of this command alone: `…/gameday`), path and stranger (profile,
vpc, subnet); docs/operating.md. What a scenario did is undone at the end, also after a failure and Ctrl-C.
Exit code: 0 everything as expected, 1 a surprise, 2 when it cannot be played; 130 after Ctrl-C.

Examples:
  linkward gameday
  linkward gameday --only expired,stolen --report /tmp/friday
  linkward gameday --target production.yaml --runtime /usr/local/bin/api-runtime";

/// How to play, and against what.
#[derive(Clone, Debug, Args)]
pub(crate) struct GamedayOptions {
    /// `local`, or a file that describes a deployment.
    #[arg(long, default_value = "local", value_name = "local|FILE")]
    pub(crate) target: PathBuf,
    /// Only these, comma-separated.
    #[arg(long, value_enum, value_delimiter = ',', value_name = "SCENARIO")]
    pub(crate) only: Vec<Scenario>,
    /// The report's path without ending: a `.md` and a `.html` are written.
    #[arg(long, default_value = "gameday", value_name = "PATH")]
    pub(crate) report: PathBuf,
    /// How many seconds to wait for what should come.
    #[arg(long, default_value_t = 60, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub(crate) patience: u64,
    /// The runtime's binary, for what is played beside a target; default: `api-runtime` in the search path.
    #[arg(long, value_name = "FILE")]
    pub(crate) runtime: Option<PathBuf>,
    /// The certificate authority's ARN, for a target.
    #[arg(long, env = "LINKWARD_CERTIFICATE_AUTHORITY_ARNS", hide_env_values = true, value_delimiter = ',')]
    #[arg(num_args = 1, value_name = "ARN")]
    pub(crate) authority: Vec<String>,
    /// The event bus of a target.
    #[arg(long, env = "LINKWARD_EVENT_BUS", hide_env_values = true, default_value = "linkward", value_name = "NAME")]
    pub(crate) event_bus: String,
    /// The table of a target's deny list.
    #[arg(long, env = "LINKWARD_DENY_LIST_TABLE", hide_env_values = true, value_name = "TABLE")]
    #[arg(default_value = "deny-list")]
    pub(crate) deny_list_table: String,
    /// The endpoint service of a target.
    #[arg(long, env = "LINKWARD_SERVICE_IDS", hide_env_values = true, value_delimiter = ',', num_args = 1)]
    #[arg(value_name = "SERVICE")]
    pub(crate) service: Vec<String>,
    #[command(flatten)]
    pub(crate) consent: Consent,
}
