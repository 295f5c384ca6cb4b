//! Traces: a span for each run and below it one for each call to AWS, to an OpenTelemetry collector beside the function
//! (an extension), where `OTEL_EXPORTER_OTLP_ENDPOINT` names one. Without it nothing of this runs.
//!
//! The SDK opens a tracing span for each operation; that is all that is listened to. What a run collected is sent before
//! its invocation is answered, for afterwards Lambda lets nothing run.

mod calls;
mod context;
mod encoding;
mod endpoint;

use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

pub(crate) use calls::CallLayer;
pub use context::Context;
pub(crate) use endpoint::{Endpoint, EndpointError, VARIABLE};

use crate::CallError;

/// More calls than this of one run are counted, not kept.
const CALLS: usize = 1_000;
/// How long a collector on the same host may take.
const PATIENCE: Duration = Duration::from_millis(500);

static TRACES: OnceLock<Traces> = OnceLock::new();

/// What is collected for the next export. A Lambda process has one run at a time.
#[derive(Debug)]
pub(crate) struct Traces {
    endpoint: Endpoint,
    calls: Mutex<Calls>,
}

#[derive(Debug, Default)]
struct Calls {
    kept: Vec<Call>,
    dropped: u64,
}

/// A call to AWS.
#[derive(Debug)]
struct Call {
    id: u64,
    service: String,
    method: String,
    began: Timestamp,
    ended: Timestamp,
    /// AWS's error code, if it failed.
    error: Option<String>,
}

/// A run, when it is told.
#[derive(Debug)]
pub(crate) struct Told<'a> {
    pub(crate) function: &'static str,
    pub(crate) run_id: &'a str,
    pub(crate) context: Context,
    pub(crate) began: Timestamp,
    /// What went wrong, from `RunErrors`.
    pub(crate) errors: Vec<&'a str>,
}

/// Begins to collect for a collector; what the log's subscriber is to listen with.
pub(crate) fn start(endpoint: Endpoint) -> CallLayer {
    CallLayer(TRACES.get_or_init(|| Traces { endpoint, calls: Mutex::default() }))
}

/// Notes that the call which ended last failed: it ended in the same breath on this thread.
pub(crate) fn failed(error: &CallError) {
    let Some(traces) = TRACES.get() else { return };
    if let Some(call) = traces.calls.lock().unwrap_or_else(PoisonError::into_inner).kept.last_mut() {
        call.error = Some(error.code.clone());
    }
}

/// Sends what a run collected, within half a second: if that fails, the run's traces are lost and the log says so.
pub(crate) async fn send(told: Told<'_>) {
    let Some(traces) = TRACES.get() else { return };
    let Calls { kept, dropped } = std::mem::take(&mut *traces.calls.lock().unwrap_or_else(PoisonError::into_inner));
    let body = encoding::request(&told, Timestamp::now(), &kept, dropped);
    match tokio::time::timeout(PATIENCE, traces.endpoint.post(&body)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%error, collector = %traces.endpoint, "the traces of this run are lost"),
        Err(_) => tracing::warn!(collector = %traces.endpoint, "the traces of this run are lost: no answer in time"),
    }
}

impl Traces {
    fn keep(&self, call: Call) {
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        match calls.kept.len() < CALLS {
            true => calls.kept.push(call),
            false => calls.dropped += 1,
        }
    }
}
