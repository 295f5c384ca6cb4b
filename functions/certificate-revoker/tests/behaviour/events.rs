//! The events the function listens to, and those it refuses.

use certificate_revoker::{Request, handle};
use wire_replay::Replay;
use wire_replay::events::{may_be_taken, mutations, names_the_field, samples};

use crate::stage::{Stage, invocation};

const EVENTS: &[&str] = &["certificate-revocation-requested", "certificate-denial-withdrawn"];

#[test]
fn every_sample_is_a_request() {
    for event in EVENTS {
        for (name, sample) in samples(event, "samples") {
            let request = Request::try_from(&sample).unwrap_or_else(|error| panic!("{event}/{name}: {error}"));
            assert_eq!(matches!(request, Request::Revoke(_)), *event == EVENTS[0], "{event}/{name}");
        }
    }
}

#[tokio::test]
async fn every_invalid_sample_fails_naming_the_field_and_calls_nobody() {
    for event in EVENTS {
        for (name, sample) in samples(event, "invalid") {
            let stage = Stage::new(Replay::new());
            let field = name.split("--").next().unwrap();
            let error = stage.handle(sample).await.expect_err(&name).to_string();
            assert!(error.starts_with(&format!("field `{field}` ")), "{event}/{name}: {error}");
            assert_eq!(stage.replay.calls(), [], "{event}/{name}");
        }
    }
}

#[tokio::test]
async fn an_event_that_somebody_spoilt_fails_naming_the_field_and_calls_nobody() {
    let stage = Stage::new(Replay::new());
    let app = stage.app();
    let mut refused = 0;
    for event in EVENTS {
        for (what, spoilt) in mutations(event) {
            match Request::try_from(&spoilt) {
                Ok(request) => {
                    let taken = usize::from(!matches!(request, Request::Revoke(_)));
                    may_be_taken(EVENTS[taken], &spoilt, &what);
                }
                Err(_) => {
                    let failure = handle(&app, invocation(spoilt)).await.expect_err(&what);
                    names_the_field(&failure.to_string(), &what);
                    refused += 1;
                }
            }
            assert_eq!(stage.replay.calls(), [], "{event}/{what}");
        }
    }
    assert!(refused > 1_000, "{refused}");
}
