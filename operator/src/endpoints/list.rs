//! `linkward endpoints list`.

use std::process::ExitCode;

use policy::Timestamp;
use serde_json::{Value, json};

use super::dry_run;
use crate::aws::{self, Item};
use crate::cli::EndpointList;
use crate::output::{self, Cell, Screen, Style};

/// `endpoints list`.
pub(crate) fn list(options: &EndpointList, screen: &Screen) -> anyhow::Result<ExitCode> {
    aws::block_on(async {
        let sdk = aws::config().await;
        if options.live {
            return dry_run::list(&sdk, options, screen).await;
        }
        let mut items = aws::scan(&sdk, &options.inventory_table).await?;
        items.retain(|item| wanted(item, options));
        items.sort_by(|a, b| key(a).cmp(&key(b)));
        if screen.is_json() {
            output::say_json(&json!({ "endpoints": items.iter().map(document).collect::<Vec<_>>() }));
        } else {
            tell(&items, screen);
        }
        Ok(ExitCode::SUCCESS)
    })
}

fn wanted(item: &Item, options: &EndpointList) -> bool {
    let is = |name: &str, wanted: Option<&str>| wanted.is_none_or(|wanted| item.text(name) == Some(wanted));
    !item.is("withdrawn")
        && is("account", options.account.as_ref().map(policy::AccountId::as_str))
        && is("state", options.state.as_deref())
        && is("verdict", options.verdict.as_deref())
}

fn key(item: &Item) -> (Option<&str>, Option<&str>) {
    (item.text("account"), item.text("endpointId"))
}

fn tell(items: &[Item], screen: &Screen) {
    let now = Timestamp::now();
    let text = |item: &Item, name: &str| item.text(name).unwrap_or("-").to_owned();
    let row = |item: &Item| {
        let style = match item.text("verdict") {
            Some("accept") => Style::Good,
            Some("reject") => Style::Bad,
            _ => Style::Warning,
        };
        let age = item.time("createdAt").map_or("-".to_owned(), |created| output::age(created, now));
        let delisted =
            item.time("delistedSince").map_or(String::new(), |since| format!("delisted {}", output::age(since, now)));
        vec![
            text(item, "endpointId").into(),
            text(item, "account").into(),
            text(item, "consumer").into(),
            text(item, "serviceId").into(),
            text(item, "state").into(),
            age.into(),
            Cell::new(style, text(item, "verdict")),
            text(item, "reason").into(),
            Cell::new(Style::Warning, delisted),
        ]
    };
    if !items.is_empty() {
        let head = ["endpoint", "account", "name", "service", "state", "age", "verdict", "reason", ""];
        screen.table(&head, items.iter().map(row).collect());
        output::say("");
    }
    output::say(&output::count(items.len() as u64, "endpoint connection"));
}

fn document(item: &Item) -> Value {
    json!({
        "endpointId": item.text("endpointId"),
        "account": item.text("account"),
        "name": item.text("consumer"),
        "serviceId": item.text("serviceId"),
        "state": item.text("state"),
        "createdAt": item.text("createdAt"),
        "verdict": item.text("verdict"),
        "reason": item.text("reason"),
        "delistedSince": item.text("delistedSince"),
        "missingSince": item.text("missingSince"),
        "policyRevision": item.text("policyRevision"),
        "changedAt": item.text("changedAt"),
    })
}
