//! Where words go: answers to standard output, complaints to standard error.

use std::io::Write as _;

use clap::ValueEnum;

/// For whom the answer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// People.
    Human,
    /// Machines: one JSON document.
    Json,
}

/// Writes one line to standard output. A reader that went away (`linkward … | head`) is no error of ours.
pub(crate) fn say(line: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}

/// Writes what is wrong to standard error.
pub(crate) fn complain(lines: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{lines}");
}

/// Prints a JSON document.
pub(crate) fn say_json(document: &serde_json::Value) {
    say(&format!("{document:#}"));
}

/// Whether escape sequences belong on this stream: a terminal that can, and a person who has not set `NO_COLOR`.
pub(crate) fn colour(stream: &impl std::io::IsTerminal) -> bool {
    live(stream) && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Whether a line can be written over.
pub(crate) fn live(stream: &impl std::io::IsTerminal) -> bool {
    stream.is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}
