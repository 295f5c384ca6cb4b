//! The tour of `docs/operating.md`: every `console` block prints what stands below its commands. `LINKWARD_BLESS=1` writes it anew.

#![allow(clippy::unwrap_used, reason = "test code")]

use std::path::Path;
use std::process::Command;

/// What a command prints, on both streams, as a person in `tests/fixtures` would see it.
fn run(command: &str) -> String {
    let words = command.strip_prefix("linkward ").unwrap().split_whitespace();
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let output = Command::new(env!("CARGO_BIN_EXE_linkward")).args(words).current_dir(fixtures).output().unwrap();
    let output = ::written::output("linkward", output);
    let text = |bytes| String::from_utf8(bytes).unwrap();
    text(output.stdout) + &text(output.stderr)
}

/// The document with the output of each command as it is now, and how many commands there are.
fn played(document: &str) -> (String, usize) {
    let (mut text, mut commands, mut in_block) = (String::new(), 0, false);
    for line in document.lines() {
        if line == "```" && in_block {
            in_block = false;
        }
        match line.strip_prefix("$ ").filter(|_| in_block) {
            Some(command) => {
                commands += 1;
                text += &format!("{line}\n{}", run(command));
            }
            None if in_block => {}
            None => text += &format!("{line}\n"),
        }
        in_block |= line == "```console";
    }
    (text, commands)
}

#[test]
fn the_tour_prints_what_it_says() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/operating.md");
    let written = std::fs::read_to_string(&file).unwrap();
    let (played, commands) = played(&written);
    if std::env::var_os("LINKWARD_BLESS").is_some() {
        std::fs::write(&file, &played).unwrap();
        return;
    }
    assert!(commands > 5, "{commands} commands");
    assert!(played == written, "docs/operating.md is not what the commands print; they print:\n{played}");
}
