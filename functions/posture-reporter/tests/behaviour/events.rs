//! The events that wake the function, and those that do not.

use posture_reporter::{FUNCTION, Trigger, handle};
use serde_json::{Value, json};
use wire_replay::Replay;
use wire_replay::events::{all, mutations, names_its_field, names_the_field, samples, seeds};

use crate::stage::{Stage, invocation};

const FROM_AWS: &[&str] = &["scheduled-sweep", "policy-deployed", "certificate-authority-changed"];
const OURS: &[&str] = &[
    "endpoint-accepted",
    "endpoint-rejected",
    "endpoint-held",
    "certificate-revoked",
    "certificate-rotated",
    "policy-changed",
];

#[test]
fn every_sample_is_a_trigger() {
    for event in [FROM_AWS, OURS].concat() {
        for (name, sample) in samples(event, "samples") {
            Trigger::try_from(&sample).unwrap_or_else(|error| panic!("{event}/{name}: {error}"));
        }
    }
    for (name, odd) in seeds(FUNCTION, "odd") {
        Trigger::try_from(&odd).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}

#[tokio::test]
async fn every_invalid_sample_fails_naming_the_field_and_calls_nobody() {
    let invalid = FROM_AWS.iter().flat_map(|event| samples(event, "invalid"));
    for (name, sample) in invalid.chain(seeds(FUNCTION, "malformed")) {
        let stage = Stage::new(Replay::new());
        let error = stage.handle(sample).await.expect_err(&name).to_string();
        names_its_field(&error, &name);
        assert_eq!(stage.replay.calls(), [], "{name}");
    }
}

#[tokio::test]
async fn an_event_of_ours_must_say_of_which_run_it_is() {
    let event = json!({"source": "linkward", "detail-type": "Endpoint Held", "detail": {}});
    let error = Stage::new(Replay::new()).handle(event).await.unwrap_err().to_string();
    assert_eq!(error, "field `detail.runId` is missing");
}

#[tokio::test]
async fn what_is_no_event_at_all_is_refused() {
    for event in [Value::Null, Value::from("x"), json!({}), json!({"Records": []})] {
        let stage = Stage::new(Replay::new());
        assert!(stage.handle(event.clone()).await.unwrap_err().to_string().starts_with("field `"), "{event}");
        assert_eq!(stage.replay.calls(), []);
    }
}

#[tokio::test]
async fn an_event_that_somebody_spoilt_fails_naming_the_field_and_calls_nobody() {
    let stage = Stage::new(Replay::new());
    let app = stage.app();
    let mut refused = 0;
    for (what, spoilt) in [FROM_AWS, OURS].concat().into_iter().flat_map(mutations).chain(all()) {
        match Trigger::try_from(&spoilt) {
            // It measures and counts, and changes nothing.
            Ok(_) => {}
            Err(_) => {
                let failure = handle(&app, invocation(spoilt)).await.expect_err(&what);
                names_the_field(&failure.to_string(), &what);
                refused += 1;
            }
        }
        assert_eq!(stage.replay.calls(), [], "{what}");
    }
    assert!(refused > 1_000, "{refused}");
}
