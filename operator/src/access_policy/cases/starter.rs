//! A starter for a file of cases: one for each kind of request that a log holds.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::bail;

use crate::access_log::{Line, Lines, Recorded, Request, route};
use crate::output;

/// Who reads more cases than these?
const MOST: usize = 1000;

/// What cases have in common of which one is enough.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Kind {
    caller: String,
    account: Option<String>,
    method: String,
    route: String,
    recorded: Recorded,
    reason: String,
    rule: Option<String>,
}

/// Prints the cases as YAML.
pub(super) fn write(logs: &[PathBuf]) -> anyhow::Result<ExitCode> {
    let mut kinds: BTreeMap<Kind, (String, String)> = BTreeMap::new();
    let mut dropped = 0_u64;
    Lines::new(logs).for_each(|_, line| {
        let Some(Ok(Line::Request(request))) = line.map(Line::parse) else { return };
        let kind = Kind::of(&request);
        if kinds.len() < MOST || kinds.contains_key(&kind) {
            kinds.entry(kind).or_insert_with(|| (request.path.to_string(), request.timestamp.to_string()));
        } else {
            dropped += 1;
        }
    })?;
    if kinds.is_empty() {
        bail!("no request in the log that a policy decided; is this what `telemetry.accessLog` writes?");
    }
    output::say(
        "# Made from an access log: one case for each kind of request. Keep what should stay so, and change the rest.",
    );
    output::say("version: 1\ncases:");
    kinds.iter().for_each(|(kind, (path, timestamp))| output::say(&kind.case(path, timestamp)));
    if dropped > 0 {
        output::complain(&format!(
            "{} of further kinds left out: {MOST} cases are enough",
            output::count(dropped, "request")
        ));
    }
    Ok(ExitCode::SUCCESS)
}

impl Kind {
    fn of(request: &Request<'_>) -> Self {
        let text = |text: &crate::access_log::Text<'_>| text.to_string();
        Self {
            caller: text(&request.caller),
            account: request.account.as_ref().map(text),
            method: text(&request.method),
            route: route(&request.path),
            recorded: request.recorded,
            reason: text(&request.reason),
            rule: request.rule.as_ref().map(text),
        }
    }

    fn case(&self, path: &str, timestamp: &str) -> String {
        // JSON strings are YAML too, whatever is in them.
        let quoted = |text: &str| serde_json::Value::from(text).to_string();
        let workload = self.caller.rsplit('/').next().unwrap_or_default();
        let expect = if self.recorded == Recorded::Allow { "allow" } else { "deny" };
        let mut lines = vec![
            format!("  - name: {}", quoted(&format!("{workload} {} {}: {}", self.method, self.route, self.reason))),
            format!("    identity: {}", quoted(&self.caller)),
        ];
        lines.extend(self.account.as_deref().map(|account| format!("    account: {}", quoted(account))));
        lines.push(format!("    method: {}", quoted(&self.method)));
        lines.push(format!("    path: {}", quoted(path)));
        lines.push(format!("    at: {}", quoted(timestamp)));
        lines.push(format!("    expect: {expect}"));
        lines.push(format!("    reason: {}", self.reason));
        lines.extend(self.rule.as_deref().map(|rule| format!("    rule: {}", quoted(rule))));
        lines.join("\n")
    }
}
