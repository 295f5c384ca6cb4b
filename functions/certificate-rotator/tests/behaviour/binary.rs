//! The binary itself.

use std::process::{Command, Output};

const AUTHORITY: &str = "arn:aws:acm-pca:eu-west-1:111122223333:certificate-authority/1";

fn rotator(variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_certificate-rotator"));
    written::output(
        "certificate-rotator",
        command.env_clear().arg("--check").envs(variables.iter().copied()).output().unwrap(),
    )
}

#[test]
fn check_tells_everything_that_is_wrong_and_exits_2() {
    let output = rotator(&[
        ("LINKWARD_CERTIFICATE_LIFETIME", "90d"),
        ("LINKWARD_TRUST_DOMAIN", "Internal.example"),
        ("LINKWARD_TLS_TEST_ADDRES", "api.internal.example:443"),
    ]);
    assert_eq!(output.status.code(), Some(2));
    let lines = String::from_utf8(output.stderr).unwrap();
    for name in [
        "`LINKWARD_CERTIFICATE_AUTHORITY_ARNS` is not set",
        "`LINKWARD_CERTIFICATE_LIFETIME` is `90d`: a certificate is valid for 7 to 30 days",
        "`LINKWARD_TRUST_DOMAIN` is `Internal.example`",
        "LINKWARD_TLS_TEST_ADDRESS`?",
    ] {
        assert!(lines.contains(name), "{lines}");
    }
    assert_eq!(lines.lines().count(), 4, "{lines}");
}

#[test]
fn check_of_a_right_configuration_is_silent() {
    let output =
        rotator(&[("LINKWARD_CERTIFICATE_AUTHORITY_ARNS", AUTHORITY), ("LINKWARD_TRUST_DOMAIN", "internal.example")]);
    assert_eq!((output.status.code(), output.stderr), (Some(0), Vec::new()));
}
