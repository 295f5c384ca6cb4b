//! Revocations: of a certificate, and of a busy caller in the middle of its requests.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use aws_sdk_dynamodb::types::AttributeValue;
use policy::SerialNumber;
use rustls::AlertDescription;
use serde_json::json;
use tokio::task::JoinSet;

use super::{Ended, call, permitted, until};
use crate::aws::{self, Event, explained};
use crate::demo::client::Caller;
use crate::gameday::field::Field;
use crate::gameday::scenario::Seen;
use crate::gameday::undo::{Effect, Undo};

/// Connections of the busy caller.
const BUSY: usize = 12;
/// How long it is busy before anybody revokes it.
const WARM: Duration = Duration::from_millis(500);

/// Asks for the revocation, as an operator does; what is to be undone is told first.
async fn revoke(field: &Field, undo: &Undo, serial: &SerialNumber) -> anyhow::Result<()> {
    undo.will(Effect::Denied(serial.clone()));
    let detail = json!({
        "certificateAuthorityArn": field.authority,
        "serialNumber": serial.as_str(),
        "reason": "UNSPECIFIED",
        "requestedBy": "linkward gameday",
    });
    let event = Event { source: aws::OPERATOR, detail_type: "Certificate Revocation Requested", detail };
    aws::send(&field.sdk, &field.event_bus, &event).await.map(drop)
}

/// Waits until the deny list holds it.
async fn denied(field: &Field, serial: &SerialNumber, began: Instant) -> anyhow::Result<f64> {
    let client = aws_sdk_dynamodb::Client::new(&field.sdk);
    until(field, "the serial number in the deny list", async || {
        let key = AttributeValue::S(format!("serial#{serial}"));
        let get = client.get_item().table_name(&field.deny_list_table).key("pk", key).consistent_read(true);
        let got = get.send().await.map_err(explained).context("the deny list cannot be read")?;
        Ok(got.item.map(|_| began.elapsed().as_secs_f64()))
    })
    .await
}

fn is_refused(ended: &Ended) -> bool {
    matches!(ended, Ended::Answered(401, reason) if reason == "certificateRevoked")
        || *ended == Ended::Refused(AlertDescription::CertificateRevoked)
}

/// Waits until a new call is refused for the revocation; before that it may still be answered, and nothing else.
async fn refused(field: &Field, caller: &Caller, began: Instant) -> anyhow::Result<(Ended, f64)> {
    let waited = until(field, "a refusal", async || match call(caller, field.through, &field.path).await {
        Ok(ended) if is_refused(&ended) => Ok(Some(Ok((ended, began.elapsed().as_secs_f64())))),
        Ok(Ended::Answered(200, _)) => Ok(None),
        Ok(other) => Ok(Some(Err(other))),
        // Cut in the middle of a call.
        Err(error) => Err(error),
    });
    waited.await?.map_err(|other| anyhow::anyhow!("{other} instead of 401 certificateRevoked"))
}

pub(super) async fn revoked(field: &Field, undo: &Undo) -> anyhow::Result<Seen> {
    let (caller, issued) = field.fresh_caller("revoked").await?;
    permitted(&caller, field).await?;
    let began = Instant::now();
    revoke(field, undo, &issued.serial).await?;
    let (listed, refused) = tokio::join!(denied(field, &issued.serial, began), refused(field, &caller, began));
    let (listed, (ended, seconds)) = (listed?, refused?);
    let words = format!("deny list after {listed:.2} s, {ended} after {seconds:.2} s");
    Ok(Seen { words, detection: Some(listed), propagation: Some(seconds) })
}

pub(super) async fn live(field: &Field, undo: &Undo) -> anyhow::Result<Seen> {
    let (caller, issued) = field.fresh_caller("busy").await?;
    permitted(&caller, field).await?;
    let answered: Arc<AtomicU64> = Arc::default();
    let mut connections = JoinSet::new();
    for _ in 0..BUSY {
        let open = caller.open(field.through).await?;
        connections.spawn(busy(open, field.path.clone(), Arc::clone(&answered)));
    }
    // One that says nothing must be closed, too.
    let idle = caller.open(field.through).await?.ended;
    connections.spawn(async move {
        idle.await.ok();
        Instant::now()
    });
    tokio::time::sleep(WARM).await;
    if connections.len() != BUSY + 1 || answered.load(Ordering::Relaxed) == 0 {
        bail!("the caller was not busy before anybody revoked it");
    }
    let began = Instant::now();
    revoke(field, undo, &issued.serial).await?;
    let cut = tokio::time::timeout(field.patience, async {
        let mut last = began;
        while let Some(ended) = connections.join_next().await {
            last = last.max(ended?);
        }
        anyhow::Ok(last.duration_since(began).as_secs_f64())
    });
    let (listed, cut) = tokio::join!(denied(field, &issued.serial, began), cut);
    let cut = cut.with_context(|| format!("connections were still open after {} s", field.patience.as_secs()))??;
    let (ended, _) = refused(field, &caller, began).await?;
    let words = format!(
        "deny list after {:.2} s; {} connections cut after {cut:.2} s, {} requests answered until then; now {ended}",
        listed.as_ref().copied().unwrap_or_default(),
        BUSY + 1,
        answered.load(Ordering::Relaxed)
    );
    Ok(Seen { words, detection: Some(listed?), propagation: Some(cut) })
}

/// Asks without a pause until the connection is over; gives when that was.
async fn busy(mut open: crate::demo::client::Connection, path: String, answered: Arc<AtomicU64>) -> Instant {
    while let Ok(answer) = open.call(&path).await {
        if answer.status == 200 {
            answered.fetch_add(1, Ordering::Relaxed);
        }
    }
    open.ended.await.ok();
    Instant::now()
}
