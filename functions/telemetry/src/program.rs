//! What every function's `main` does.

use std::fmt::Display;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::{ConfigurationError, Environment, logs};

const ADVICE: &str = "run without arguments in Lambda, or with `--check` to check the LINKWARD_* variables";

/// The folder of the executable: what a function's package holds beside it, a policy file or a key, is found there.
#[must_use]
pub fn package() -> PathBuf {
    let executable = std::env::current_exe().unwrap_or_default();
    executable.parent().map(Path::to_path_buf).unwrap_or_default()
}

/// Runs a function: reads its configuration, then `run`s it. With `--check` the configuration is only checked.
///
/// The exit code is 2 for a wrong configuration or argument, which stderr explains, and 1 for a runtime that ended.
pub async fn program<C, E: Display>(
    function: &str,
    read: impl FnOnce(Environment) -> Result<C, ConfigurationError>,
    run: impl AsyncFnOnce(C) -> Result<(), E>,
) -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let check = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => false,
        ["--check"] => true,
        _ => return misused(&format!("{function}: `{}` is not understood; {ADVICE}", arguments.join(" "))),
    };
    let configuration = match read(Environment::of_process()) {
        Ok(configuration) => configuration,
        Err(error) => return misused(&error.to_string()),
    };
    if check {
        return ExitCode::SUCCESS;
    }
    logs::start(function);
    match run(configuration).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "the runtime has ended");
            ExitCode::FAILURE
        }
    }
}

fn misused(message: &str) -> ExitCode {
    // Nobody is left to be told when stderr is closed.
    let _ = writeln!(std::io::stderr(), "{message}");
    ExitCode::from(2)
}
