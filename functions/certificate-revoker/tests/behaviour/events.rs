//! The events the function listens to, and those it refuses.

use certificate_revoker::{FUNCTION, Request, handle};
use wire_replay::Replay;
use wire_replay::events::{all, may_be_taken, mutations, names_its_field, names_the_field, samples, seeds};

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
    for (name, odd) in seeds(FUNCTION, "odd") {
        Request::try_from(&odd).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}

#[tokio::test]
async fn every_invalid_sample_fails_naming_the_field_and_calls_nobody() {
    let invalid = EVENTS.iter().flat_map(|event| samples(event, "invalid"));
    for (name, sample) in invalid.chain(seeds(FUNCTION, "malformed")) {
        let stage = Stage::new(Replay::new());
        let error = stage.handle(sample).await.expect_err(&name).to_string();
        names_its_field(&error, &name);
        assert_eq!(stage.replay.calls(), [], "{name}");
    }
}

#[tokio::test]
async fn an_event_that_somebody_spoilt_fails_naming_the_field_and_calls_nobody() {
    let stage = Stage::new(Replay::new());
    let app = stage.app();
    let mut refused = 0;
    for (what, spoilt) in EVENTS.iter().flat_map(|event| mutations(event)).chain(all()) {
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
        assert_eq!(stage.replay.calls(), [], "{what}");
    }
    assert!(refused > 1_000, "{refused}");
}
