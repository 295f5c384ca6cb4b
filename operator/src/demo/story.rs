//! The story, in order. It says nothing of how; each step has a file.

use super::Ending;
use super::calls;
use super::consumers::{self, Consumers};
use super::gate::{self, Gate};
use super::ground::{self, Ground, RUNTIME};
use super::metrics;
use super::provider::{self, Provider};
use super::report::{Report, Stopped};
use super::revocation;
use super::rotation;

/// How it went, and what still runs.
#[derive(Debug)]
pub(crate) struct Played {
    pub(crate) ending: Ending,
    pub(crate) stage: Option<Stage>,
}

/// Everything that runs. The gate goes before the ground it stands on.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(super) gate: Gate,
    pub(super) provider: Provider,
    pub(super) consumers: Consumers,
    pub(super) ground: Ground,
}

/// Plays it from the beginning.
pub(crate) async fn play(report: &mut Report) -> Played {
    let Ok(ground) = ground::prepare(report).await else {
        return Played { ending: Ending::SetUpImpossible, stage: None };
    };
    let stage = acts(ground, report).await.ok();
    let ending = if report.ok() && stage.is_some() { Ending::Played } else { Ending::Surprised };
    Played { ending, stage }
}

async fn acts(ground: Ground, report: &mut Report) -> Result<Stage, Stopped> {
    let stack = &ground.stack;
    let provider = provider::build(stack, &ground.root, &ground.binaries, report).await?;
    let consumers = consumers::connect(stack, &provider, report).await?;
    let binary = ground.binaries.get(RUNTIME).ok_or(Stopped)?;
    let gate = gate::open(stack, &provider, &consumers, binary, &ground.folder, report).await?;
    if let Ok(serial) = calls::make(&gate, report).await {
        revocation::revoke(stack, &provider, &gate, &serial, report).await.unwrap_or(());
    }
    rotation::rotate(stack, &provider, &gate, report).await.unwrap_or(());
    metrics::read(stack, report).await.unwrap_or(());
    Ok(Stage { gate, provider, consumers, ground })
}
