//! `linkward policy diff`: what a change means.

use std::path::Path;
use std::process::ExitCode;

use anyhow::bail;
use policy::diff::{Access, Admission, CallerDiff, ConsumerChange, ConsumerDiff, PolicyDiff, What};
use policy::endpoint::{Action, ConsumerSubject};
use policy::{Policy, Timestamp};
use serde_json::{Value, json};

use super::{file, words};
use crate::cli::Comparison;
use crate::output::{self, Cell, Screen, Style};

/// `policy diff OLD NEW`.
pub(crate) fn diff(comparison: &Comparison, screen: &Screen) -> anyhow::Result<ExitCode> {
    let (old, new) = (declarative(&comparison.old)?, declarative(&comparison.new)?);
    let diff = policy::diff::diff(&old, &new, comparison.at.unwrap_or_else(Timestamp::now));
    if screen.is_json() {
        output::say_json(&document(&diff));
    } else {
        tell(screen, &diff, &new);
    }
    Ok(ExitCode::from(u8::from(comparison.exit_code && !diff.is_empty())))
}

fn declarative(file: &Path) -> anyhow::Result<Policy> {
    let name = file.display();
    if file::is_rego(&name.to_string(), &std::fs::read(file).unwrap_or_default()) {
        bail!(
            "`{name}` is Rego, and what a program means cannot be compared line by line; decide yesterday's requests again with \
             `linkward policy replay --policy {name} LOG…`, or give it cases with `linkward policy test`"
        );
    }
    Ok(file::read(file)??)
}

/// The change in words; nothing if the policies come to the same.
pub(crate) fn tell(screen: &Screen, diff: &PolicyDiff, new: &Policy) {
    if diff.is_empty() {
        return;
    }
    if !diff.callers.is_empty() {
        screen.line(Style::Heading, "Callers");
        diff.callers.iter().for_each(|caller| tell_caller(screen, caller));
    }
    if !diff.consumers.is_empty() || diff.unlisted.is_some() {
        screen.line(Style::Heading, "Endpoint connections");
        diff.consumers.iter().for_each(|consumer| tell_consumer(screen, consumer));
    }
    if let Some((before, after)) = diff.unlisted {
        let action = |unlisted: policy::endpoint::Unlisted| unlisted.as_str();
        output::say("  accounts that are not listed");
        screen.rows(
            "    ",
            &[vec![Cell::new(Style::Warning, "~"), format!("{} → {}", action(before), action(after)).into()]],
        );
    }
    let units = new.endpoints().consumers().iter().any(|consumer| consumer.organizational_unit().is_some());
    if units && diff.consumers.iter().any(|consumer| matches!(consumer.subject, ConsumerSubject::Account(_))) {
        output::say("  An account may also be admitted by the entry of an organizational unit it is below.");
    }
    output::say("");
    output::say(&summary(diff));
}

fn tell_caller(screen: &Screen, caller: &CallerDiff) {
    let others = if caller.identity.is_prefix() { " without an entry of their own" } else { "" };
    output::say(&format!("  {}{others}", caller.identity));
    let gains = caller.gains.iter().map(|gain| access_row(Cell::new(Style::Good, "+"), gain));
    let losses = caller.losses.iter().map(|loss| access_row(Cell::new(Style::Bad, "-"), loss));
    let rows: Vec<Vec<Cell>> = gains.chain(losses).collect();
    screen.rows("    ", &rows);
}

fn access_row(sign: Cell, access: &Access) -> Vec<Cell> {
    let (methods, path) = match &access.what {
        What::Requests { methods, path, except } if except.is_empty() => (words::selection(methods), path.clone()),
        What::Requests { methods, path, except } => {
            (words::selection(methods), format!("{path} except {}", words::list(except)))
        }
        What::AllowedByBoth => ("all".to_owned(), "that stays permitted".to_owned()),
    };
    let mut limits = Vec::new();
    if !access.accounts.is_any() {
        limits.push(format!("through {}", words::selection(&access.accounts)));
    }
    limits.extend(access.from.map(|from| format!("from {from}")));
    limits.extend(access.until.map(|until| format!("until {until}")));
    vec![sign, methods.into(), path.into(), Cell::new(Style::Dim, limits.join(" "))]
}

fn tell_consumer(screen: &Screen, consumer: &ConsumerDiff) {
    let subject = match &consumer.subject {
        ConsumerSubject::Account(account) => account.to_string(),
        ConsumerSubject::OrganizationalUnit(unit) => format!("accounts below {unit}"),
    };
    let name = consumer.name.as_ref().map(|name| format!(" ({name})")).unwrap_or_default();
    output::say(&format!("  {subject}{name}"));
    let rows: Vec<Vec<Cell>> = consumer.changes.iter().map(consumer_row).collect();
    screen.rows("    ", &rows);
}

