//! No key, no certificate and no token is ever told, whatever happens.

use std::io::Write;
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tracing_subscriber::filter::LevelFilter;

use crate::stage::{FIRST, SECOND, STEPS, Stage, event};
use crate::world::Misissue;

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A crash, a lost answer, a certificate that is refused, a failed test, and two rotations in between.
fn eventful(stage: &Stage) {
    stage.rotate(FIRST);
    stage.world.state().secrets.begin(SECOND);
    stage.world.state().crash_at = Some("IssueCertificate");
    assert!(stage.invoke(&event(STEPS[0], SECOND)).is_none());
    crate::crashes::ten_minutes_pass(stage);
    stage.world.state().faults.push(("PutSecretValue", "EncryptionFailure"));
    stage.failure(STEPS[0], SECOND);
    stage.world.state().authority.misissue = Some(Misissue::OneMoreName);
    stage.failure(STEPS[0], SECOND);
    let third = "3".repeat(32);
    stage.world.state().authority.misissue = None;
    stage.rotate(&third);
    let stage = stage.world.state().secrets.tags.insert("linkward:test-address".to_owned(), "localhost:1".to_owned());
    assert_eq!(stage, None);
}

#[test]
fn nothing_secret_is_logged() {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt().json().with_max_level(LevelFilter::TRACE);
    let subscriber = subscriber.with_writer(move || writer.clone()).finish();
    let stage = Stage::new();
    tracing::subscriber::with_default(subscriber, || {
        eventful(&stage);
        stage.failure(STEPS[2], &"3".repeat(32));
    });
    let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    let ours = |line: &&str| {
        let target = serde_json::from_str::<Value>(line).unwrap()["target"].as_str().unwrap().to_owned();
        target.starts_with("certificate_rotator") || target.starts_with("telemetry")
    };
    let ours: Vec<_> = text.lines().filter(ours).collect();
    assert!(ours.len() > 10, "{ours:?}");
    let state = stage.world.state();
    let values = state.secrets.versions.values().filter_map(|version| version.value.as_deref());
    let mut secrets = vec!["very secret".to_owned()];
    for value in values.map(|text| serde_json::from_str::<Value>(text).unwrap()) {
        for field in ["privateKey", "certificate", "certificateSigningRequest"] {
            // The line after `-----BEGIN …-----`.
            secrets.extend(value[field].as_str().and_then(|pem| pem.lines().nth(1)).map(str::to_owned));
        }
    }
    assert!(secrets.len() > 8, "{}", secrets.len());
    for secret in &secrets {
        assert!(!ours.iter().any(|line| line.contains(secret.as_str())), "logged: {secret}");
    }
}
