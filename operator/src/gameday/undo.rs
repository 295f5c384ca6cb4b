//! What a game day did to its target, and how it is undone: at the end, after a failure, and after Ctrl-C.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use policy::SerialNumber;
use serde_json::json;

use super::field::Field;
use crate::aws::signed::EC2;
use crate::aws::{self, Event};

/// For all of it: it must end also when the target does not answer.
const WITHIN: Duration = Duration::from_secs(120);

/// One thing to undo.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// An entry of the deny list. The certificate stays revoked at its authority, until it ends.
    Denied(SerialNumber),
    /// An endpoint of the stranger's.
    Endpoint(String),
}

/// What is still to be undone; told before it is done, so that nothing is ever forgotten.
#[derive(Clone, Debug, Default)]
pub(super) struct Undo(Arc<Mutex<Vec<Effect>>>);

impl Undo {
    pub(super) fn will(&self, effect: Effect) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(effect);
    }

    /// Undoes all of it, the last thing first; says of each whether that went well.
    pub(super) async fn run(&self, field: &Field) -> Vec<(String, anyhow::Result<()>)> {
        let effects = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        let mut undone = Vec::new();
        for effect in effects.iter().rev() {
            let (words, work) = match effect {
                Effect::Denied(serial) => {
                    (format!("the denial of {serial} is withdrawn"), withdraw(field, serial).await)
                }
                Effect::Endpoint(id) => (format!("the endpoint {id} is deleted"), delete(field, id).await),
            };
            undone.push((words, work));
        }
        undone
    }
}

async fn withdraw(field: &Field, serial: &SerialNumber) -> anyhow::Result<()> {
    let detail = json!({ "serialNumber": serial.as_str(), "requestedBy": "linkward gameday" });
    let event = Event { source: aws::OPERATOR, detail_type: "Certificate Denial Withdrawn", detail };
    let sent = tokio::time::timeout(WITHIN, aws::send(&field.sdk, &field.event_bus, &event)).await;
    sent.context("the bus does not answer")?.map(drop)
}

async fn delete(field: &Field, endpoint: &str) -> anyhow::Result<()> {
    let Some(stranger) = &field.stranger else { return Ok(()) };
    let named = [("VpcEndpointId.1", endpoint)];
    let deleted = stranger.signed.query(&EC2, "DeleteVpcEndpoints", &named);
    let answer = tokio::time::timeout(WITHIN, deleted).await.context("EC2 does not answer")??;
    match answer.text("unsuccessful/item/error/code") {
        "" => Ok(()),
        code => anyhow::bail!("{code}: delete it by hand"),
    }
}