fn consumer_row(change: &ConsumerChange) -> Vec<Cell> {
    let sign = match direction(change) {
        Direction::Gains => Cell::new(Style::Good, "+"),
        Direction::Loses => Cell::new(Style::Bad, "-"),
        Direction::Changes => Cell::new(Style::Warning, "~"),
    };
    let what = format!("{} → {}", admission(&change.before), admission(&change.after));
    let scope = |word: &str, selection| match words::selection(selection).as_str() {
        "any" => format!("any {word}"),
        names => names.to_owned(),
    };
    vec![sign, scope("Region", &change.regions).into(), scope("service", &change.services).into(), what.into()]
}

enum Direction {
    Gains,
    Loses,
    Changes,
}

fn direction(change: &ConsumerChange) -> Direction {
    match (change.before.action == Action::Accept, change.after.action == Action::Accept) {
        (false, true) => Direction::Gains,
        (true, false) => Direction::Loses,
        _ => Direction::Changes,
    }
}

fn admission(admission: &Admission) -> String {
    let mut words = vec![admission.action.as_str().to_owned()];
    words.extend(admission.max_endpoints.map(|most| format!("at most {most}")));
    words.extend(admission.until.map(|until| format!("until {until}")));
    words.join(", ")
}

fn summary(diff: &PolicyDiff) -> String {
    let number = |count: usize, words: &str| (count > 0).then(|| format!("{count} {words}"));
    let callers = |wanted: fn(&&CallerDiff) -> bool| diff.callers.iter().filter(wanted).count();
    let changes = |wanted: fn(&Direction) -> bool| {
        diff.consumers
            .iter()
            .filter(|consumer| consumer.changes.iter().any(|change| wanted(&direction(change))))
            .count()
    };
    let parts = [
        number(callers(|caller| !caller.gains.is_empty()), "of the callers gain"),
        number(callers(|caller| !caller.losses.is_empty()), "of the callers lose"),
        number(changes(|way| matches!(way, Direction::Gains)), "of the consumers gain"),
        number(changes(|way| matches!(way, Direction::Loses)), "of the consumers lose"),
        number(changes(|way| matches!(way, Direction::Changes)), "of the consumers change"),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    if parts.is_empty() { "Only accounts that are not listed are affected.".to_owned() } else { parts.join("; ") }
}

/// The change for machines.
pub(crate) fn document(diff: &PolicyDiff) -> Value {
    let accesses = |list: &[Access]| list.iter().map(access_json).collect::<Vec<_>>();
    let callers = diff.callers.iter().map(|caller| {
        json!({ "identity": caller.identity.to_string(), "gains": accesses(&caller.gains), "losses": accesses(&caller.losses) })
    });
    let consumers = diff.consumers.iter().map(|consumer| {
        let (account, unit) = match &consumer.subject {
            ConsumerSubject::Account(account) => (Some(account.to_string()), None),
            ConsumerSubject::OrganizationalUnit(unit) => (None, Some(unit.to_string())),
        };
        let changes: Vec<Value> = consumer.changes.iter().map(change_json).collect();
        json!({ "account": account, "organizationalUnit": unit, "name": consumer.name, "changes": changes })
    });
    json!({
        "same": diff.is_empty(),
        "callers": callers.collect::<Vec<_>>(),
        "consumers": consumers.collect::<Vec<_>>(),
        "unlisted": diff.unlisted.map(|(before, after)| json!({ "before": before.as_str(), "after": after.as_str() })),
    })
}

fn access_json(access: &Access) -> Value {
    let (methods, path, except) = match &access.what {
        What::Requests { methods, path, except } => (Some(words::selection_json(methods)), Some(path), Some(except)),
        What::AllowedByBoth => (None, None, None),
    };
    json!({
        "methods": methods,
        "path": path,
        "except": except,
        "accounts": words::selection_json(&access.accounts),
        "from": words::time_json(access.from),
        "until": words::time_json(access.until),
    })
}

fn change_json(change: &ConsumerChange) -> Value {
    let admission = |admission: &Admission| {
        json!({
            "action": admission.action.as_str(),
            "maxEndpoints": admission.max_endpoints,
            "until": words::time_json(admission.until),
        })
    };
    json!({
        "regions": words::selection_json(&change.regions),
        "services": words::selection_json(&change.services),
        "before": admission(&change.before),
        "after": admission(&change.after),
    })
}
