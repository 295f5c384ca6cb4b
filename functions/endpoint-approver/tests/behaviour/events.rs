//! The events that wake the function, and those that do not.

use endpoint_approver::{Cause, FUNCTION, Trigger, handle};
use serde_json::Value;
use wire_replay::Replay;
use wire_replay::events::{all, may_be_taken, mutations, names_its_field, names_the_field, samples, seeds};

use crate::stage::{Stage, invocation, page};

const EVENTS: &[(&str, Cause)] = &[
    ("connection-notification", Cause::ConnectionNotification),
    ("scheduled-sweep", Cause::Schedule),
    ("endpoint-sweep-requested", Cause::SweepRequested),
    ("create-vpc-endpoint", Cause::EndpointCreated),
    ("policy-deployed", Cause::PolicyDeployed),
];

#[test]
fn every_sample_is_a_trigger() {
    for (event, cause) in EVENTS {
        for (name, sample) in samples(event, "samples") {
            let trigger = Trigger::try_from(&sample).unwrap_or_else(|error| panic!("{event}/{name}: {error}"));
            assert_eq!(trigger.cause, *cause, "{event}/{name}");
            assert_eq!(trigger.requested_by.is_some(), *cause == Cause::SweepRequested, "{event}/{name}");
        }
    }
    for (name, odd) in seeds(FUNCTION, "odd") {
        Trigger::try_from(&odd).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}

#[test]
fn an_operator_may_narrow_a_sweep() {
    let trigger = |name: &str| {
        let (_, sample) = samples("endpoint-sweep-requested", "samples").into_iter().find(|(n, _)| n == name).unwrap();
        Trigger::try_from(&sample).unwrap()
    };
    let dry = trigger("dry-run-of-one-service.json");
    assert_eq!((dry.dry_run, dry.service_ids.map(|ids| ids.len()), dry.max_removals), (true, Some(1), None));
    let raised = trigger("cap-raised-once.json");
    assert_eq!((raised.dry_run, raised.service_ids, raised.max_removals), (false, None, Some(40)));
    assert_eq!(raised.requested_by.as_deref(), Some("bob"));
}

#[tokio::test]
async fn every_invalid_sample_fails_naming_the_field_and_calls_nobody() {
    let invalid = EVENTS.iter().flat_map(|(event, _)| samples(event, "invalid"));
    for (name, sample) in invalid.chain(seeds(FUNCTION, "malformed")) {
        let stage = Stage::new(Replay::new());
        let error = stage.handle(sample).await.expect_err(&name).to_string();
        names_its_field(&error, &name);
        assert_eq!(stage.replay.calls(), [], "{name}");
    }
}

#[tokio::test]
async fn an_event_is_a_wake_up_and_decides_nothing() {
    // The event tells of an endpoint of another account than EC2 does; EC2 is the truth.
    let (_, sample) = samples("create-vpc-endpoint", "samples").remove(0);
    let replay = Replay::new().on("DescribeVpcEndpointConnections", page(&[], None));
    let stage = Stage::new(replay);
    let answer = stage.handle(sample).await.unwrap();
    assert_eq!((answer.accepted.len(), answer.unchanged), (0, 0));
}

#[tokio::test]
async fn what_is_no_event_at_all_is_refused() {
    for event in [Value::Null, Value::from("x"), Value::from(vec![1]), serde_json::json!({})] {
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
    for (what, spoilt) in EVENTS.iter().flat_map(|(event, _)| mutations(event)).chain(all()) {
        match Trigger::try_from(&spoilt) {
            Ok(trigger) => {
                // The others are wake-ups, whatever else they say.
                if trigger.cause == Cause::SweepRequested {
                    may_be_taken("endpoint-sweep-requested", &spoilt, &what);
                }
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
