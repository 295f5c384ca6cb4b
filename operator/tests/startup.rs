//! The offline commands answer within 20 ms of being started. Of many starts the quickest counts: a busy machine is not the program's cost.

#![allow(clippy::unwrap_used, reason = "test code")]

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const WITHIN: Duration = Duration::from_millis(20);
const STARTS: usize = 200;

fn took(arguments: &[&str]) -> Duration {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let mut command = Command::new(env!("CARGO_BIN_EXE_linkward"));
    command.args(arguments).current_dir(fixtures).stdout(Stdio::null()).stderr(Stdio::null());
    let began = Instant::now();
    command.status().unwrap();
    began.elapsed()
}

#[test]
fn offline_commands_start_in_under_20_ms() {
    for arguments in [
        &["policy", "check", "access.yaml"][..],
        &["policy", "diff", "access.yaml", "access.new.yaml"],
        &["policy", "explain", "access.yaml", "--identity", "spiffe://internal.example/prod/ledger", "--path", "/x"],
        &["policy", "replay", "--policy", "access.new.yaml", "access.log"],
        &["policy", "test", "cases.yaml", "--policy", "access.yaml"],
        &["completions", "bash"],
    ] {
        let quickest = (0..STARTS).map(|_| took(arguments)).find(|took| *took < WITHIN);
        assert!(quickest.is_some(), "{arguments:?} never answered within {WITHIN:?}");
    }
}
