//! `linkward certificates revoke` and `restore`.

use std::process::ExitCode;
use std::time::Instant;

use aws_config::SdkConfig;
use policy::deny_list::Subject;
use serde_json::{Value, json};

use super::wait::{Follow, Wanted};
use super::{request, wait};
use crate::aws::{self, Event};
use crate::cli::{self, Restore, Revoke, Sender, Waiting};
use crate::consent;
use crate::output::{self, Screen};

/// `certificates revoke`.
pub(crate) fn revoke(revoke: &Revoke, screen: &Screen) -> anyhow::Result<ExitCode> {
    let subject = subject(&revoke.subject)?;
    let event = request::revocation(revoke)?;
    let question = format!("Cut off {}, until somebody restores it?", words(&subject));
    if !consent::given(revoke.consent, &question)? {
        return Ok(ExitCode::from(1));
    }
    aws::block_on(async {
        let sdk = aws::config().await;
        let authority = Some((revoke.authority.arn(), revoke.inventory.inventory_table.as_str()));
        let follow =
            Follow { sdk: &sdk, subject: &subject, wanted: Wanted::Denied, authority, waiting: &revoke.waiting };
        act(&sdk, &revoke.sender, &event, &revoke.waiting, &follow, screen).await
    })
}

/// `certificates restore`.
pub(crate) fn restore(restore: &Restore, screen: &Screen) -> anyhow::Result<ExitCode> {
    let subject = subject(&restore.subject)?;
    let event = request::withdrawal(restore)?;
    if !consent::given(restore.consent, &format!("Let {} in again?", words(&subject)))? {
        return Ok(ExitCode::from(1));
    }
    aws::block_on(async {
        let sdk = aws::config().await;
        let follow =
            Follow { sdk: &sdk, subject: &subject, wanted: Wanted::Lifted, authority: None, waiting: &restore.waiting };
        act(&sdk, &restore.sender, &event, &restore.waiting, &follow, screen).await
    })
}

/// Sends the event and, if asked to, waits for what it brings about.
async fn act(
    sdk: &SdkConfig,
    sender: &Sender,
    event: &Event,
    waiting: &Waiting,
    follow: &Follow<'_>,
    screen: &Screen,
) -> anyhow::Result<ExitCode> {
    let began = Instant::now();
    let id = aws::send(sdk, &sender.event_bus, event).await?;
    if !screen.is_json() {
        output::say(&format!("sent `{}`; event {id}", event.detail_type));
    }
    let seen = if waiting.wait { Some(wait::follow(follow, began, screen).await?) } else { None };
    if screen.is_json() {
        let times = seen
            .as_ref()
            .map_or(Value::Null, |seen| json!({ "denyList": seen.deny_list, "authority": seen.authority }));
        output::say_json(
            &json!({ "eventId": id, "detailType": event.detail_type, "detail": event.detail, "seconds": times }),
        );
    }
    Ok(ExitCode::from(u8::from(seen.is_some_and(|seen| !seen.in_time))))
}

fn subject(subject: &cli::Subject) -> anyhow::Result<Subject> {
    match (&subject.serial, &subject.identity, &subject.account) {
        (Some(serial), None, None) => Ok(Subject::SerialNumber(serial.clone())),
        (None, Some(identity), None) if identity.path().is_empty() => {
            anyhow::bail!("`{identity}` names no workload; add its path")
        }
        (None, Some(identity), None) => Ok(Subject::Identity(identity.clone())),
        (None, None, Some(account)) => Ok(Subject::Account(*account)),
        _ => anyhow::bail!("give exactly one of --serial, --identity and --account"),
    }
}

fn words(subject: &Subject) -> String {
    match subject {
        Subject::SerialNumber(serial) => format!("the certificate {serial}"),
        Subject::Identity(identity) => format!("every certificate of {identity}"),
        Subject::Account(account) => format!("everybody who comes through an endpoint of account {account}"),
    }
}
