//! The binary itself.

use std::process::{Command, Output};

fn approver(arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_endpoint-approver"));
    written::output(
        "endpoint-approver",
        command.env_clear().args(arguments).envs(variables.iter().copied()).output().unwrap(),
    )
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn check_tells_everything_that_is_wrong_and_exits_2() {
    let output = approver(&["--check"], &[("LINKWARD_MAX_REMOVALS", "many"), ("LINKWARD_REMOVAL_GRACES", "1h")]);
    assert_eq!(output.status.code(), Some(2));
    let lines = said(&output);
    for name in ["LINKWARD_POLICY_SOURCE", "LINKWARD_SERVICE_IDS", "LINKWARD_MAX_REMOVALS", "LINKWARD_REMOVAL_GRACE`?"]
    {
        assert!(lines.contains(name), "{lines}");
    }
    assert_eq!(lines.lines().count(), 4, "{lines}");
}

#[test]
fn check_of_a_right_configuration_is_silent() {
    let right = [
        ("LINKWARD_POLICY_SOURCE", "dynamodb:access-policy"),
        ("LINKWARD_SERVICE_IDS", "vpce-svc-0123456789abcdef0, vpce-svc-1"),
        ("LINKWARD_CERTIFICATE_AUTHORITY_ARNS", "another function's"),
    ];
    let output = approver(&["--check"], &right);
    assert_eq!((output.status.code(), said(&output).as_str()), (Some(0), ""));
}

#[test]
fn as_many_removals_as_an_event_may_ask_for_and_no_more() {
    for (most, right) in [("0", true), ("100000", true), ("100001", false), ("-1", false), ("5.0", false)] {
        let variables = [
            ("LINKWARD_POLICY_SOURCE", "dynamodb:access-policy"),
            ("LINKWARD_SERVICE_IDS", "vpce-svc-1"),
            ("LINKWARD_MAX_REMOVALS", most),
        ];
        let output = approver(&["--check"], &variables);
        let told =
            said(&output).contains(&format!("`LINKWARD_MAX_REMOVALS` is `{most}`: not an integer from 0 to 100000"));
        assert_eq!(
            (output.status.code(), told),
            (Some(if right { 0 } else { 2 }), !right),
            "{most}: {}",
            said(&output)
        );
    }
}

#[test]
fn an_argument_nobody_knows_is_an_error() {
    let output = approver(&["--chekc"], &[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("`--chekc` is not understood"), "{}", said(&output));
}
