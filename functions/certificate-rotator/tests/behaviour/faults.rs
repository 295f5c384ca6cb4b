//! AWS says no, or not now; and whatever it says, nothing secret is told.

use serde_json::json;
use wire_replay::{Answer, Replay};

use crate::stage::{FIRST, SECOND, STEPS, Stage};

#[test]
fn what_passes_is_waited_for() {
    for (operation, code, times) in [
        ("IssueCertificate", "ThrottlingException", 3),
        ("GetCertificate", "RequestInProgressException", 3),
        ("GetCertificate", "ThrottlingException", 2),
        ("DescribeSecret", "ThrottlingException", 2),
        ("PutSecretValue", "ThrottlingException", 2),
        ("PutSecretValue", "InternalServiceError", 2),
        ("UpdateSecretVersionStage", "ThrottlingException", 2),
        ("PutItem", "ProvisionedThroughputExceededException", 2),
    ] {
        let stage = Stage::new();
        stage.world.state().faults.extend((0..times).map(|_| (operation, code)));
        stage.rotate(FIRST);
        assert_eq!(stage.world.state().authority.issued.len(), 1, "{operation} {code}");
    }
}

#[test]
fn what_does_not_pass_is_an_error_and_the_next_try_goes_on() {
    for (operation, code, word) in [
        ("DescribeSecret", "ResourceNotFoundException", "secretUnavailable"),
        ("DescribeSecret", "AccessDeniedException", "secretUnavailable"),
        ("GetSecretValue", "DecryptionFailure", "secretUnavailable"),
        ("PutSecretValue", "EncryptionFailure", "secretUnavailable"),
        ("IssueCertificate", "AccessDeniedException", "authorityUnavailable"),
        ("IssueCertificate", "MalformedCSRException", "authorityUnavailable"),
        ("IssueCertificate", "InvalidStateException", "authorityUnavailable"),
        ("GetCertificate", "RequestFailedException", "authorityUnavailable"),
        ("PutItem", "ResourceNotFoundException", "inventoryUnavailable"),
        ("PutItem", "AccessDeniedException", "inventoryUnavailable"),
    ] {
        let stage = Stage::new();
        {
            let mut state = stage.world.state();
            state.secrets.begin(FIRST);
            state.faults.push((operation, code));
        }
        let (failed, message) = stage.failure(STEPS[0], FIRST);
        assert_eq!((failed, message.contains(code)), (word, true), "{operation}: {message}");
        assert_eq!(stage.last().metrics()[&format!("RunErrors {word}")], 1.0);
        stage.rotate(FIRST);
        assert_eq!(stage.world.state().authority.issued.len(), 1, "{operation} {code}");
    }
}

#[test]
fn without_an_inventory_it_works_all_the_same() {
    let stage = Stage::new().with("LINKWARD_CERTIFICATE_INVENTORY_TABLE", "");
    stage.rotate(FIRST);
    assert_eq!(stage.world.state().rows.len(), 0);
}

#[test]
fn a_version_that_somebody_else_wrote_is_left_alone() {
    let stage = Stage::new();
    {
        let mut state = stage.world.state();
        state.secrets.begin(FIRST);
        state.secrets.versions.get_mut(FIRST).unwrap().value = Some(r#"{"password":"hunter2"}"#.to_owned());
    }
    for step in STEPS {
        let (word, message) = stage.failure(step, FIRST);
        assert_eq!(word, "foreignVersion", "{step}: {message}");
        assert!(!message.contains("hunter2"), "{message}");
    }
    assert_eq!(stage.world.state().authority.issued.len(), 0);
}

#[test]
fn a_current_value_that_is_no_json_of_ours_is_replaced() {
    let stage = Stage::new();
    {
        let mut state = stage.world.state();
        state.secrets.versions.entry("0".repeat(32)).or_default().value = Some("to be rotated".to_owned());
        state.secrets.label(&"0".repeat(32), "AWSCURRENT");
    }
    stage.rotate(FIRST);
    assert_eq!(stage.world.state().secrets.with("AWSPREVIOUS").unwrap().0, &"0".repeat(32));
}

#[test]
fn a_key_that_does_not_belong_to_the_certificate_is_never_put_to_use() {
    let stage = Stage::new();
    stage.world.state().secrets.begin(FIRST);
    stage.step(STEPS[0], FIRST).unwrap();
    {
        let mut state = stage.world.state();
        let mut value = state.secrets.value("AWSPENDING");
        value["privateKey"] = json!(crate::world::other_key_pem());
        state.secrets.versions.get_mut(FIRST).unwrap().value = Some(value.to_string());
    }
    for step in [STEPS[2], STEPS[3]] {
        assert_eq!(stage.failure(step, FIRST).0, "certificateMismatch", "{step}");
    }
    assert_eq!(stage.world.state().secrets.with("AWSCURRENT"), None);
}

/// An answer that cannot be read is quoted by the SDK's own error; ours must not.
#[tokio::test]
async fn an_answer_that_cannot_be_read_is_not_quoted() {
    use certificate_rotator::{App, Configuration, handle};
    use lambda_runtime::{Context, Diagnostic, LambdaEvent};
    let garbage = Answer::json_fault(200, &json!({"ARN": 7, "SecretString": "BEGIN PRIVATE KEY hunter2"}));
    let described = json!({"ARN": "a", "VersionIdsToStages": {FIRST: ["AWSCURRENT"]}});
    let replay = Replay::new()
        .always("DescribeSecret", Answer::json(&described))
        .always("GetSecretValue", garbage)
        .always("PutMetricData", Answer::cbor());
    let variables = [
        ("LINKWARD_TRUST_DOMAIN", "internal.example"),
        ("LINKWARD_CERTIFICATE_AUTHORITY_ARNS", crate::world::authority::AUTHORITY),
    ];
    let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let app = App::new(Configuration::read(telemetry::Environment::of(variables)).unwrap(), &replay.sdk_config());
    let mut context = Context::default();
    context.deadline = u64::try_from(policy::Timestamp::now().as_millisecond()).unwrap() + 20_000;
    let failure = handle(&app, LambdaEvent::new(crate::stage::event(STEPS[0], SECOND), context)).await.unwrap_err();
    let told = format!("{failure:?} {failure}");
    let diagnostic = Diagnostic::from(failure);
    assert_eq!(diagnostic.error_type, "secretUnavailable");
    assert!(!told.contains("hunter2") && !diagnostic.error_message.contains("hunter2"), "{told}");
}
