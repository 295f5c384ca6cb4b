//! What a demo that is kept offers: commands for a person, and the files they need.

use std::path::PathBuf;

use super::certificates::{Credentials, SERVER_NAME};
use super::consumers::BILLING;
use super::gate::Certificates;
use super::nlb::Nlb;
use super::provider::configuration;
use super::story::Stage;

impl Stage {
    /// Commands for a person who wants to see for themselves.
    pub(crate) fn things_to_try(&self) -> anyhow::Result<String> {
        let curl = |who: &Credentials, through: &Nlb, path: &str| {
            let (port, root) = (through.address.port(), self.gate.certificates.root.display());
            let (chain, key) = (who.chain.display(), who.key.display());
            format!(
                "  curl -sS --resolve {SERVER_NAME}:{port}:127.0.0.1 --cacert {root} \\\n      --cert {chain} --key {key} \\\n      https://{SERVER_NAME}:{port}{path}\n"
            )
        };
        let Certificates { orders, ledger, .. } = &self.gate.certificates;
        let (billing, shipping) = (&self.gate.billing, &self.gate.shipping);
        Ok([
            "\nStill running; Ctrl-C ends it and cleans up. In another terminal:\n".to_owned(),
            "\n  # permitted\n".to_owned(),
            curl(ledger, billing, "/v1/invoices/42"),
            "  # denied: 403 noMatchingRule; 403 accountMismatch, through the other account's endpoint; a refused handshake\n".to_owned(),
            curl(ledger, billing, "/v1/payments"),
            curl(ledger, shipping, "/v1/invoices/42"),
            curl(orders, billing, "/v1/invoices/42"),
            format!("  # what the gate saw, and how it is\n  tail -f {}\n", self.gate.runtime.access_log.display()),
            format!("  curl -sS http://{}/status        # or / in a browser, or /metrics\n", self.gate.runtime.admin),
            format!("  # this tool, in the provider's account\n  set -a; . {}; set +a\n", self.environment()?.display()),
            "  linkward doctor\n  linkward endpoints list\n  linkward certificates list\n".to_owned(),
            format!(
                "  # and in a consumer's\n  AWS_ACCESS_KEY_ID={BILLING} linkward doctor --from consumer --endpoint {}\n",
                self.consumers.billing
            ),
        ]
        .concat())
    }

    /// A file with the variables of AWS's SDKs and of the functions, for a shell to read.
    fn environment(&self) -> anyhow::Result<PathBuf> {
        let stack = &self.ground.stack;
        let own = configuration(&self.provider).map(|(name, value)| (name.to_owned(), value));
        let lines =
            stack.env(&stack.provider()).into_iter().chain(own).map(|(name, value)| format!("{name}={value}\n"));
        let file = self.ground.folder.join("environment");
        std::fs::write(&file, lines.collect::<String>())?;
        Ok(file)
    }
}
