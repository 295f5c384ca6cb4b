//! Before the story: what the machine must have, the binaries, and the local AWS.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::Context as _;
use local_stack::{LocalStack, LocalStackOptions, build};

use super::provider::FUNCTIONS;
use super::report::{Progress, Report, Step, Stopped};
use super::workspace;

/// The runtime's binary.
pub(crate) const RUNTIME: &str = "api-runtime";

/// What the story stands on. Dropping it ends the local AWS.
#[derive(Debug)]
pub(crate) struct Ground {
    pub(crate) root: PathBuf,
    pub(crate) binaries: BTreeMap<String, PathBuf>,
    pub(crate) stack: LocalStack,
    /// For keys, configuration and logs; for its owner's eyes only, and gone with the stack.
    pub(crate) folder: PathBuf,
}

/// Makes it all, or says what is missing.
pub(crate) async fn prepare(report: &mut Report) -> Result<Ground, Stopped> {
    report.chapter("Set-up");
    let progress = Progress::default();
    let step = Step { name: "machine", title: "what this machine must have" };
    let root = report.step(step, &progress, machine()).await?;
    let step = Step { name: "localAws", title: "a local AWS" };
    let (stack, folder) = report.step(step, &progress, local_aws(&progress)).await?;
    // The first build takes minutes: what can fail at once has been tried by now.
    let step = Step { name: "binaries", title: "four functions and the runtime, built by cargo" };
    let binaries = report.step(step, &progress, binaries(&progress)).await?;
    Ok(Ground { root, binaries, stack, folder })
}

async fn machine() -> anyhow::Result<(PathBuf, String)> {
    let root = workspace::root()?;
    // Who was started by cargo has it, in the path or not.
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let cargo = workspace::program(&cargo, "install Rust from https://rustup.rs, and run the demo again").await?;
    let remedy = "install Python 3.10 or newer with venv, and run the demo again";
    let python = workspace::program("python3".as_ref(), remedy).await?;
    let told = format!("{cargo}; {python}; checkout {}", root.display());
    Ok((root, told))
}

async fn binaries(progress: &Progress) -> anyhow::Result<(BTreeMap<String, PathBuf>, String)> {
    let names = [&FUNCTIONS[..], &[RUNTIME]].concat();
    let binaries = build::binaries(&names, &told_to(progress)).await.context("the binaries could not be built")?;
    Ok((binaries, names.join(", ")))
}

async fn local_aws(progress: &Progress) -> anyhow::Result<((LocalStack, PathBuf), String)> {
    let options = LocalStackOptions { progress: told_to(progress), ..LocalStackOptions::default() };
    let stack = LocalStack::start(options).await.context("the local AWS did not start")?;
    let told =
        format!("ministack at {}, moto at {}, region {}", stack.endpoint(), stack.ec2_endpoint(), stack.region());
    let folder = stack.folder().join("demo");
    std::fs::create_dir(&folder)?;
    Ok(((stack, folder), told))
}

fn told_to(progress: &Progress) -> local_stack::Progress {
    let progress = progress.clone();
    local_stack::Progress::new(move |words| progress.at(words))
}
