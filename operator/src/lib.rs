//! Linkward's tool for operators: it sends events, reads tables, runs binaries, and asks the policy what it decides.
//!
//! Exit codes, for every command: 0 when everything is as asked; 1 when the answer is no (an invalid policy, a denied request, a step of the
//! demo that surprised); 2 when the question could not be asked (usage, a file that cannot be read, set-up impossible); 129, 130 and 143 when
//! ended by SIGHUP, SIGINT and SIGTERM.

mod access_policy;
mod cli;
mod demo;
mod output;

use std::process::ExitCode;

pub use cli::Cli;
use cli::{Command, PolicyCommand};

/// Runs one command to its end.
#[must_use]
pub fn run(cli: Cli) -> ExitCode {
    let outcome = match cli.command {
        Command::Demo(options) => demo::command(&options, cli.output),
        Command::Policy(PolicyCommand::Check { file }) => access_policy::check(&file, cli.output),
        Command::Policy(PolicyCommand::Explain(question)) => access_policy::explain(&question, cli.output),
    };
    outcome.unwrap_or_else(|error| {
        output::complain(&format!("linkward: {error:#}"));
        ExitCode::from(2)
    })
}
