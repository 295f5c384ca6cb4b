//! `linkward endpoints list --live`: what the approver would do now.

use std::process::ExitCode;

use anyhow::{Context as _, bail};
use aws_config::SdkConfig;
use aws_sdk_lambda::primitives::Blob;
use policy::Timestamp;
use serde_json::{Value, json};

use super::sweep::DETAIL_TYPE;
use crate::aws::explained;
use crate::cli::EndpointList;
use crate::output::{self, Cell, Screen, Style};

/// What the approver's answer lists, with the word for each.
const LISTS: [(&str, &str, Style); 5] = [
    ("accepted", "accept", Style::Good),
    ("rejected", "reject", Style::Bad),
    ("removed", "remove", Style::Bad),
    ("held", "hold", Style::Warning),
    ("unsuccessful", "unsuccessful", Style::Warning),
];

/// Asks for a dry run, and tells its answer.
pub(super) async fn list(sdk: &SdkConfig, options: &EndpointList, screen: &Screen) -> anyhow::Result<ExitCode> {
    let (mut answer, failed) = invoke(sdk, &options.function).await?;
    if let Some(account) = &options.account {
        LISTS.iter().for_each(|(list, ..)| keep_only(&mut answer, list, account.as_str()));
    }
    if screen.is_json() {
        output::say_json(&json!({ "dryRun": answer, "failed": failed }));
    } else {
        tell(&answer, screen);
        if failed {
            output::complain("linkward: the dry run ended in an error; the approver's log says why");
        }
    }
    Ok(ExitCode::from(u8::from(failed)))
}

/// The answer, and whether the run ended as an error.
pub(crate) async fn invoke(sdk: &SdkConfig, function: &str) -> anyhow::Result<(Value, bool)> {
    let event = json!({
        "version": "0",
        "id": uuid::Uuid::new_v4().to_string(),
        "detail-type": DETAIL_TYPE,
        "source": "linkward.operator",
        "account": "000000000000",
        "time": Timestamp::now().strftime("%FT%TZ").to_string(),
        "region": sdk.region().map_or("", |region| region.as_ref()),
        "resources": [],
        "detail": { "requestedBy": "linkward endpoints list --live", "dryRun": true },
    });
    let client = aws_sdk_lambda::Client::new(sdk);
    let call = client.invoke().function_name(function).payload(Blob::new(event.to_string())).send();
    let answer =
        call.await.map_err(explained).with_context(|| format!("the function `{function}` cannot be invoked"))?;
    let payload = answer.payload().map(AsRef::as_ref).unwrap_or_default();
    let document: Value = serde_json::from_slice(payload)
        .with_context(|| format!("the function `{function}` answered `{}`", String::from_utf8_lossy(payload)))?;
    if answer.function_error().is_none() {
        return Ok((document, false));
    }
    // A run with anything unsuccessful ends as an error whose message is the answer all the same.
    let message = document.get("errorMessage").and_then(Value::as_str).unwrap_or_default();
    match serde_json::from_str(message) {
        Ok(document @ Value::Object(_)) => Ok((document, true)),
        _ => bail!("the dry run failed: {message}"),
    }
}

fn keep_only(answer: &mut Value, list: &str, account: &str) {
    if let Some(entries) = answer.get_mut(list).and_then(Value::as_array_mut) {
        entries.retain(|entry| entry.get("account").and_then(Value::as_str) == Some(account));
    }
}

fn tell(answer: &Value, screen: &Screen) {
    let text = |entry: &Value, name: &str| entry.get(name).and_then(Value::as_str).unwrap_or("-").to_owned();
    let rows = LISTS.iter().flat_map(|(list, word, style)| {
        let entries = answer.get(list).and_then(Value::as_array).into_iter().flatten();
        entries.map(move |entry| {
            let reason = entry.get("reason").or_else(|| entry.get("code")).and_then(Value::as_str).unwrap_or("allowed");
            let cells = [text(entry, "endpointId"), text(entry, "account")].map(Cell::from);
            [Cell::new(*style, *word)].into_iter().chain(cells).chain([Cell::from(reason)]).collect::<Vec<_>>()
        })
    });
    let rows: Vec<Vec<Cell>> = rows.collect();
    if !rows.is_empty() {
        screen.table(&["would", "endpoint", "account", "reason"], rows);
        output::say("");
    }
    let unchanged = answer.get("unchanged").and_then(Value::as_u64).unwrap_or_default();
    output::say(&format!("{} would stay as they are", output::count(unchanged, "endpoint connection")));
}
