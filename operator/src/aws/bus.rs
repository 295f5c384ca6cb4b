//! Events of operators.

use anyhow::{Context as _, bail};
use aws_config::SdkConfig;
use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use serde_json::Value;

use super::explained;

/// The source of requests; the bus policy lets only operators use it.
pub(crate) const OPERATOR: &str = "linkward.operator";
/// The source of what has happened; operators may use it to announce a policy, and for nothing else.
pub(crate) const PRODUCT: &str = "linkward";

/// One event; its format is in `events/`.
#[derive(Debug)]
pub(crate) struct Event {
    pub(crate) source: &'static str,
    pub(crate) detail_type: &'static str,
    pub(crate) detail: Value,
}

/// Puts it on the bus, and gives its id.
pub(crate) async fn send(sdk: &SdkConfig, bus: &str, event: &Event) -> anyhow::Result<String> {
    let entry = PutEventsRequestEntry::builder()
        .event_bus_name(bus)
        .source(event.source)
        .detail_type(event.detail_type)
        .detail(event.detail.to_string())
        .build();
    let client = aws_sdk_eventbridge::Client::new(sdk);
    let sent = client.put_events().entries(entry).send().await.map_err(explained);
    let sent = sent.with_context(|| format!("`{}` cannot be sent to the bus `{bus}`", event.detail_type))?;
    let entry = sent.entries().first().context("the bus answered without an entry")?;
    match (entry.event_id(), entry.error_code()) {
        (Some(id), None) => Ok(id.to_owned()),
        (_, code) => bail!(
            "the bus `{bus}` refused `{}`: {} {}",
            event.detail_type,
            code.unwrap_or("no event id"),
            entry.error_message().unwrap_or_default()
        ),
    }
}
