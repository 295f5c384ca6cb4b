//! `linkward demo`: the whole story on one machine, against a local AWS that is not ours.
//!
//! Nothing in it is a stand-in but the load balancer and the API behind the gate: real Lambda processes, a real event bus with the rules of
//! `events/`, real TLS, real tables, a real certificate authority. Everything listens on loopback and goes when the demo ends, however it ends.

mod calls;
pub(crate) mod certificates;
pub(crate) mod client;
pub(crate) mod consumers;
pub(crate) mod gate;
pub(crate) mod ground;
pub(crate) mod interrupt;
mod metrics;
pub(crate) mod nlb;
mod plumbing;
pub(crate) mod provider;
pub(crate) mod report;
mod revocation;
mod rotation;
pub(crate) mod runtime;
mod story;
mod things_to_try;
mod upstream;
pub(crate) mod wait;
mod workspace;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;

use crate::cli::DemoOptions;
use crate::output::{Color, Output};
use interrupt::{Interrupted, Interrupts};
use report::Report;

/// How long the rest of the process may take once the story is over and cleaned up.
const AFTERWARDS: Duration = Duration::from_secs(1);

/// How the demo ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    /// Every step did what it says.
    Played,
    /// A step surprised.
    Surprised,
    /// The machine lacks something, and the story did not begin.
    SetUpImpossible,
    /// A signal ended it.
    Interrupted(Interrupted),
}

impl Ending {
    /// For machines.
    fn name(self) -> &'static str {
        match self {
            Self::Played => "played",
            Self::Surprised => "surprised",
            Self::SetUpImpossible => "setUpImpossible",
            Self::Interrupted(_) => "interrupted",
        }
    }

    fn sentence(self) -> &'static str {
        match self {
            Self::Played => "Every step did what it says.",
            Self::Surprised => "A step surprised; see above.",
            Self::SetUpImpossible => "The story could not begin; see above.",
            Self::Interrupted(_) => "Interrupted; everything was cleaned up.",
        }
    }

    fn exit_code(self) -> ExitCode {
        match self {
            Self::Played => ExitCode::SUCCESS,
            Self::Surprised => ExitCode::from(1),
            Self::SetUpImpossible => ExitCode::from(2),
            Self::Interrupted(signal) => ExitCode::from(signal.exit_code()),
        }
    }
}

/// Plays the story and tells it; Ctrl-C ends it at any point. Nothing is left when this returns.
pub(crate) fn command(options: &DemoOptions, output: Output, color: Color) -> anyhow::Result<ExitCode> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().context("no threads for the demo")?;
    let ending = runtime.block_on(run(options, Report::new(output, color)))?;
    runtime.shutdown_timeout(AFTERWARDS);
    Ok(ending.exit_code())
}

async fn run(options: &DemoOptions, mut report: Report) -> anyhow::Result<Ending> {
    let mut interrupts = Interrupts::listen().context("signals cannot be caught")?;
    let played = tokio::select! {
        signal = interrupts.next() => Err(signal),
        played = story::play(&mut report) => Ok(played),
    };
    let (ending, stage) = match played {
        Err(signal) => (Ending::Interrupted(signal), None),
        Ok(story::Played { ending, stage }) => (ending, stage),
    };
    if let (Some(stage), true) = (&stage, options.keep) {
        report.lines(&stage.things_to_try()?);
        interrupts.next().await;
    }
    drop(stage);
    report.end(ending.name(), ending.sentence(), ending == Ending::Played);
    Ok(ending)
}
