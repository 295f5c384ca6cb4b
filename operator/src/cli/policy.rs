//! `linkward policy …`

use std::path::PathBuf;

use ::policy::{AccountId, Revision, SerialNumber, SpiffeId, Timestamp, VpcEndpointId};
use clap::{Args, Subcommand};
use policy_source::SourceUri;

use super::aws::{Consent, Sender};

#[derive(Debug, Subcommand)]
pub(crate) enum PolicyCommand {
    /// Say whether a file is a valid access policy; each error with file, line and column.
    #[command(
        after_help = CHECK_HELP
    )]
    Check {
        /// YAML, JSON when the name ends in `.json`, or an OPA bundle.
        file: PathBuf,
    },
    /// Say what the inner gate would decide about one request, why, and what would have had to match.
    #[command(after_help = EXPLAIN_HELP)]
    Explain(Question),
    /// Say who gains and who loses what from one access policy to another, by meaning and not by text.
    #[command(after_help = DIFF_HELP)]
    Diff(Comparison),
    /// Decide the requests of access logs again by another access policy, each at its own time.
    #[command(after_help = REPLAY_HELP)]
    Replay(Replay),
    /// Try an access policy against cases with the decisions they should have.
    #[command(after_help = TEST_HELP)]
    Test(Test),
    /// Put an access policy in force: validated, compared with the one in force, asked for, published, announced.
    #[command(after_help = PUSH_HELP)]
    Push(Push),
}

const CHECK_HELP: &str = "\
Of an OPA bundle: whether it loads as in the runtime, builtins that are not there by name and place, and what the entrypoint
`data.linkward.authz` answers to sample requests.
Exit code: 0 valid, 1 invalid, 2 cannot be read.

Examples:
  linkward policy check access.yaml
  linkward policy check bundle.tar.gz --output json";

const EXPLAIN_HELP: &str = "\
Of an OPA bundle it shows the decision, its reason, and what the policy was told.
Exit code: 0 allowed, 1 denied, 2 when the question cannot be asked.

Examples:
  linkward policy explain access.yaml --identity spiffe://internal.example/prod/orders-api \\
      --path /v1/invoices/42 --account 123456789012
  linkward policy explain access.yaml --identity spiffe://internal.example/prod/orders-api \\
      --method POST --path /v1/invoices --at 2027-04-01T00:00:00Z
  linkward policy explain bundle.tar.gz --identity spiffe://internal.example/prod/orders-api --path /v1/invoices --serial 0a1b2c";

const DIFF_HELP: &str = "\
Prints nothing when both come to the same. `+` is gained, `-` is lost, `~` is neither. Grants that have expired count for nothing.
Exit code: 0, also when they differ; with --exit-code 1 when they differ; 2 when they cannot be compared.

Examples:
  linkward policy diff access.yaml access.new.yaml
  git show HEAD:access.yaml > before.yaml && linkward policy diff before.yaml access.yaml --exit-code";

const REPLAY_HELP: &str = "\
Reads what `telemetry.accessLog` writes, plain or gzip, and shows the requests whose decision changes, by caller and route.
Requests that ended before the policy was asked (by certificate, path or overload) are counted and left out.
Exit code: 0 nothing is newly denied, 1 something is, 2 when nothing could be decided.

