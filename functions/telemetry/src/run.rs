use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
use tokio::time::Instant;
use tracing::Span;

use crate::audit::{AuditEvent, DetailType};
use crate::metric::{Dimension, Kind, Metric, Unit};
use crate::{Context, metrics};

/// One invocation: what it measured and what it did, collected until it is published.
#[derive(Debug)]
pub struct Run {
    pub(crate) function: &'static str,
    pub(crate) id: String,
    pub(crate) started: Instant,
    pub(crate) began: Timestamp,
    pub(crate) context: Context,
    pub(crate) points: BTreeMap<Point, (Unit, f64)>,
    pub(crate) events: Vec<AuditEvent>,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Point {
    pub(crate) name: &'static str,
    pub(crate) dimensions: Vec<(&'static str, String)>,
}

impl Run {
    /// Begins a run; its id is Lambda's request id, by which log lines and audit events are found together.
    #[must_use]
    pub fn new(function: &'static str, id: impl Into<String>) -> Self {
        let (points, events) = (BTreeMap::new(), Vec::new());
        let (started, began) = (Instant::now(), Timestamp::now());
        Self { function, id: id.into(), started, began, context: Context::new(), points, events }
    }

    /// The same run, in the trace that its event or X-Ray's header names.
    #[must_use]
    pub fn within(self, context: Context) -> Self {
        Self { context, ..self }
    }

    /// The reasons of what went wrong so far.
    pub(crate) fn errors(&self) -> Vec<&str> {
        let errors = self.points.keys().filter(|point| point.name == metrics::RUN_ERRORS.name);
        errors
            .flat_map(|point| &point.dimensions)
            .filter(|(name, _)| *name == "Reason")
            .map(|(_, value)| &**value)
            .collect()
    }

    /// The run's id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The span of its log lines.
    #[must_use]
    pub fn span(&self) -> Span {
        tracing::info_span!("run", runId = self.id, function = self.function)
    }

    /// A value of a metric, with its dimensions in the order of the table.
    pub fn add<const N: usize>(&mut self, metric: &'static Metric<N>, dimensions: [&str; N], value: f64) {
        let point = self.point(metric, dimensions);
        match metric.kind {
            Kind::Counter => *point += value,
            Kind::Gauge => *point = value,
        }
    }

    /// One more of what a counter counts, or of what a gauge sees in this run.
    pub fn count<const N: usize>(&mut self, metric: &'static Metric<N>, dimensions: [&str; N]) {
        *self.point(metric, dimensions) += 1.0;
    }

    fn point<const N: usize>(&mut self, metric: &'static Metric<N>, dimensions: [&str; N]) -> &mut f64 {
        let names = metric.dimensions.iter().map(|dimension| dimension.as_str());
        let mut dimensions: Vec<_> = names.zip(dimensions.map(str::to_owned)).collect();
        dimensions.push((Dimension::Function.as_str(), self.function.to_owned()));
        &mut self.points.entry(Point { name: metric.name, dimensions }).or_insert((metric.unit, 0.0)).1
    }

    /// An audit event.
    pub fn audit(&mut self, detail_type: DetailType, detail: &impl Serialize) {
        match serde_json::to_string(detail) {
            Ok(detail) => self.events.push(AuditEvent { detail_type, detail }),
            Err(error) => tracing::error!(%error, detailType = detail_type.as_str(), "audit event cannot be written"),
        }
    }
}
