//! What several commands that ask AWS share. The variables are those of the functions.

use clap::Args;

/// Who asks, and on which bus.
#[derive(Debug, Args)]
pub(crate) struct Sender {
    /// The event bus.
    #[arg(long, env = "LINKWARD_EVENT_BUS", hide_env_values = true, default_value = "linkward", value_name = "NAME")]
    pub(crate) event_bus: String,
    /// Who asks, for the record; default: the name of the user.
    #[arg(long, env = "LINKWARD_REQUESTED_BY", hide_env_values = true, value_name = "NAME")]
    requested_by: Option<String>,
}

impl Sender {
    /// The name that goes into the record.
    pub(crate) fn requested_by(&self) -> anyhow::Result<String> {
        let user = || ["USER", "LOGNAME"].into_iter().find_map(|name| std::env::var(name).ok());
        let name = self.requested_by.clone().or_else(user).filter(|name| !name.trim().is_empty());
        name.ok_or_else(|| anyhow::anyhow!("nobody is named as asking: add `--requested-by NAME`"))
    }
}

/// The consent to what cannot be taken back.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Consent {
    /// Do not ask.
    #[arg(long, short = 'y')]
    pub(crate) yes: bool,
}
