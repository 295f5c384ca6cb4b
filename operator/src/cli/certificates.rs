//! `linkward certificates …`

use std::path::PathBuf;

use ::policy::{AccountId, SerialNumber, SpiffeId};
use clap::{Args, Subcommand, ValueEnum};

use super::aws::{Consent, Sender};

#[derive(Debug, Subcommand)]
pub(crate) enum CertificatesCommand {
    /// List the certificates of the inventory, those that expire first at the top.
    #[command(after_help = LIST_HELP)]
    List(CertificateList),
    /// Issue a client certificate; its key is made here and never leaves this machine.
    #[command(after_help = ISSUE_HELP)]
    Issue(Issue),
    /// Cut a caller off: one certificate, an identity, or everybody who comes through an account's endpoints.
    #[command(after_help = REVOKE_HELP)]
    Revoke(Revoke),
    /// Lift an entry of the deny list. A certificate revoked at its authority stays revoked.
    #[command(after_help = RESTORE_HELP)]
    Restore(Restore),
}

const LIST_HELP: &str = "\
Exit code: 0 listed, 2 when the inventory cannot be read.

Examples:
  linkward certificates list --inventory-table certificate-inventory
  linkward certificates list --identity spiffe://internal.example/prod/orders-api --all --output json";

const ISSUE_HELP: &str = "\
For bootstrap and labs; the certificate-rotator does it in operation. What was issued is read again and compared with what was asked
for before anything is written. Writes NAME.crt (certificate and chain) and NAME.key (mode 0600); existing files stay as they are.
Exit code: 0 issued, 1 what was issued is not what was asked for, 2 when nothing was issued.

Example:
  linkward certificates issue --identity spiffe://internal.example/lab/alice --out certificates \\
      --authority arn:aws:acm-pca:eu-west-1:111122223333:certificate-authority/11111111-2222-3333-4444-555555555555";

const REVOKE_HELP: &str = "\
Sends `Certificate Revocation Requested`: the deny list is written within seconds, then the authority revokes. --wait follows both
and prints how long they took; the authority's CRL may take half an hour. An account is a matter of the deny list alone.
Exit code: 0 sent, with --wait in force; 1 not wanted after all, or not in force in time; 2 when it cannot be sent.

Examples:
  linkward certificates revoke --serial 0a:1b:2c --reason key-compromise --ticket SEC-7 --wait
  linkward certificates revoke --identity spiffe://internal.example/prod/orders-api --reason privilege-withdrawn --yes
  linkward certificates revoke --account 123456789012 --reason cessation-of-operation --wait";

const RESTORE_HELP: &str = "\
Sends `Certificate Denial Withdrawn`.
Exit code: 0 sent, with --wait in force; 1 not wanted after all, or not in force in time; 2 when it cannot be sent.

Example:
  linkward certificates restore --identity spiffe://internal.example/prod/orders-api --ticket SEC-7 --wait";

/// The inventory of certificates.
#[derive(Clone, Debug, Args)]
pub(crate) struct Inventory {
    /// The table of the certificate inventory.
    #[arg(long, env = "LINKWARD_CERTIFICATE_INVENTORY_TABLE", hide_env_values = true, value_name = "TABLE")]
    #[arg(default_value = "certificate-inventory")]
    pub(crate) inventory_table: String,
}

/// Which certificates.
#[derive(Debug, Args)]
pub(crate) struct CertificateList {
    #[command(flatten)]
    pub(crate) inventory: Inventory,
    /// Only those of this identity.
    #[arg(long)]
    pub(crate) identity: Option<SpiffeId>,
    /// Also those that have expired, and those the authority issued that are nobody's we know.
    #[arg(long)]
    pub(crate) all: bool,
}

/// The certificate authority.
#[derive(Debug, Args)]
pub(crate) struct Authority {
    /// The certificate authority's ARN; of several in the variable the first.
    #[arg(long, env = "LINKWARD_CERTIFICATE_AUTHORITY_ARNS", hide_env_values = true, value_name = "ARN")]
    #[arg(value_delimiter = ',', num_args = 1, required = true)]
    authority: Vec<String>,
}

