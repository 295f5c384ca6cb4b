//! No key, no certificate and no token is ever told, whatever happens.

use std::cell::RefCell;
use std::io::Write;

use serde_json::Value;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;

use crate::stage::{FIRST, SECOND, STEPS, Stage, event};
use crate::world::Misissue;

thread_local! {
    /// What this thread logs, once it is listened to. Other tests log beside it.
    static LOGGED: RefCell<Option<Vec<u8>>> = const { RefCell::new(None) };
}

struct Here;

impl Write for Here {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        LOGGED.with_borrow_mut(|logged| logged.as_mut().map(|logged| logged.extend(bytes)));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A crash, a lost answer, a certificate that is refused, a failed test, and two rotations in between.
fn eventful(stage: &Stage) {
    stage.rotate(FIRST);
    stage.an_hour_passes();
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
    stage.an_hour_passes();
    stage.rotate(&third);
    stage.world.state().secrets.tags.insert("linkward:test-address".to_owned(), "localhost:1".to_owned());
}

#[test]
fn nothing_secret_is_logged() {
    let ours = ["certificate_rotator", "telemetry", "policy"].map(|target| (target, LevelFilter::TRACE));
    let lines = tracing_subscriber::fmt::layer().json().with_writer(|| Here);
    let subscriber = tracing_subscriber::registry().with(Targets::new().with_targets(ours)).with(lines);
    tracing::subscriber::set_global_default(subscriber).unwrap();
    LOGGED.set(Some(Vec::new()));
    let stage = Stage::new();
    eventful(&stage);
    stage.failure(STEPS[2], &"3".repeat(32));
    let text = String::from_utf8(LOGGED.take().unwrap()).unwrap();
    let ours: Vec<_> = text.lines().collect();
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
