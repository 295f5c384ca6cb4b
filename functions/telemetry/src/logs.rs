//! JSON lines on stdout, which Lambda carries to CloudWatch: `timestamp`, `level`, `target`, `message`, the fields of
//! the event, and in `span` the run's `runId` and `function`.

use tracing::level_filters::LevelFilter;
use tracing::subscriber::Subscriber;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{Targets, filter_fn};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;

use crate::traces::{self, CallLayer, EndpointError, VARIABLE};

/// Starts logging; of other crates only warnings. The level is Lambda's `AWS_LAMBDA_LOG_LEVEL`, by default `INFO`.
pub(crate) fn start(function: &str) {
    let level = std::env::var("AWS_LAMBDA_LOG_LEVEL").ok().and_then(|level| level.parse().ok());
    // A second start keeps the first, as in tests.
    let (endpoint, problem) = match std::env::var(VARIABLE).ok().filter(|text| !text.trim().is_empty()) {
        Some(text) => text.parse().map_or_else(|error| (None, Some(error)), |endpoint| (Some(endpoint), None)),
        None => (None, None),
    };
    let level = level.unwrap_or(LevelFilter::INFO);
    let _ = tracing::subscriber::set_global_default(subscriber(
        function,
        level,
        std::io::stdout,
        endpoint.map(traces::start),
    ));
    // No reason not to work: the variable is not ours alone.
    if let Some(error) = problem {
        let error: EndpointError = error;
        tracing::warn!(%error, "there are no traces");
    }
}

fn subscriber<W>(
    function: &str,
    level: LevelFilter,
    writer: W,
    calls: Option<CallLayer>,
) -> impl Subscriber + Send + Sync + use<W>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let ours = [function.replace('-', "_"), "telemetry".to_owned(), "policy".to_owned()];
    let targets =
        Targets::new().with_default(level.min(LevelFilter::WARN)).with_targets(ours.map(|ours| (ours, level)));
    let lines = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .with_writer(writer)
        .with_filter(targets);
    let calls = calls.map(|calls| calls.with_filter(filter_fn(CallLayer::listens_to)));
    tracing_subscriber::registry().with(lines).with(calls)
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use serde_json::Value;

    use super::*;

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

    #[test]
    fn a_line_is_json_with_level_target_and_run_id() {
        let lines = Lines::default();
        let writer = lines.clone();
        tracing::subscriber::with_default(
            subscriber("endpoint-approver", LevelFilter::INFO, move || writer.clone(), None),
            || {
                let run = crate::Run::new("endpoint-approver", "run-1");
                run.span().in_scope(|| {
                    tracing::info!(target: "endpoint_approver::plan", endpointId = "vpce-1", "accepted");
                    tracing::debug!(target: "endpoint_approver::plan", "too much detail");
                    tracing::info!(target: "hyper::client", "not ours");
                });
            },
        );
        let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        let [line] = text.lines().collect::<Vec<_>>()[..] else { panic!("{text}") };
        let line: Value = serde_json::from_str(line).unwrap();
        assert_eq!(line["level"], "INFO");
        assert_eq!(line["target"], "endpoint_approver::plan");
        assert_eq!(line["message"], "accepted");
        assert_eq!(line["endpointId"], "vpce-1");
        assert_eq!(line["span"]["runId"], "run-1");
        assert_eq!(line["span"]["function"], "endpoint-approver");
    }
}
