//! The samples of `events/` as the types read them that Rust functions know Lambda's events by. The functions themselves
//! read them field by field, so that an error names the field.
#![allow(clippy::unwrap_used, clippy::panic, reason = "test code")]

use std::path::Path;

use aws_lambda_events::event::eventbridge::EventBridgeEvent;
use aws_lambda_events::event::sns::SnsEvent;
use serde_json::Value;

/// Every valid sample, with its path.
fn samples() -> Vec<(String, Value)> {
    let events = Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("events");
    let mut samples = Vec::new();
    for event in std::fs::read_dir(events).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()) {
        for sample in std::fs::read_dir(event.join("samples")).unwrap() {
            let path = sample.unwrap().path();
            let content = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
            samples.push((path.display().to_string(), content));
        }
    }
    samples
}

#[test]
fn every_sample_is_what_lambda_hands_over() {
    let (mut of_bus, mut of_topic, mut of_secrets) = (0, 0, 0);
    for (path, sample) in samples() {
        if sample.get("detail-type").is_some() {
            let event: EventBridgeEvent =
                serde_json::from_value(sample.clone()).unwrap_or_else(|e| panic!("{path}: {e}"));
            assert_eq!(
                (Some(&*event.source), Some(&*event.detail_type)),
                (sample["source"].as_str(), sample["detail-type"].as_str()),
                "{path}"
            );
            assert_eq!(event.detail, sample["detail"], "{path}");
            of_bus += 1;
        } else if sample.get("Records").is_some() {
            let event: SnsEvent = serde_json::from_value(sample.clone()).unwrap_or_else(|e| panic!("{path}: {e}"));
            let record = event.records.first().unwrap();
            assert_eq!(Some(&*record.sns.topic_arn), sample["Records"][0]["Sns"]["TopicArn"].as_str(), "{path}");
            of_topic += 1;
        } else {
            // Secrets Manager's, which nobody has a type for.
            assert!(["Step", "SecretId", "ClientRequestToken"].iter().all(|name| sample[name].is_string()), "{path}");
            of_secrets += 1;
        }
    }
    assert!(of_bus > 25 && of_topic >= 2 && of_secrets >= 4, "{of_bus}, {of_topic}, {of_secrets}");
}
