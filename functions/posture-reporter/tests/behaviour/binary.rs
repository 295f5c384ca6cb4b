//! The binary itself.

use std::process::{Command, Output};

fn reporter(arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_posture-reporter"));
    written::output(
        "posture-reporter",
        command.env_clear().args(arguments).envs(variables.iter().copied()).output().unwrap(),
    )
}

#[test]
fn check_tells_everything_that_is_wrong_and_exits_2() {
    let output = reporter(
        &["--check"],
        &[("LINKWARD_CRL_LOCATIONS", "s3://crls/ca.crl, ftp://crls/ca.crl"), ("LINKWARD_DENY_LIST_TABEL", "x")],
    );
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    for words in ["`ftp://crls/ca.crl` names no remote object", "LINKWARD_DENY_LIST_TABLE`?"] {
        assert!(said.contains(words), "{said}");
    }
}

#[test]
fn check_of_a_right_configuration_is_silent() {
    let right = [
        ("LINKWARD_CRL_LOCATIONS", "s3://crls/ca.crl,https://crl.internal.example/ca.crl"),
        ("LINKWARD_SERVICE_IDS", "another function's"),
    ];
    let output = reporter(&["--check"], &right);
    assert_eq!((output.status.code(), output.stderr.len()), (Some(0), 0));
}
