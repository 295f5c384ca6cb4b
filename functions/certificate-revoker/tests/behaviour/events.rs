//! The events the function listens to, and those it refuses.

use certificate_revoker::Request;
use wire_replay::Replay;
use wire_replay::events::samples;

use crate::stage::Stage;

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
