//! Step 5: an operator cuts a caller off, in the middle of what it is doing.

use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use local_stack::LocalStack;
use policy::{SerialNumber, Timestamp};
use serde_json::Value;
use tokio::task::JoinHandle;

use super::calls::expect;
use super::certificates::fetch_crl;
use super::client::{self, Connection, Stream};
use super::gate::Gate;
use super::provider::{BUS, Provider};
use super::report::{Progress, Report, Step, Stopped};
use super::upstream::ENDLESS_REPORT;
use super::wait::until;

const INVOICE: &str = "/v1/invoices/7";
/// How long after the event the caller may still be connected: the function, one refresh of the deny list, the runtime's quarter second.
/// Generous for a busy machine; what it took is printed.
const CUT_OFF_WITHIN: Duration = Duration::from_secs(30);

/// How long a connection is looked at that should not have come about.
const ENDS_AT_ONCE: Duration = Duration::from_millis(500);

/// What is open when the event comes.
struct Open {
    idle: Connection,
    streaming: Stream,
    bystander: Stream,
}

/// Opens connections, revokes, and looks at what is left.
pub(crate) async fn revoke(
    stack: &LocalStack,
    provider: &Provider,
    gate: &Gate,
    serial: &SerialNumber,
    report: &mut Report,
) -> Result<(), Stopped> {
    report.chapter("5. A live revocation");
    let quiet = Progress::default();
    let step = Step { name: "openConnections", title: "the caller has connections open, another caller too" };
    let open = report.step(step, &quiet, open(gate)).await?;
    let step = Step { name: "revocation", title: "an operator revokes it: open connections are closed" };
    report.step(step, &quiet, cut_off(stack, provider, serial, open.idle.ended, open.streaming.ended)).await?;
    let step = Step { name: "newConnectionRefused", title: "a new connection with that certificate gets nowhere" };
    drop(report.step(step, &quiet, refused(gate)).await);
    let step = Step { name: "bystander", title: "the other caller noticed nothing" };
    drop(report.step(step, &quiet, undisturbed(gate, &open.bystander)).await);
    let step = Step { name: "authorityRevoked", title: "the authority has revoked it as well: its CRL says so" };
    report.step(step, &quiet, in_crl(stack, provider, serial)).await?;
    let step = Step { name: "crlInForce", title: "with that CRL in force, not even the handshake succeeds" };
    report.step(step, &quiet, refused_in_handshake(stack, provider, gate)).await
}

async fn open(gate: &Gate) -> anyhow::Result<(Open, String)> {
    let mut idle = gate.orders.open(gate.billing.address).await?;
    expect(&idle.call(INVOICE).await?, 200, "")?;
    let streaming = gate.orders.stream(gate.billing.address, ENDLESS_REPORT).await?;
    let bystander = gate.ledger.stream(gate.billing.address, ENDLESS_REPORT).await?;
    until("the reports to arrive", async || Ok((streaming.frames() > 3 && bystander.frames() > 3).then_some(())))
        .await?;
    let told = "orders-api: one idle over HTTP/1.1, one in the middle of a report over HTTP/2; ledger: one in the middle of a report";
    Ok((Open { idle, streaming, bystander }, told.to_owned()))
}

async fn cut_off(
    stack: &LocalStack,
    provider: &Provider,
    serial: &SerialNumber,
    idle: JoinHandle<hyper::Result<()>>,
    streaming: JoinHandle<()>,
) -> anyhow::Result<((), String)> {
    if idle.is_finished() || streaming.is_finished() {
        bail!("a connection was closed before anybody revoked anything");
    }
    let (began, sent) = (Instant::now(), Timestamp::now());
    send(stack, provider, serial).await?;
    let idle = ended(idle, began, "idle connection");
    let streaming = ended(streaming, began, "streaming connection");
    let (denied, idle, streaming) = tokio::join!(denied(stack, provider, serial), idle, streaming);
    let told = format!(
        "deny list after {:.2} s, report cut after {:.2} s, idle connection closed after {:.2} s",
        denied?.duration_since(sent).as_secs_f64(),
        streaming?,
        idle?
    );
    Ok(((), told))
}

/// After how many seconds the connection was over.
async fn ended<T>(connection: JoinHandle<T>, began: Instant, what: &str) -> anyhow::Result<f64> {
    let ended = tokio::time::timeout(CUT_OFF_WITHIN, connection).await;
    ended.with_context(|| format!("the {what} was still open after {} s", CUT_OFF_WITHIN.as_secs()))??;
    Ok(began.elapsed().as_secs_f64())
}

