//! What Secrets Manager sends, and what is refused.

use certificate_rotator::{FUNCTION, Request, handle};
use wire_replay::events::{all, may_be_taken, mutations, names_its_field, names_the_field, samples, seeds};
use wire_replay::{Answer, Replay};

use crate::stage::{Stage, invocation};

#[test]
fn every_sample_is_a_step() {
    let samples = [samples("secret-rotation", "samples"), seeds(FUNCTION, "odd")].concat();
    let steps = samples.iter().map(|(name, sample)| {
        Request::try_from(sample).unwrap_or_else(|error| panic!("{name}: {error}")).step.as_str()
    });
    assert_eq!(steps.collect::<std::collections::BTreeSet<_>>().len(), 4);
}

#[test]
fn every_invalid_sample_fails_naming_the_field_and_calls_nobody() {
    for (name, sample) in [samples("secret-rotation", "invalid"), seeds(FUNCTION, "malformed")].concat() {
        let stage = Stage::new();
        let failure = stage.invoke(&sample).unwrap().expect_err(&name);
        assert_eq!(failure.as_str(), "malformedEvent", "{name}");
        names_its_field(&failure.to_string(), &name);
        assert_eq!(stage.last().calls(), [], "{name}");
    }
}

#[tokio::test]
async fn an_event_that_somebody_spoilt_fails_naming_the_field_and_calls_nobody() {
    let replay = Replay::new().always("PutMetricData", Answer::cbor());
    let app = Stage::new().app(&replay);
    let mut refused = 0;
    let spoilt = ["secret-rotation", "certificate-authority-changed"].into_iter().flat_map(mutations);
    for (what, spoilt) in spoilt.chain(all()) {
        let is_step = spoilt.get("detail-type").is_none();
        if is_step && Request::try_from(&spoilt).is_ok() {
            may_be_taken("secret-rotation", &spoilt, &what);
            continue;
        }
        match handle(&app, invocation(spoilt)).await {
            // Of another authority, or no issuance: looked at and left.
            Ok(answer) => assert!(!is_step && answer.secret_id.is_none(), "{what}"),
            Err(failure) => {
                assert_eq!(failure.as_str(), "malformedEvent", "{what}");
                names_the_field(&failure.to_string(), &what);
                refused += 1;
            }
        }
    }
    let calls: Vec<_> = replay.calls().into_iter().filter(|call| call.operation != "PutMetricData").collect();
    assert_eq!(calls, []);
    assert!(refused > 1_000, "{refused}");
}
