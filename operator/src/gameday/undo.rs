//! What a game day did to its target, and how it is undone: at the end, after a failure, and after Ctrl-C.

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use aws_sdk_dynamodb::types::AttributeValue;
use policy::SerialNumber;
use serde_json::json;
use tokio::task::JoinHandle;

use super::field::Field;
use crate::aws::signed::EC2;
use crate::aws::{self, Event, Item, explained};

/// For all of it: it must end also when the target does not answer.
const WITHIN: Duration = Duration::from_secs(120);
/// Undoing is waited for also by those who are not patient.
const LEAST: Duration = Duration::from_secs(30);
const AGAIN: Duration = Duration::from_millis(200);
/// An event that was sent has arrived by then, or does not arrive.
const NEVER_AFTER: Duration = Duration::from_secs(15);
const ASK_AGAIN_AFTER: Duration = Duration::from_secs(5);

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
pub(super) struct Undo {
    effects: Arc<Mutex<Vec<Effect>>>,
    /// What was begun and must come to its end, whatever interrupts the game day: only then it is known what to undo.
    begun: Arc<Mutex<Vec<JoinHandle<()>>>>,
}

impl Undo {
    pub(super) fn will(&self, effect: Effect) {
        taken(&self.effects).push(effect);
    }

    /// Does something whose effect is only known afterwards; it is not broken off.
    pub(super) async fn whole<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> anyhow::Result<T> {
        let (sender, receiver) = tokio::sync::oneshot::channel();
        let task = tokio::spawn(async move {
            // Nobody may be there to hear of it any more.
            drop(sender.send(work.await));
        });
        taken(&self.begun).push(task);
        receiver.await.context("broken off")
    }

    /// Undoes all of it, the last thing first; says of each whether that went well.
    pub(super) async fn run(&self, field: &Field) -> Vec<(String, anyhow::Result<()>)> {
        let begun = std::mem::take(&mut *taken(&self.begun));
        for task in begun {
            drop(tokio::time::timeout(WITHIN, task).await);
        }
        let effects = std::mem::take(&mut *taken(&self.effects));
        let mut undone = Vec::new();
        for effect in effects.iter().rev() {
            undone.push(match effect {
                Effect::Denied(serial) => match withdraw(field, serial).await {
                    Ok(false) => (format!("{serial} was never denied"), Ok(())),
                    done => (format!("the denial of {serial} is withdrawn"), done.map(drop)),
                },
                Effect::Endpoint(id) => (format!("the endpoint {id} is deleted"), delete(field, id).await),
            });
        }
        undone
    }
}

fn taken<T>(list: &Mutex<T>) -> MutexGuard<'_, T> {
    list.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Withdraws it, until the deny list says so. What is not there cannot be withdrawn, and may still be on its way: it is waited for. False when
/// it never came.
async fn withdraw(field: &Field, serial: &SerialNumber) -> anyhow::Result<bool> {
    let began = Instant::now();
    let mut asked: Option<Instant> = None;
    let done = async {
        loop {
            match denial(field, serial).await? {
                Denial::Withdrawn => return anyhow::Ok(true),
                Denial::None if began.elapsed() > NEVER_AFTER => return Ok(false),
                Denial::InForce if asked.is_none_or(|asked| asked.elapsed() > ASK_AGAIN_AFTER) => {
                    ask(field, serial).await?;
                    asked = Some(Instant::now());
                }
                _ => tokio::time::sleep(AGAIN).await,
            }
        }
    };
    let done = tokio::time::timeout(field.patience.max(LEAST), done).await;
    done.context("the deny list does not say so: `linkward certificates restore --serial`")?
}

/// What the deny list says of a certificate.
enum Denial {
    None,
    InForce,
    Withdrawn,
}

async fn denial(field: &Field, serial: &SerialNumber) -> anyhow::Result<Denial> {
    let client = aws_sdk_dynamodb::Client::new(&field.sdk);
    let key = AttributeValue::S(format!("serial#{serial}"));
    let get = client.get_item().table_name(&field.deny_list_table).key("pk", key).consistent_read(true);
    let item = get.send().await.map_err(explained).context("the deny list cannot be read")?.item.map(Item::new);
    Ok(match item {
        None => Denial::None,
        Some(item) if item.is("withdrawn") => Denial::Withdrawn,
        Some(_) => Denial::InForce,
    })
}

async fn ask(field: &Field, serial: &SerialNumber) -> anyhow::Result<()> {
    let detail = json!({ "serialNumber": serial.as_str(), "requestedBy": "linkward gameday" });
    let event = Event { source: aws::OPERATOR, detail_type: "Certificate Denial Withdrawn", detail };
    aws::send(&field.sdk, &field.event_bus, &event).await.map(drop)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_was_begun_comes_to_its_end_though_nobody_waits_for_it() {
        let undo = Undo::default();
        let (late, began) = (undo.clone(), tokio::sync::oneshot::channel::<()>());
        let work = undo.whole(async move {
            began.1.await.ok();
            late.will(Effect::Endpoint("vpce-0a".to_owned()));
        });
        assert!(tokio::time::timeout(Duration::from_millis(20), work).await.is_err(), "interrupted");
        began.0.send(()).unwrap();
        let begun = std::mem::take(&mut *taken(&undo.begun));
        for task in begun {
            task.await.unwrap();
        }
        assert_eq!(*taken(&undo.effects), [Effect::Endpoint("vpce-0a".to_owned())]);
    }
}