impl Authority {
    /// The first one.
    pub(crate) fn arn(&self) -> &str {
        self.authority.first().map(|arn| arn.trim()).unwrap_or_default()
    }
}

/// What to issue.
#[derive(Debug, Args)]
pub(crate) struct Issue {
    /// Whom the certificate is for.
    #[arg(long)]
    pub(crate) identity: SpiffeId,
    /// The folder for certificate and key; made if it is not there.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// The files' name without ending; default: the last part of the identity.
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// For how many days.
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..=30))]
    pub(crate) days: u32,
    #[command(flatten)]
    pub(crate) authority: Authority,
    #[command(flatten)]
    pub(crate) inventory: Inventory,
    /// Leave the inventory alone: the certificate is not found when its identity is revoked.
    #[arg(long)]
    pub(crate) no_inventory: bool,
}

/// Who.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Subject {
    /// One certificate, by its serial number: hex, either case, colons allowed.
    #[arg(long, value_name = "SERIAL")]
    pub(crate) serial: Option<SerialNumber>,
    /// Every certificate of this SPIFFE ID, now and until the denial is withdrawn.
    #[arg(long)]
    pub(crate) identity: Option<SpiffeId>,
    /// Everybody who comes through an endpoint of this account.
    #[arg(long)]
    pub(crate) account: Option<AccountId>,
}

/// Whether to wait for the effect.
#[derive(Debug, Args)]
pub(crate) struct Waiting {
    /// Wait until it is in force, and say how long that took.
    #[arg(long)]
    pub(crate) wait: bool,
    /// For so many seconds at most.
    #[arg(long, default_value_t = 2700, value_name = "SECONDS")]
    pub(crate) timeout: u64,
    /// The table of the deny list, for `--wait`.
    #[arg(long, env = "LINKWARD_DENY_LIST_TABLE", hide_env_values = true, value_name = "TABLE")]
    #[arg(default_value = "deny-list")]
    pub(crate) deny_list_table: String,
}

/// Whom to cut off, and why.
#[derive(Debug, Args)]
pub(crate) struct Revoke {
    #[command(flatten)]
    pub(crate) subject: Subject,
    /// Why, in ACM Private CA's words.
    #[arg(long, value_enum)]
    pub(crate) reason: Reason,
    /// Where it was decided.
    #[arg(long)]
    pub(crate) ticket: Option<String>,
    #[command(flatten)]
    pub(crate) authority: Authority,
    #[command(flatten)]
    pub(crate) inventory: Inventory,
    #[command(flatten)]
    pub(crate) waiting: Waiting,
    #[command(flatten)]
    pub(crate) sender: Sender,
    #[command(flatten)]
    pub(crate) consent: Consent,
}

/// Whom to let in again.
#[derive(Debug, Args)]
pub(crate) struct Restore {
    #[command(flatten)]
    pub(crate) subject: Subject,
    /// Where it was decided.
    #[arg(long)]
    pub(crate) ticket: Option<String>,
    #[command(flatten)]
    pub(crate) waiting: Waiting,
    #[command(flatten)]
    pub(crate) sender: Sender,
    #[command(flatten)]
    pub(crate) consent: Consent,
}

/// ACM Private CA's revocation reasons.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Reason {
    Unspecified,
    KeyCompromise,
    CertificateAuthorityCompromise,
    AffiliationChanged,
    Superseded,
    CessationOfOperation,
    PrivilegeWithdrawn,
    #[value(name = "a-a-compromise")]
    AaCompromise,
}

impl Reason {
    /// AWS's word.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Unspecified => "UNSPECIFIED",
            Self::KeyCompromise => "KEY_COMPROMISE",
            Self::CertificateAuthorityCompromise => "CERTIFICATE_AUTHORITY_COMPROMISE",
            Self::AffiliationChanged => "AFFILIATION_CHANGED",
            Self::Superseded => "SUPERSEDED",
            Self::CessationOfOperation => "CESSATION_OF_OPERATION",
            Self::PrivilegeWithdrawn => "PRIVILEGE_WITHDRAWN",
            Self::AaCompromise => "A_A_COMPROMISE",
        }
    }
}