/// The event an operator sends; `linkward certificates revoke` will be the command for it.
async fn send(stack: &LocalStack, provider: &Provider, serial: &SerialNumber) -> anyhow::Result<()> {
    let detail = serde_json::json!({
        "certificateAuthorityArn": provider.authority.arn,
        "serialNumber": serial.as_str(),
        "reason": "KEY_COMPROMISE",
        "requestedBy": "demo",
    });
    let event = PutEventsRequestEntry::builder()
        .event_bus_name(BUS)
        .source("linkward.operator")
        .detail_type("Certificate Revocation Requested")
        .detail(detail.to_string())
        .build();
    let client = aws_sdk_eventbridge::Client::new(&stack.sdk_config(&stack.provider()).await);
    let sent = client.put_events().entries(event).send().await?;
    match sent.failed_entry_count() {
        0 => Ok(()),
        _ => bail!("the bus refused the event: {:?}", sent.entries()),
    }
}

/// When the serial number came into the deny list.
async fn denied(stack: &LocalStack, provider: &Provider, serial: &SerialNumber) -> anyhow::Result<Timestamp> {
    let client = aws_sdk_dynamodb::Client::new(&stack.sdk_config(&stack.provider()).await);
    until("the serial number in the deny list", async || {
        let key = AttributeValue::S(format!("serial#{serial}"));
        let item = client.get_item().table_name(&provider.tables.deny_list).key("pk", key).send().await?.item;
        let changed = item.as_ref().and_then(|item| item.get("changedAt")?.as_s().ok());
        Ok(changed.map(|time| time.parse()).transpose()?)
    })
    .await
}

async fn refused(gate: &Gate) -> anyhow::Result<((), String)> {
    let answer = gate.orders.call(gate.billing.address, INVOICE).await?;
    expect(&answer, 401, "certificateRevoked")?;
    Ok(((), format!("GET {INVOICE} → 401 certificateRevoked")))
}

async fn undisturbed(gate: &Gate, bystander: &Stream) -> anyhow::Result<((), String)> {
    let before = bystander.frames();
    until("more of the ledger's report", async || Ok((bystander.frames() > before).then_some(()))).await?;
    expect(&gate.ledger.call(gate.billing.address, INVOICE).await?, 200, "")?;
    Ok(((), format!("its report goes on, and GET {INVOICE} → 200")))
}

async fn in_crl(stack: &LocalStack, provider: &Provider, serial: &SerialNumber) -> anyhow::Result<((), String)> {
    let (bucket, key) = (&provider.authority.crl_bucket, &provider.authority.crl_key);
    let wanted = der_integer(serial)?;
    let size = until("the serial number in the CRL", async || {
        let crl = stack.object(bucket, key).await?;
        Ok(crl.windows(wanted.len()).any(|window| window == wanted).then_some(crl.len()))
    })
    .await?;
    Ok(((), format!("s3://{bucket}/{key}, {size} bytes, holds serial number {serial}")))
}

/// The third layer: whoever loses the deny list still has the CRL.
async fn refused_in_handshake(stack: &LocalStack, provider: &Provider, gate: &Gate) -> anyhow::Result<((), String)> {
    let began = Instant::now();
    fetch_crl(stack, &provider.authority, &gate.certificates.crl).await?;
    let alert = until("a refused handshake", async || {
        // Not moved apart: a connection that nobody can send on any more would end by itself.
        let mut connection = gate.orders.open(gate.billing.address).await?;
        let ended = tokio::time::timeout(ENDS_AT_ONCE, &mut connection.ended).await;
        let Ok(Ok(Err(error))) = ended else { return Ok(None) };
        Ok(client::alert(&anyhow::Error::from(error)))
    })
    .await?;
    let told = format!("TLS alert {alert:?}, {:.2} s after the new CRL was there", began.elapsed().as_secs_f64());
    let revoked = |line: &Value| line.get("cause").is_some_and(|cause| cause == "revoked");
    gate.runtime.logged("a revoked certificate", revoked).await?;
    expect(&gate.ledger.call(gate.billing.address, INVOICE).await?, 200, "")?;
    Ok(((), told))
}

/// The serial number as a DER INTEGER, as it stands in a CRL's entry: twenty bytes of chance, which nothing else in there has.
fn der_integer(serial: &SerialNumber) -> anyhow::Result<Vec<u8>> {
    let digits = serial.as_str();
    let digits = if digits.len().is_multiple_of(2) { digits.to_owned() } else { format!("0{digits}") };
    let pairs = digits.as_bytes().chunks(2).map(|pair| anyhow::Ok(u8::from_str_radix(std::str::from_utf8(pair)?, 16)?));
    let mut bytes = pairs.collect::<anyhow::Result<Vec<_>>>()?;
    // A leading one bit would make it negative.
    if bytes.first().is_some_and(|first| *first >= 0x80) {
        bytes.insert(0, 0);
    }
    let length = u8::try_from(bytes.len())?;
    Ok([&[0x02, length], bytes.as_slice()].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serial_numbers_are_looked_for_as_a_crl_writes_them() {
        for (serial, der) in [("0a1b", vec![2, 2, 0x0a, 0x1b]), ("ff", vec![2, 2, 0, 0xff]), ("7", vec![2, 1, 7])] {
            assert_eq!(der_integer(&serial.parse().unwrap()).unwrap(), der, "{serial}");
        }
    }
}
