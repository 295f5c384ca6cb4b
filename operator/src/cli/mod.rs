//! What can be asked on the command line.

mod aws;
mod certificates;
mod doctor;
mod endpoints;
mod gameday;
mod policy;

use clap::{Args, Parser, Subcommand};

pub(crate) use self::aws::{Consent, Sender};
pub(crate) use self::certificates::{CertificateList, CertificatesCommand, Issue, Restore, Revoke, Subject, Waiting};
pub(crate) use self::doctor::{CallOptions, DoctorOptions, ProviderSide, Side};
pub(crate) use self::endpoints::{EndpointList, EndpointsCommand, Sweep};
pub(crate) use self::gameday::GamedayOptions;
pub(crate) use self::policy::{Comparison, PolicyCommand, Push, Question, Replay, Test};
use crate::gate::{self, GateOptions};
use crate::output::{Color, Output};

/// Zero-trust for internal APIs across AWS accounts: the operator's tool.
#[derive(Debug, Parser)]
#[command(name = "linkward", version, propagate_version = true, after_help = HELP)]
pub struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
    /// Tables and sentences for people, or one JSON document on standard output.
    #[arg(long, global = true, value_enum, default_value_t = Output::Human, display_order = 900)]
    pub(crate) output: Output,
    // Behind what a command asks for itself, however many commands there are.
    /// Whether words for people are coloured; with `auto` on a terminal, unless `NO_COLOR` is set.
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto, display_order = 901)]
    pub(crate) color: Color,
}

const HELP: &str = "\
Exit code: 0 as asked, 1 the answer is no, 2 the question could not be asked; 129, 130, 143 ended by SIGHUP, SIGINT, SIGTERM.

Examples:
  linkward policy check access.yaml
  linkward policy diff access.yaml access.new.yaml
  linkward gate plan.json
  linkward demo";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Play the whole story against a local AWS: two gates, a stolen certificate, a live revocation.
    #[command(after_help = DEMO_HELP)]
    Demo(DemoOptions),
    /// Read, question, compare and try an access policy.
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// Look at everything a call passes and the gates stand on, and say what to do; from either account.
    #[command(after_help = doctor::HELP)]
    Doctor(Box<DoctorOptions>),
    /// Play what goes wrong, and see the gates hold: ten scenarios under load, with a report.
    #[command(after_help = gameday::HELP)]
    Gameday(Box<GamedayOptions>),
    /// Say whether a Terraform plan keeps to the rules: before it is applied.
    #[command(after_help = gate::HELP)]
    Gate(GateOptions),
    /// List endpoint connections, and have the approver look at them.
    #[command(subcommand)]
    Endpoints(EndpointsCommand),
    /// List, issue and revoke certificates.
    #[command(subcommand)]
    Certificates(CertificatesCommand),
    /// Print the completions for a shell.
    #[command(after_help = COMPLETIONS_HELP)]
    Completions {
        /// For which shell.
        #[arg(value_enum)]
        shell: Shell,
    },
}

/// The shells that completions are made for.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(crate) enum Shell {
    Bash,
    Zsh,
    Fish,
}

const DEMO_HELP: &str = "\
Needs a checkout of Linkward, cargo and python3; everything else it sets up itself, on loopback only.
Exit code: 0 every step did what it says, 1 a step surprised, 2 set-up impossible.

Examples:
  linkward demo
  linkward demo --keep
  linkward demo --output json > story.json";

const COMPLETIONS_HELP: &str = "\
Examples:
  linkward completions bash > /etc/bash_completion.d/linkward
  linkward completions zsh > ~/.zfunc/_linkward
  linkward completions fish > ~/.config/fish/completions/linkward.fish";

/// How to play the demo.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct DemoOptions {
    /// Leave everything running after the last step, print commands to try, and clean up on Ctrl-C.
    #[arg(long)]
    pub(crate) keep: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    /// The last commands of every path, with their names.
    fn commands(command: &clap::Command, path: &str) -> Vec<(String, String)> {
        let name = format!("{path} {}", command.get_name());
        let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        let mut below: Vec<_> = command.get_subcommands().flat_map(|command| commands(command, &name)).collect();
        if below.is_empty() {
            below.push((name.trim().to_owned(), help));
        }
        below
    }

    /// What follows `linkward` in the lines of a text, one command each; what is continued on the next line is joined.
    fn commands_in(text: &str) -> Vec<String> {
        let text = text.replace("\\\n", " ");
        let parts = text.lines().flat_map(|line| line.split(['|', '&', '>', '`']).map(str::trim).collect::<Vec<_>>());
        parts.filter(|part| part.starts_with("linkward ")).map(str::to_owned).collect()
    }

    #[test]
    fn every_example_is_a_command_that_is_understood() {
        let help = commands(&Cli::command(), "");
        let tour = include_str!("../../../docs/operating.md");
        let blocks = tour.split("```").skip(1).step_by(2).filter(|block| block.starts_with("sh\n"));
        let examples = help.iter().filter_map(|(_, help)| help.split_once("Example")).map(|(_, examples)| examples);
        let mut seen = 0;
        for command in examples.chain(blocks).flat_map(commands_in) {
            let words = command.replace('*', "x");
            let parsed = Cli::try_parse_from(words.split_whitespace());
            let missing = parsed.as_ref().err().map(clap::Error::kind);
            // The authority's ARN comes from the environment in most examples.
            let complete = missing.is_none_or(|kind| {
                kind == clap::error::ErrorKind::MissingRequiredArgument
                    && [" issue ", " revoke "].iter().any(|word| command.contains(word))
            });
            assert!(complete, "{command}: {parsed:?}");
            seen += 1;
        }
        assert!(seen > 25, "{seen} examples");
    }

    #[test]
    fn every_command_has_an_example_in_its_help() {
        for (name, help) in commands(&Cli::command(), "") {
            assert!(help.contains("Example") && help.contains(&name), "{name}: {help}");
        }
    }
}
