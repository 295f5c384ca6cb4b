//! The `linkward` command-line tool.

use clap::Parser as _;

fn main() -> std::process::ExitCode {
    linkward::run(linkward::Cli::parse())
}
