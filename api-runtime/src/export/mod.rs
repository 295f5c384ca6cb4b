//! Metrics and spans on their way out: every `metricsInterval`, and once more at the end.

mod emf;
mod otlp;
#[cfg(test)]
mod quantiles;

use crate::config::{AccessLog, Emf};
use crate::connection::Gate;
use crate::log_writer::LogWriter;
use policy::Timestamp;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// How long the end of the process may wait for the last numbers.
const LAST: Duration = Duration::from_secs(2);

/// What exports as long as this lives.
#[derive(Debug)]
pub(crate) struct Exports {
    ends: Vec<oneshot::Sender<()>>,
    tasks: Vec<JoinHandle<()>>,
}

impl Exports {
    /// Starts what the configuration asks for.
    ///
    /// # Errors
    /// Standard output cannot be written by a thread of its own.
    pub(crate) fn start(gate: &Arc<Gate>) -> io::Result<Self> {
        let telemetry = &gate.config.telemetry;
        let emf = match (telemetry.emf, &telemetry.access_log) {
            (Emf::Off, _) => None,
            (Emf::Stdout, AccessLog::Stdout) => Some(emf::Emf::new(telemetry, None)),
            (Emf::Stdout, _) => Some(emf::Emf::new(telemetry, Some(LogWriter::to_stdout()?))),
        };
        let mut exports = Self { ends: Vec::new(), tasks: Vec::new() };
        let metrics = telemetry.otlp_endpoint.as_ref().map(|endpoint| otlp::Metrics::new(endpoint, telemetry));
        exports.spawn(|end| measure(Arc::clone(gate), emf, metrics, end));
        if let (Some(endpoint), Some(waiting)) =
            (&telemetry.otlp_endpoint, gate.spans.as_ref().and_then(|spans| spans.waiting()))
        {
            let exporter = otlp::Traces::new(endpoint, telemetry);
            exports.spawn(|end| otlp::trace(Arc::clone(gate), exporter, waiting, end));
        }
        Ok(exports)
    }

    fn spawn<F: Future<Output = ()> + Send + 'static>(&mut self, task: impl FnOnce(oneshot::Receiver<()>) -> F) {
        let (end, ended) = oneshot::channel();
        self.ends.push(end);
        self.tasks.push(tokio::spawn(task(ended)));
    }

    /// Exports what is left, as far as it takes no longer than two seconds.
    pub(crate) async fn finish(mut self) {
        self.ends.clear();
        let last = async {
            for task in &mut self.tasks {
                let _ = task.await;
            }
        };
        if tokio::time::timeout(LAST, last).await.is_err() {
            tracing::warn!("the last metrics and spans were not taken in time");
        }
    }
}

impl Drop for Exports {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

/// Reads all numbers at each interval and gives them to whoever wants them.
async fn measure(
    gate: Arc<Gate>,
    mut emf: Option<emf::Emf>,
    mut metrics: Option<otlp::Metrics>,
    mut end: oneshot::Receiver<()>,
) {
    let mut interval = tokio::time::interval(gate.config.telemetry.metrics_interval);
    interval.tick().await;
    loop {
        let ended = tokio::select! {
            _ = interval.tick() => false,
            _ = &mut end => true,
        };
        let now = Timestamp::now();
        gate.metrics.turn_window(now);
        // The policy may have changed, and what is old is to be forgotten.
        gate.review_sightings();
        let state = gate.state(now);
        if let Some(emf) = &mut emf {
            emf.write(&gate, &state, now);
        }
        if let Some(metrics) = &mut metrics {
            metrics.send(&gate, &state, now).await;
        }
        if ended {
            return;
        }
    }
}
