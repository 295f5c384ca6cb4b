//! Linkward's tool for operators: it sends events, reads tables, runs binaries, and asks the policy what it decides.
//!
//! Exit codes, for every command: 0 when everything is as asked; 1 when the answer is no (an invalid policy, a denied request, a red check, a
//! surprise on a game day); 2 when the question could not be asked (usage, a file that cannot be read, set-up impossible); 129, 130 and 143 when
//! ended by SIGHUP, SIGINT and SIGTERM.

mod access_log;
mod access_policy;
mod aws;
mod certificates;
mod cli;
mod completions;
mod consent;
mod demo;
mod doctor;
mod endpoints;
mod gameday;
mod gate;
mod output;

use std::process::ExitCode;

pub use cli::Cli;
use cli::{CertificatesCommand, Command, EndpointsCommand, PolicyCommand};
use output::Screen;

/// Runs one command to its end.
#[must_use]
pub fn run(cli: Cli) -> ExitCode {
    let screen = Screen::new(cli.output, cli.color);
    let outcome = match cli.command {
        Command::Demo(options) => demo::command(&options, cli.output, cli.color),
        Command::Policy(command) => policy(command, &screen),
        Command::Doctor(options) => doctor::command(&options, &screen),
        Command::Gameday(options) => gameday::command(&options, cli.output, cli.color),
        Command::Gate(options) => gate::command(&options, &screen),
        Command::Endpoints(EndpointsCommand::List(options)) => endpoints::list(&options, &screen),
        Command::Endpoints(EndpointsCommand::Sweep(sweep)) => endpoints::sweep(&sweep, &screen),
        Command::Certificates(command) => certificates(command, &screen),
        Command::Completions { shell } => Ok(completions::completions(shell)),
    };
    outcome.unwrap_or_else(|error| {
        output::complain(&format!("linkward: {error:#}"));
        ExitCode::from(2)
    })
}

fn policy(command: PolicyCommand, screen: &Screen) -> anyhow::Result<ExitCode> {
    match command {
        PolicyCommand::Check { file } => access_policy::check(&file, screen),
        PolicyCommand::Explain(question) => access_policy::explain(&question, screen),
        PolicyCommand::Diff(comparison) => access_policy::diff(&comparison, screen),
        PolicyCommand::Push(push) => access_policy::push(&push, screen),
        PolicyCommand::Replay(replay) => access_policy::replay(&replay, screen),
        PolicyCommand::Test(test) => access_policy::test(&test, screen),
    }
}

fn certificates(command: CertificatesCommand, screen: &Screen) -> anyhow::Result<ExitCode> {
    match command {
        CertificatesCommand::List(options) => certificates::list(&options, screen),
        CertificatesCommand::Issue(issue) => certificates::issue(&issue, screen),
        CertificatesCommand::Revoke(revoke) => certificates::revoke(&revoke, screen),
        CertificatesCommand::Restore(restore) => certificates::restore(&restore, screen),
    }
}
