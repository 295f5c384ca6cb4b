//! The audit trail: one event per effect, onto the bus.

use aws_sdk_eventbridge::Client;
use aws_sdk_eventbridge::types::{PutEventsRequestEntry, PutEventsResultEntry};

use crate::{CallError, Deadline};

const SOURCE: &str = "linkward";
/// PutEvents takes no more.
const BATCH: usize = 10;
const ATTEMPTS: u32 = 5;

/// The detail-types of our events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DetailType {
    /// Another revision of the access policy is in force.
    PolicyChanged,
    /// A connection was accepted.
    EndpointAccepted,
    /// A connection was rejected, or removed.
    EndpointRejected,
    /// A connection waits for a person.
    EndpointHeld,
    /// A caller was cut off.
    CertificateRevoked,
    /// A secret has a new certificate.
    CertificateRotated,
}

impl DetailType {
    /// EventBridge's word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PolicyChanged => "Policy Changed",
            Self::EndpointAccepted => "Endpoint Accepted",
            Self::EndpointRejected => "Endpoint Rejected",
            Self::EndpointHeld => "Endpoint Held",
            Self::CertificateRevoked => "Certificate Revoked",
            Self::CertificateRotated => "Certificate Rotated",
        }
    }
}

/// A gap in the audit trail. The log has what it says.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{lost} audit events did not reach the bus `{bus}`: {cause}")]
pub struct AuditError {
    /// How many.
    pub lost: usize,
    /// Which bus.
    pub bus: String,
    /// Why the last of them did not.
    pub cause: CallError,
}

#[derive(Clone, Debug)]
pub(crate) struct AuditEvent {
    pub(crate) detail_type: DetailType,
    pub(crate) detail: String,
}

#[derive(Debug)]
pub(crate) struct Bus {
    client: Client,
    name: String,
}

impl Bus {
    pub(crate) fn new(client: Client, name: String) -> Self {
        Self { client, name }
    }

    pub(crate) async fn put(&self, events: &[AuditEvent], deadline: Deadline) -> Result<(), AuditError> {
        let mut lost = 0;
        let mut last = None;
        for batch in events.chunks(BATCH) {
            if let Err((left, cause)) = self.put_batch(batch, deadline).await {
                lost += left;
                last = Some(cause);
            }
        }
        last.map_or(Ok(()), |cause| Err(AuditError { lost, bus: self.name.clone(), cause }))
    }

    /// An answer of 200 is not success: what failed within it is put again.
    async fn put_batch(&self, batch: &[AuditEvent], deadline: Deadline) -> Result<(), (usize, CallError)> {
        let mut entries: Vec<_> = batch.iter().map(|event| self.entry(event)).collect();
        for attempt in 1.. {
            let call = self.client.put_events().set_entries(Some(entries.clone())).send();
            let answer = deadline.call(call).await.map_err(|cause| (entries.len(), cause))?;
            let results = answer.entries();
            let Some(cause) = results.iter().find_map(refused).filter(|_| answer.failed_entry_count() > 0) else {
                return Ok(());
            };
            entries = entries.into_iter().zip(results).filter(|(_, r)| refused(r).is_some()).map(|(e, _)| e).collect();
            if attempt == ATTEMPTS || !deadline.pause(attempt).await {
                return Err((entries.len(), cause));
            }
        }
        Ok(())
    }

    fn entry(&self, event: &AuditEvent) -> PutEventsRequestEntry {
        PutEventsRequestEntry::builder()
            .source(SOURCE)
            .detail_type(event.detail_type.as_str())
            .detail(&event.detail)
            .event_bus_name(&self.name)
            .build()
    }
}

fn refused(result: &PutEventsResultEntry) -> Option<CallError> {
    let message = result.error_message().unwrap_or_default().to_owned();
    result.error_code().map(|code| CallError { code: code.to_owned(), message })
}