Examples:
  linkward policy replay --policy access.new.yaml access.log
  linkward policy replay --policy access.new.yaml logs/2026-11-25/*.gz --output json
  aws logs tail /linkward/access --since 1d --format short | cut -d' ' -f2- | linkward policy replay --policy access.new.yaml -";

const TEST_HELP: &str = "\
The cases are YAML: `version: 1`, and under `cases` for each an identity, a path, `expect: allow` or `deny`, and as needed
name, account, method (GET), at (now), reason and rule. --from-log prints a file with one case for each kind of request in a log.
Exit code: 0 every decision is as expected, 1 one is not, 2 when the cases cannot be tried.

Examples:
  linkward policy test --from-log access.log > cases.yaml
  linkward policy test cases.yaml --policy access.new.yaml";

const PUSH_HELP: &str = "\
Shows who gains and who loses against what is in force, asks, publishes the whole policy or nothing, waits until readers are given it,
prints the revision, and sends `Policy Changed`. To AppConfig it goes as JSON, in a hosted version that is deployed by --strategy.
Exit code: 0 in force, 1 not wanted after all, 2 when it is invalid or cannot be published.

Examples:
  linkward policy push access.yaml --to dynamodb:access-policy --ticket SEC-1204
  linkward policy push access.yaml --to dynamodb:access-policy --revision 2026-11-26.1 --yes --output json
  linkward policy push access.yaml --to dynamodb:access-policy --first
  linkward policy push access.yaml --to appconfig:invoices/prod/access-policy --strategy AppConfig.Linear50PercentEvery30Seconds";

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
    /// For Rego: the host the request is for.
    #[arg(long)]
    pub(crate) host: Option<String>,
    /// For Rego: the common name of the caller's certificate.
    #[arg(long, value_name = "NAME")]
    pub(crate) common_name: Option<String>,
    /// For Rego: the serial number of the caller's certificate.
    #[arg(long, value_name = "SERIAL")]
    pub(crate) serial: Option<SerialNumber>,
    /// For Rego: when the caller's certificate ends, by RFC 3339.
    #[arg(long, value_name = "TIME")]
    pub(crate) not_after: Option<Timestamp>,
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

/// Logs to decide again.
#[derive(Debug, Args)]
pub(crate) struct Replay {
    /// The access policy to decide by.
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: PathBuf,
    /// Access logs, plain or gzip; `-` is standard input.
    #[arg(required = true, value_name = "LOG")]
    pub(crate) logs: Vec<PathBuf>,
    /// Count what audit mode let pass as allowed: what would be newly denied when the mode changes to enforce.
    #[arg(long)]
    pub(crate) enforce: bool,
}

/// Cases to try.
#[derive(Debug, Args)]
pub(crate) struct Test {
    /// The cases.
    #[arg(required_unless_present = "from_log")]
    pub(crate) cases: Option<PathBuf>,
    /// The access policy to try.
    #[arg(long, value_name = "FILE", required_unless_present = "from_log")]
    pub(crate) policy: Option<PathBuf>,
    /// Print cases made from these access logs instead, to start from.
    #[arg(long, value_name = "LOG", num_args = 1.., conflicts_with_all = ["cases", "policy"])]
    pub(crate) from_log: Vec<PathBuf>,
}

/// What to put in force, and where.
#[derive(Debug, Args)]
pub(crate) struct Push {
    /// The access policy.
    pub(crate) file: PathBuf,
    /// Where the gates read it: `dynamodb:TABLE` or `appconfig:APP/ENV/PROFILE`.
    #[arg(long, env = "LINKWARD_POLICY_SOURCE", hide_env_values = true, value_name = "SOURCE")]
    pub(crate) to: SourceUri,
    /// Its name; default: `sha256:` and the beginning of its hash.
    #[arg(long, value_parser = revision)]
    pub(crate) revision: Option<Revision>,
    /// Why, for the record.
    #[arg(long)]
    pub(crate) ticket: Option<String>,
    /// There is no policy yet, so there is nothing to compare with.
    #[arg(long)]
    pub(crate) first: bool,
    /// AppConfig's deployment strategy, by name or id. A gradual one also delays removals; urgent ones go through the deny list.
    #[arg(long, env = "LINKWARD_DEPLOYMENT_STRATEGY", hide_env_values = true, value_name = "STRATEGY")]
    #[arg(default_value = "AppConfig.AllAtOnce")]
    pub(crate) strategy: String,
    #[command(flatten)]
    pub(crate) sender: Sender,
    #[command(flatten)]
    pub(crate) consent: Consent,
}

fn revision(text: &str) -> Result<Revision, String> {
    let usable = !text.is_empty() && text.len() <= 128 && text.bytes().all(|byte| byte.is_ascii_graphic());
    if usable {
        Ok(Revision::from(text))
    } else {
        Err("a revision has 1 to 128 visible characters, and no space".to_owned())
    }
}
