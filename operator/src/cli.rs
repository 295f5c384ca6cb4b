//! What can be asked on the command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use policy::{AccountId, SpiffeId, VpcEndpointId};

use crate::output::Output;

/// Zero-trust for internal APIs across AWS accounts: the operator's tool.
#[derive(Debug, Parser)]
#[command(name = "linkward", version, propagate_version = true)]
pub struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
    /// Tables and sentences for people, or one JSON document on standard output.
    #[arg(long, global = true, value_enum, default_value_t = Output::Human)]
    pub(crate) output: Output,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Play the whole story against a local AWS: two gates, a stolen certificate, a live revocation.
    #[command(after_help = DEMO_HELP)]
    Demo(DemoOptions),
    /// Read and question an access policy.
    #[command(subcommand)]
    Policy(PolicyCommand),
}

const DEMO_HELP: &str = "\
Needs a checkout of Linkward, cargo and python3; everything else it sets up itself, on loopback only.
Exit code: 0 every step did what it says, 1 a step surprised, 2 set-up impossible.

Examples:
  linkward demo
  linkward demo --keep
  linkward demo --output json > story.json";

/// How to play the demo.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct DemoOptions {
    /// Leave everything running after the last step, print commands to try, and clean up on Ctrl-C.
    #[arg(long)]
    pub(crate) keep: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PolicyCommand {
    /// Say whether a file is a valid access policy; each error with file, line and column.
    #[command(
        after_help = "Exit code: 0 valid, 1 invalid, 2 cannot be read.\n\nExample:\n  linkward policy check access.yaml"
    )]
    Check {
        /// YAML, or JSON when the name ends in `.json`.
        file: PathBuf,
    },
    /// Say what the inner gate would decide about one request, and why.
    #[command(after_help = EXPLAIN_HELP)]
    Explain(Question),
}

const EXPLAIN_HELP: &str = "\
Exit code: 0 allowed, 1 denied, 2 when the question cannot be asked.

Example:
  linkward policy explain access.yaml --identity spiffe://internal.example/prod/orders-api \\
      --path /v1/invoices/42 --account 123456789012";

/// One request, as the runtime would see it.
#[derive(Debug, Args)]
pub(crate) struct Question {
    /// The access policy.
    pub(crate) file: PathBuf,
    /// The caller's SPIFFE ID.
    #[arg(long)]
    pub(crate) identity: SpiffeId,
    /// The request's method.
    #[arg(long, default_value = "GET")]
    pub(crate) method: String,
    /// The request's path, as it is sent.
    #[arg(long)]
    pub(crate) path: String,
    /// The account of the VPC endpoint through which the request arrives; without it, a caller bound to accounts is denied.
    #[arg(long)]
    pub(crate) account: Option<AccountId>,
    /// The VPC endpoint through which the request arrives; default: some endpoint of `--account`.
    #[arg(long)]
    pub(crate) endpoint: Option<VpcEndpointId>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        use clap::CommandFactory as _;
        Cli::command().debug_assert();
    }
}
