#![no_main]
//! Events, as each function reads them: what it refuses it refuses for a field that it names, and what it takes fits the
//! schema of that event.
use std::collections::HashMap;
use std::sync::LazyLock;

use certificate_revoker::Request;
use certificate_rotator::{Issuance, Request as Step};
use jsonschema::Validator;
use serde::Deserialize;
use serde_json::Value;
use telemetry::FieldError;
use trigger::{Cause, Trigger};

/// The module alone: with its crate came aws-sdk-ec2, which takes minutes and gigabytes to build.
#[path = "../../../functions/endpoint-approver/src/trigger.rs"]
#[allow(dead_code, reason = "what only the function uses")]
mod trigger;

/// Of what is sent by operators and of Secrets Manager's request. The other events are wake-ups, of which little is read.
static SCHEMAS: LazyLock<HashMap<&str, Validator>> = LazyLock::new(|| {
    let of = |schema: &str| serde_json::from_str::<Value>(schema).expect("a schema");
    let valid = |schema: &Value| jsonschema::validator_for(schema).expect("a schema");
    let detail = |schema: &str| valid(&of(schema)["properties"]["detail"]);
    HashMap::from([
        ("sweep", detail(include_str!("../../../events/endpoint-sweep-requested/schema.json"))),
        ("revocation", detail(include_str!("../../../events/certificate-revocation-requested/schema.json"))),
        ("withdrawal", detail(include_str!("../../../events/certificate-denial-withdrawn/schema.json"))),
        ("step", valid(&of(include_str!("../../../events/secret-rotation/schema.json")))),
    ])
});

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    // As lambda_runtime reads it.
    let Ok(event) = Value::deserialize(&mut serde_json::Deserializer::from_slice(bytes)) else { return };
    if let Some(trigger) = taken(Trigger::try_from(&event))
        && trigger.cause == Cause::SweepRequested
    {
        fits("sweep", &event["detail"]);
    }
    match taken(Request::try_from(&event)) {
        Some(Request::Revoke(_)) => fits("revocation", &event["detail"]),
        Some(Request::Withdraw(_)) => fits("withdrawal", &event["detail"]),
        None => {}
    }
    if taken(Step::try_from(&event)).is_some() {
        fits("step", &event);
    }
    taken(Issuance::try_from(&event));
    taken(posture_reporter::Trigger::try_from(&event));
});

fn taken<T>(read: Result<T, FieldError>) -> Option<T> {
    read.inspect_err(|error| {
        let message = error.to_string();
        let field = message.strip_prefix("field `").and_then(|rest| rest.split_once("` "));
        assert!(field.is_some_and(|(_, problem)| !problem.is_empty()), "{message}");
        assert!(message.chars().count() < 900, "{message}");
    })
    .ok()
}

fn fits(schema: &str, value: &Value) {
    if let Err(error) = SCHEMAS[schema].validate(value) {
        panic!("a {schema} was taken that its schema refuses: {error}");
    }
}
