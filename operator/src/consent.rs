//! The question before what cannot be taken back.

use std::io::{BufRead as _, IsTerminal as _, Write as _};

use anyhow::bail;

use crate::cli::Consent;

/// Whether to go on: `--yes`, or a person who says so.
pub(crate) fn given(consent: Consent, question: &str) -> anyhow::Result<bool> {
    if consent.yes {
        return Ok(true);
    }
    if !std::io::stdin().is_terminal() {
        bail!("{question} Nobody is here to ask: add `--yes`");
    }
    write!(std::io::stderr(), "{question} [y/N] ")?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}
