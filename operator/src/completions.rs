//! `linkward completions`.

use std::process::ExitCode;

use clap::CommandFactory as _;
use clap_complete::aot::{self, Generator};

use crate::cli::{Cli, Shell};
use crate::output;

/// Prints what the shell is to read.
pub(crate) fn completions(shell: Shell) -> ExitCode {
    let script = match shell {
        Shell::Bash => script(aot::Bash),
        Shell::Zsh => script(aot::Zsh),
        Shell::Fish => script(aot::Fish),
    };
    output::say(script.trim_end());
    ExitCode::SUCCESS
}

fn script(shell: impl Generator) -> String {
    let mut bytes = Vec::new();
    aot::generate(shell, &mut Cli::command(), "linkward", &mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}
