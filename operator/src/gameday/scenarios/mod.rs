//! The scenarios, each in a function that says what it saw, or what surprised.

mod beside;
mod certificates;
mod endpoint;
mod lab;
mod revocation;

use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use policy::Timestamp;
use rustls::AlertDescription;
use serde_json::Value;

use super::field::Field;
use super::scenario::{Scenario, Seen};
use super::undo::Undo;
use crate::demo::client::{self, Caller};

/// How long a connection is looked at that should have been refused.
const REFUSED_WITHIN: Duration = Duration::from_secs(5);
/// How often it is looked again.
const AGAIN: Duration = Duration::from_millis(50);

/// Plays one; none when the field lacks what it needs, with what that is.
pub(super) async fn play(scenario: Scenario, field: &Field, undo: &Undo) -> anyhow::Result<Seen> {
    match scenario {
        Scenario::Expired => certificates::expired(field).await,
        Scenario::NotYetValid => certificates::not_yet_valid(field).await,
        Scenario::ForeignAuthority => certificates::foreign(field).await,
        Scenario::Unlisted => certificates::unlisted(field).await,
        Scenario::Stolen => certificates::stolen(field).await,
        Scenario::Revoked => revocation::revoked(field, undo).await,
        Scenario::LiveRevocation => revocation::live(field, undo).await,
        Scenario::EndpointDenied => endpoint::denied(field, undo).await,
        Scenario::StaleCrl => beside::stale_crl(field).await,
        Scenario::PolicyOutage => beside::policy_outage(field).await,
    }
}

/// What a scenario needs and the field does not have.
pub(super) fn lacking(scenario: Scenario, field: &Field) -> Option<&'static str> {
    match scenario {
        Scenario::Stolen if field.elsewhere.is_none() => Some("the target names no `otherAddress`"),
        Scenario::EndpointDenied if field.stranger.is_none() || field.service.is_none() => {
            Some("the target names no `stranger`, or no endpoint service is named")
        }
        scenario if scenario.is_beside() && field.runtime.is_none() => {
            Some("no `api-runtime` is here; add `--runtime FILE`")
        }
        _ => None,
    }
}

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Ended {
    Answered(u16, String),
    Refused(AlertDescription),
}

impl std::fmt::Display for Ended {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Answered(status, reason) => f.write_str(format!("{status} {reason}").trim_end()),
            Self::Refused(alert) => write!(f, "TLS alert {alert:?}"),
        }
    }
}

/// One call on a connection of its own. TLS 1.3 lets a client believe in a handshake that the server refuses a moment later; what it has
/// sent by then may make the system drop the alert, so that a connection that says nothing has to ask for it.
async fn call(caller: &Caller, through: std::net::SocketAddr, path: &str) -> anyhow::Result<Ended> {
    let mut connection = match caller.open(through).await {
        Ok(connection) => connection,
        Err(error) => return client::alert(&error).map(Ended::Refused).ok_or(error),
    };
    match connection.call(path).await {
        Ok(answer) => Ok(Ended::Answered(answer.status, answer.text("reason").to_owned())),
        Err(error) => match client::alert(&error) {
            Some(alert) => Ok(Ended::Refused(alert)),
            None => refusal(caller, through).await.map(Ended::Refused).map_err(|_| error),
        },
    }
}

/// The alert by which the server refuses a connection that says nothing.
async fn refusal(caller: &Caller, through: std::net::SocketAddr) -> anyhow::Result<AlertDescription> {
    let connection = match caller.open(through).await {
        Ok(connection) => connection,
        Err(error) => return client::alert(&error).ok_or(error),
    };
    let ended = tokio::time::timeout(REFUSED_WITHIN, connection.ended).await.context("the connection stays open")??;
    let error = anyhow::Error::from(ended.err().context("the connection was closed without a word")?);
    client::alert(&error).ok_or(error)
}

/// A call that must be answered with 200.
async fn permitted(caller: &Caller, field: &Field) -> anyhow::Result<()> {
    match call(caller, field.through, &field.path).await? {
        Ended::Answered(200, _) => Ok(()),
        other => bail!("the test identity is not permitted `{}` in the first place: {other}", field.path),
    }
}

/// Asks again until there is an answer, for as long as the field is patient.
async fn until<T>(
    field: &Field,
    what: &str,
    mut ask: impl AsyncFnMut() -> anyhow::Result<Option<T>>,
) -> anyhow::Result<T> {
    let began = Instant::now();
    loop {
        let asked = ask().await;
        match asked {
            Ok(Some(answer)) => return Ok(answer),
            Err(error) if began.elapsed() > field.patience => {
                return Err(error.context(format!("waited {} s for {what}", field.patience.as_secs())));
            }
            Ok(None) if began.elapsed() > field.patience => bail!("waited {} s for {what}", field.patience.as_secs()),
            Ok(None) | Err(_) => tokio::time::sleep(AGAIN).await,
        }
    }
}

/// Looks for the cause in the access log, where it can be read; words for what is told.
async fn logged_cause(field: &Field, cause: &str, since: Timestamp) -> anyhow::Result<String> {
    let Some(log) = &field.access_log else { return Ok(String::new()) };
    let is_it = |line: &Value| {
        let at: Option<Timestamp> = line.get("timestamp").and_then(Value::as_str).and_then(|time| time.parse().ok());
        // The log's clock is ours; its times are cut to microseconds.
        at.is_some_and(|at| at + Duration::from_millis(1) >= since)
            && line.get("cause").is_some_and(|found| found == cause)
    };
    let what = format!("`{cause}` in the access log");
    let found = until(field, &what, async || {
        let text = tokio::fs::read_to_string(log).await?;
        Ok(text.lines().filter_map(|line| serde_json::from_str(line).ok()).find(is_it))
    });
    found.await.context("refused, but not for the right cause")?;
    Ok(format!("; the log says {cause}"))
}
