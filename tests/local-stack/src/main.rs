//! `local-stack`: the local AWS as a command.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command: it talks to people and shells")]

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Parser;
use local_stack::{LocalStack, LocalStackOptions, Progress};
use tokio::process::Command;
use tokio::signal::unix::{SignalKind, signal};

/// Starts a local AWS, prints how to reach it, and ends it on Ctrl-C; or runs a command in it.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// The Region.
    #[arg(long, default_value = "eu-west-1")]
    region: String,
    /// The account that the printed variables act in.
    #[arg(long, default_value = local_stack::Account::PROVIDER)]
    account: String,
    /// Where the emulators' logs go and stay.
    #[arg(long)]
    logs: Option<PathBuf>,
    /// A command to run with the variables set; the stack ends with it.
    #[arg(trailing_var_arg = true)]
    command: Vec<String>,
}

#[tokio::main]
async fn main() -> ExitCode {
    until_ended(&Arguments::parse()).await.unwrap_or_else(|error| {
        eprintln!("local-stack: {error:#}");
        ExitCode::FAILURE
    })
}

async fn until_ended(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for signals")?;
    tokio::select! {
        code = run(arguments) => code,
        _ = tokio::signal::ctrl_c() => Ok(ExitCode::SUCCESS),
        _ = terminate.recv() => Ok(ExitCode::SUCCESS),
    }
}

/// Interrupted anywhere, it drops what it has started.
async fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let progress = Progress::new(|step| eprintln!("{step}"));
    let (region, logs) = (arguments.region.clone(), arguments.logs.clone());
    let stack = LocalStack::start(LocalStackOptions { region, logs, progress, ..LocalStackOptions::default() }).await?;
    let variables = stack.env(&stack.account(&arguments.account));
    let Some((program, rest)) = arguments.command.split_first() else {
        variables.iter().for_each(|(name, value)| println!("export {name}={value}"));
        println!("# faults, calls and settings of EC2 and PCA: {}/_local/", stack.ec2_endpoint());
        println!("# logs: {}", stack.logs().display());
        return std::future::pending().await;
    };
    let mut command = Command::new(program);
    let status = command.args(rest).envs(variables).kill_on_drop(true).status().await;
    let status = status.with_context(|| format!("cannot run `{program}`"))?;
    stack.stop().await;
    Ok(ExitCode::from(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1)))
}
