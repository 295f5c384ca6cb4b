//! `linkward policy …`

use std::path::PathBuf;

use ::policy::{AccountId, SpiffeId, Timestamp, VpcEndpointId};
use clap::{Args, Subcommand};

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
    /// Say what the inner gate would decide about one request, why, and what would have had to match.
    #[command(after_help = EXPLAIN_HELP)]
    Explain(Question),
    /// Say who gains and who loses what from one access policy to another, by meaning and not by text.
    #[command(after_help = DIFF_HELP)]
    Diff(Comparison),
}

const EXPLAIN_HELP: &str = "\
Exit code: 0 allowed, 1 denied, 2 when the question cannot be asked.

Examples:
  linkward policy explain access.yaml --identity spiffe://internal.example/prod/orders-api \\
      --path /v1/invoices/42 --account 123456789012
  linkward policy explain access.yaml --identity spiffe://internal.example/prod/orders-api \\
      --method POST --path /v1/invoices --at 2027-04-01T00:00:00Z";

const DIFF_HELP: &str = "\
Prints nothing when both come to the same. `+` is gained, `-` is lost, `~` is neither. Grants that have expired count for nothing.
Exit code: 0, also when they differ; with --exit-code 1 when they differ; 2 when they cannot be compared.

Examples:
  linkward policy diff access.yaml access.new.yaml
  git show HEAD:access.yaml > before.yaml && linkward policy diff before.yaml access.yaml --exit-code";

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
    /// When the request arrives, by RFC 3339; default: now.
    #[arg(long, value_name = "TIME")]
    pub(crate) at: Option<Timestamp>,
}

/// Two policies to compare.
#[derive(Debug, Args)]
pub(crate) struct Comparison {
    /// The access policy as it is.
    pub(crate) old: PathBuf,
    /// The access policy as it will be.
    pub(crate) new: PathBuf,
    /// From when on they are compared, by RFC 3339; default: now.
    #[arg(long, value_name = "TIME")]
    pub(crate) at: Option<Timestamp>,
    /// End with 1 when they differ.
    #[arg(long)]
    pub(crate) exit_code: bool,
}
