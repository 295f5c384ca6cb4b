//! Step 7: the metrics that the functions published, read back from CloudWatch.

use anyhow::Context as _;
use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::{Datapoint, Metric, Statistic};
use local_stack::LocalStack;

use super::provider::FUNCTIONS;
use super::report::{Progress, Report, Step, Stopped};
use super::wait::until;

const NAMESPACE: &str = "Linkward";

/// Reads the metrics and prints them as a table.
pub(crate) async fn read(stack: &LocalStack, report: &mut Report) -> Result<(), Stopped> {
    report.chapter("7. What CloudWatch knows");
    let step = Step { name: "metrics", title: "the functions' metrics, read back" };
    let rows = report.step(step, &Progress::default(), rows(stack)).await?;
    report.metrics(&rows);
    Ok(())
}

async fn rows(stack: &LocalStack) -> anyhow::Result<(Vec<Vec<String>>, String)> {
    let client = Client::new(&stack.sdk_config(&stack.provider()).await);
    let metrics = until("metrics of all functions", async || {
        let metrics = client.list_metrics().namespace(NAMESPACE).send().await?.metrics.unwrap_or_default();
        let published = |function: &str| metrics.iter().any(|metric| dimension(metric, "Function") == function);
        Ok(FUNCTIONS.into_iter().all(published).then_some(metrics))
    })
    .await?;
    let mut rows = Vec::new();
    for metric in &metrics {
        rows.push(row(&client, metric).await?);
    }
    // A gauge of nothing is published too, so that an alarm ends; it tells nobody anything here.
    let (mut rows, zero): (Vec<_>, Vec<_>) = rows.into_iter().partition(|row| row.get(4).is_none_or(|sum| sum != "0"));
    rows.sort();
    // Several events tell of one endpoint, and runs may overlap: the sums are of runs, not of endpoints.
    let told = format!(
        "{} metrics in namespace {NAMESPACE}, {} of them zero; each run counts what it did itself",
        rows.len() + zero.len(),
        zero.len()
    );
    rows.insert(0, ["metric", "function", "about", "samples", "sum", "average"].map(str::to_owned).to_vec());
    Ok((rows, told))
}

async fn row(client: &Client, metric: &Metric) -> anyhow::Result<Vec<String>> {
    let name = metric.metric_name().context("a metric without a name")?;
    let now = jiff::Timestamp::now().as_second();
    let statistics = client
        .get_metric_statistics()
        .namespace(NAMESPACE)
        .metric_name(name)
        .set_dimensions(metric.dimensions.clone())
        .start_time(DateTime::from_secs(now - 3600))
        .end_time(DateTime::from_secs(now + 60))
        .period(7200)
        .statistics(Statistic::Sum)
        .statistics(Statistic::SampleCount)
        .send()
        .await?;
    let total = |of: fn(&Datapoint) -> Option<f64>| statistics.datapoints().iter().filter_map(of).sum::<f64>();
    let (samples, sum) = (total(|point| point.sample_count()), total(|point| point.sum()));
    let average = if samples > 0.0 { sum / samples } else { 0.0 };
    let (function, about) =
        (dimension(metric, "Function"), [dimension(metric, "Verdict"), dimension(metric, "Reason")]);
    let about = about.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(", ");
    Ok(vec![name.to_owned(), function, about, number(samples), number(sum), number(average)])
}

/// The value of a dimension, empty when the metric has none of that name. There is one service, which goes without saying.
fn dimension(metric: &Metric, name: &str) -> String {
    let found = metric.dimensions().iter().find(|dimension| dimension.name() == Some(name));
    found.and_then(|dimension| dimension.value()).unwrap_or_default().to_owned()
}

/// Whole numbers as such, others with two digits.
fn number(value: f64) -> String {
    if value.fract() == 0.0 { format!("{value:.0}") } else { format!("{value:.2}") }
}
