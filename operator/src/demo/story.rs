//! The story, in order. It says nothing of how; each step has a file.

use super::Ending;
use super::calls;
use super::certificates::{Credentials, SERVER_NAME};
use super::consumers;
use super::gate::{self, Certificates, Gate};
use super::ground::{self, Ground, RUNTIME};
use super::metrics;
use super::nlb::Nlb;
use super::provider;
use super::report::{Report, Stopped};
use super::revocation;

/// How it went, and what still runs.
#[derive(Debug)]
pub(crate) struct Played {
    pub(crate) ending: Ending,
    pub(crate) stage: Option<Stage>,
}

/// Everything that runs. The gate goes before the ground it stands on.
#[derive(Debug)]
pub(crate) struct Stage {
    gate: Gate,
    _ground: Ground,
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
    metrics::read(stack, report).await.unwrap_or(());
    Ok(Stage { gate, _ground: ground })
}

impl Stage {
    /// Commands for a person who wants to see for themselves.
    pub(crate) fn things_to_try(&self) -> String {
        let curl = |who: &Credentials, through: &Nlb, path: &str| {
            let (port, root) = (through.address.port(), self.gate.certificates.root.display());
            let (chain, key) = (who.chain.display(), who.key.display());
            format!(
                "  curl -sS --resolve {SERVER_NAME}:{port}:127.0.0.1 --cacert {root} \\\n      --cert {chain} --key {key} \\\n      https://{SERVER_NAME}:{port}{path}\n"
            )
        };
        let Certificates { orders, ledger, .. } = &self.gate.certificates;
        let (billing, shipping) = (&self.gate.billing, &self.gate.shipping);
        [
            "\nStill running; Ctrl-C ends it and cleans up. In another terminal:\n".to_owned(),
            "\n  # permitted\n".to_owned(),
            curl(ledger, billing, "/v1/invoices/42"),
            "  # denied: 403 noMatchingRule; 403 accountMismatch, through the other account's endpoint; a refused handshake\n".to_owned(),
            curl(ledger, billing, "/v1/payments"),
            curl(ledger, shipping, "/v1/invoices/42"),
            curl(orders, billing, "/v1/invoices/42"),
            format!("  # what the gate saw, and how it is\n  tail -f {}\n", self.gate.runtime.access_log.display()),
            format!("  curl -sS http://{}/status        # or / in a browser, or /metrics\n", self.gate.runtime.admin),
        ]
        .concat()
    }
}
