//! On a real terminal there is colour, unless `NO_COLOR` is set or the terminal is dumb; in a pipe there is none.

#![allow(clippy::unwrap_used, reason = "test code")]

use std::path::Path;
use std::process::Command;

/// Runs the tool on a terminal of its own, and gives what the terminal was sent.
const ON_A_TERMINAL: &str = "import pty, sys; sys.exit(0 if pty.spawn(sys.argv[1:]) >= 0 else 1)";

fn on_a_terminal(variables: &[(&str, &str)]) -> String {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let explain = ["policy", "explain", "access.yaml", "--identity", "spiffe://internal.example/prod/orders-api"];
    let output = Command::new("python3")
        .args(["-c", ON_A_TERMINAL, env!("CARGO_BIN_EXE_linkward")])
        .args(explain)
        .args(["--path", "/v1/invoices/42", "--account", "123456789012"])
        .current_dir(fixtures)
        .env_remove("NO_COLOR")
        .env("TERM", "xterm")
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let output = written::output("linkward", output);
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn colour_is_for_terminals_that_want_it() {
    let told = on_a_terminal(&[]);
    assert!(told.contains("\u{1b}[32mallow: permitted, rule `read-invoices`\u{1b}[0m"), "{told:?}");
    for variables in [&[("NO_COLOR", "1")][..], &[("TERM", "dumb")]] {
        let told = on_a_terminal(variables);
        assert!(told.contains("allow: permitted") && !told.contains('\u{1b}'), "{variables:?}: {told:?}");
    }
    // An empty NO_COLOR counts for nothing: <https://no-color.org>.
    assert!(on_a_terminal(&[("NO_COLOR", "")]).contains('\u{1b}'));
}
