//! The end of a run: its metrics in one request, its audit events onto the bus.

use std::collections::BTreeSet;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_cloudwatch::types::{Dimension, MetricDatum, StandardUnit};
use aws_sdk_cloudwatch::{Client, primitives::DateTime};
use jiff::Timestamp;

use crate::audit::{AuditError, Bus};
use crate::metric::Unit;
use crate::run::Point;
use crate::{CallError, Deadline, Failure, Fault, Run, metrics, traces};

const NAMESPACE: &str = "Linkward";
/// PutMetricData takes no more.
const BATCH: usize = 1_000;

/// Where the runs of a function are published.
#[derive(Debug)]
pub struct Telemetry {
    cloudwatch: Client,
    bus: Option<Bus>,
}

impl Telemetry {
    /// Without a bus there are no audit events.
    #[must_use]
    pub fn new(sdk: &SdkConfig, bus: Option<String>) -> Self {
        let bus = bus.map(|name| Bus::new(aws_sdk_eventbridge::Client::new(sdk), name));
        Self { cloudwatch: Client::new(sdk), bus }
    }

    /// Publishes a run. Metrics that cannot be published are a log line.
    ///
    /// # Errors
    /// The audit trail has a gap.
    pub async fn publish(&self, mut run: Run, deadline: Deadline) -> Result<(), AuditError> {
        run.count(&metrics::RUNS, []);
        run.add(&metrics::RUN_DURATION, [], millis(run.started.elapsed()));
        let (measured, told) = tokio::join!(self.measure(&run, deadline), async {
            match &self.bus {
                Some(bus) => bus.put(&run.events, deadline).await,
                None => Ok(()),
            }
        });
        if let Err(error) = measured {
            tracing::error!(%error, "metrics of this run are lost");
        }
        let Run { function, id, context, began, .. } = &run;
        let (context, began) = (*context, *began);
        let trace = traces::Told { function, run_id: id, context, began, errors: run.errors() };
        // Whatever comes of it, the answer waits no longer than Lambda does.
        let _ = deadline.limit(traces::send(trace)).await;
        told
    }

    /// Counts what went wrong in a run, and publishes it.
    ///
    /// # Errors
    /// Something went wrong, or audit events were lost: the gravest of it, and the answer all the same.
    pub async fn finish<F: Fault, A>(
        &self,
        mut run: Run,
        mut faults: BTreeSet<F>,
        answer: A,
        deadline: Deadline,
    ) -> Result<A, Failure<F, A>> {
        for fault in &faults {
            run.count(&metrics::RUN_ERRORS, [fault.as_str()]);
        }
        if let Err(error) = self.publish(run, deadline).await {
            tracing::error!(%error, "audit events are lost");
            faults.insert(F::AUDIT_INCOMPLETE);
        }
        match faults.first() {
            None => Ok(answer),
            Some(fault) => Err(Failure::Run { fault: *fault, answer: Box::new(answer) }),
        }
    }

    async fn measure(&self, run: &Run, deadline: Deadline) -> Result<(), CallError> {
        let now = DateTime::from_millis(Timestamp::now().as_millisecond());
        let data: Vec<_> = run.points.iter().map(|(point, (unit, value))| datum(point, *unit, *value, now)).collect();
        for batch in data.chunks(BATCH) {
            let call = self.cloudwatch.put_metric_data().namespace(NAMESPACE).set_metric_data(Some(batch.to_vec()));
            deadline.call(call.send()).await?;
        }
        Ok(())
    }
}

fn datum(point: &Point, unit: Unit, value: f64, now: DateTime) -> MetricDatum {
    let unit = match unit {
        Unit::Count => StandardUnit::Count,
        Unit::Milliseconds => StandardUnit::Milliseconds,
        Unit::Seconds => StandardUnit::Seconds,
    };
    let dimensions = point.dimensions.iter().map(|(name, value)| Dimension::builder().name(*name).value(value).build());
    MetricDatum::builder()
        .metric_name(point.name)
        .set_dimensions(Some(dimensions.collect()))
        .timestamp(now)
        .unit(unit)
        .value(value)
        .build()
}

fn millis(time: Duration) -> f64 {
    (time.as_secs_f64() * 1_000.0).round()
}
