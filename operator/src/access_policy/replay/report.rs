//! How a replay is told.

use serde_json::{Value, json};

use super::tally::{Change, Group, Key, Tally};
use crate::access_log::Recorded;
use crate::output::{self, Cell, Screen, Style};

/// So many groups of each kind are shown to people; machines get all.
const SHOWN: usize = 50;

pub(crate) fn report(tally: &Tally, screen: &Screen) {
    if screen.is_json() {
        output::say_json(&document(tally));
        return;
    }
    section(tally, Change::NewlyDenied, screen, Style::Bad, "Newly denied");
    section(tally, Change::NewlyAllowed, screen, Style::Warning, "Newly allowed");
    output::say(&summary(tally));
    if let Some(words) = left_out(tally) {
        screen.line(Style::Dim, &words);
    }
}

fn section(tally: &Tally, change: Change, screen: &Screen, style: Style, title: &str) {
    let groups = tally.groups(change);
    if groups.is_empty() {
        return;
    }
    screen.line(style, title);
    let rows: Vec<Vec<Cell>> = groups.iter().take(SHOWN).map(|(key, group)| row(key, group)).collect();
    screen.table(&["requests", "caller", "method", "route", "was", "now"], rows);
    if let Some(more) = groups.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        output::say(&format!("… and {more} more groups; `--output json` has them all"));
    }
    output::say("");
}

fn row(key: &Key, group: &Group) -> Vec<Cell> {
    let reason = |reason: &str, rule: Option<&String>| match rule {
        Some(rule) => format!("{reason} by {rule}"),
        None => reason.to_owned(),
    };
    let passed = if key.before.0 == Recorded::AuditDeny { ", let pass" } else { "" };
    vec![
        output::thousands(group.requests).into(),
        key.caller.as_str().into(),
        key.method.as_str().into(),
        key.route.as_str().into(),
        format!("{}{passed}", reason(&key.before.1, key.before.2.as_ref())).into(),
        reason(key.after.0, key.after.1.as_ref()).into(),
    ]
}

fn summary(tally: &Tally) -> String {
    let audit = if tally.audit_denied > 0 {
        format!(", {} denied and let pass by audit mode as before", output::thousands(tally.audit_denied))
    } else {
        String::new()
    };
    format!(
        "{} decided again: {} newly denied, {} newly allowed, {} as before{audit}.",
        output::count(tally.requests(), "request"),
        output::thousands(tally.newly_denied),
        output::thousands(tally.newly_allowed),
        output::thousands(tally.as_before),
    )
}

fn left_out(tally: &Tally) -> Option<String> {
    let parts = [
        (tally.undecided, "refused before the policy was asked"),
        (tally.other_events, "other events"),
        (tally.malformed, "malformed"),
    ];
    let parts: Vec<String> = parts
        .into_iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, what)| format!("{} {what}", output::thousands(number)))
        .collect();
    (!parts.is_empty()).then(|| format!("Not decided again: {}.", parts.join(", ")))
}

fn document(tally: &Tally) -> Value {
    let groups = |change| tally.groups(change).into_iter().map(group_json).collect::<Vec<_>>();
    json!({
        "lines": tally.lines,
        "requests": tally.requests(),
        "asBefore": tally.as_before,
        "newlyDenied": tally.newly_denied,
        "newlyAllowed": tally.newly_allowed,
        "auditDenied": tally.audit_denied,
        "undecided": tally.undecided,
        "otherEvents": tally.other_events,
        "malformed": tally.malformed,
        "denied": groups(Change::NewlyDenied),
        "allowed": groups(Change::NewlyAllowed),
    })
}

fn group_json((key, group): (&Key, &Group)) -> Value {
    json!({
        "callerId": key.caller,
        "method": key.method,
        "route": key.route,
        "requests": group.requests,
        "before": { "decision": key.before.0.as_str(), "reason": key.before.1, "ruleId": key.before.2 },
        "after": { "reason": key.after.0, "ruleId": key.after.1 },
        "first": group.first.to_string(),
        "last": group.last.to_string(),
        "example": group.example,
    })
}
