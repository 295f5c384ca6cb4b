//! The binary itself.

use std::process::{Command, Output};

use crate::stage::{AUTHORITY, OLD_AUTHORITY};

fn revoker(variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_certificate-revoker"));
    written::output(
        "certificate-revoker",
        command.env_clear().arg("--check").envs(variables.iter().copied()).output().unwrap(),
    )
}

#[test]
fn check_tells_everything_that_is_wrong_and_exits_2() {
    let output = revoker(&[("LINKWARD_MODE", "dry"), ("LINKWARD_DENY_LIST_TABEL", "deny-list")]);
    assert_eq!(output.status.code(), Some(2));
    let lines = String::from_utf8(output.stderr).unwrap();
    for name in ["LINKWARD_CERTIFICATE_AUTHORITY_ARNS", "LINKWARD_MODE", "LINKWARD_DENY_LIST_TABLE`?"] {
        assert!(lines.contains(name), "{lines}");
    }
    assert_eq!(lines.lines().count(), 3, "{lines}");
}

#[test]
fn check_of_a_right_configuration_is_silent() {
    let output = revoker(&[("LINKWARD_CERTIFICATE_AUTHORITY_ARNS", &format!("{AUTHORITY}, {OLD_AUTHORITY}"))]);
    assert_eq!((output.status.code(), output.stderr), (Some(0), Vec::new()));
}
