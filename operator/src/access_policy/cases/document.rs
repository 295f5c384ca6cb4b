//! The file of cases.

use std::borrow::Cow;
use std::path::Path;

use anyhow::{Context as _, bail};
use policy::access::Effect;
use policy::{AccountId, SpiffeId, Timestamp};
use serde::Deserialize;

/// The whole file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Cases {
    pub(super) version: u32,
    pub(super) cases: Vec<Case>,
}

/// A request, and what should come of it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Case {
    #[serde(default)]
    name: Option<String>,
    pub(super) identity: SpiffeId,
    #[serde(default)]
    pub(super) account: Option<AccountId>,
    #[serde(default = "get")]
    pub(super) method: String,
    pub(super) path: String,
    /// Now if left out.
    #[serde(default)]
    pub(super) at: Option<Timestamp>,
    pub(super) expect: Expectation,
    #[serde(default)]
    pub(super) reason: Option<String>,
    #[serde(default)]
    pub(super) rule: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Expectation {
    Allow,
    Deny,
}

impl Expectation {
    pub(super) fn effect(self) -> Effect {
        match self {
            Self::Allow => Effect::Allow,
            Self::Deny => Effect::Deny,
        }
    }
}

fn get() -> String {
    "GET".to_owned()
}

impl Case {
    /// Its name, or the request.
    pub(super) fn title(&self) -> Cow<'_, str> {
        match &self.name {
            Some(name) => Cow::Borrowed(name),
            None => Cow::Owned(format!("{} {}", self.method, self.path)),
        }
    }
}

/// Reads a file of cases: YAML, and so JSON too.
pub(super) fn read(file: &Path) -> anyhow::Result<Cases> {
    let name = file.display();
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read `{name}`"))?;
    let cases: Cases = serde_saphyr::from_str(&text).map_err(|error| {
        let place = error.location().map(|at| format!(":{}:{}", at.line(), at.column())).unwrap_or_default();
        let message = error.without_snippet().to_string();
        let first = message.lines().next().unwrap_or_default();
        // It says where by itself, in other words than everybody else here.
        anyhow::anyhow!("{name}{place}: {}", first.split(" at line ").next().unwrap_or(first))
    })?;
    if cases.version != 1 {
        bail!("{name}: version {} is not known, this build reads version 1", cases.version);
    }
    Ok(cases)
}
