//! `linkward policy replay`: yesterday's requests, decided again.

mod report;
mod tally;

use std::process::ExitCode;

use anyhow::bail;
use policy::Timestamp;
use policy::access::Effect;

use super::engine::{Asked, Certificate, Judge};
use super::file;
use crate::access_log::{Line, Lines, Recorded, Request};
use crate::cli::Replay;
use crate::output::{self, Progress, Screen};
use tally::{Change, Tally};

/// So many malformed lines are shown; the others are counted.
const SHOWN: u64 = 5;

/// `policy replay --policy NEW LOG…`.
pub(crate) fn replay(replay: &Replay, screen: &Screen) -> anyhow::Result<ExitCode> {
    let mut judge = Judge::new(file::engine(&replay.policy)?);
    let mut tally = Tally::default();
    let mut progress = Progress::new();
    let lines = Lines::new(&replay.logs);
    lines.for_each(|place, line| {
        tally.lines += 1;
        if tally.lines.is_multiple_of(4096) {
            let words = || format!("{}, {} newly denied", output::count(tally.lines, "line"), tally.newly_denied);
            progress.at(place.read, place.total, words);
        }
        let decided = line.ok_or_else(|| "the line is longer than 1 MiB".to_owned());
        if let Err(problem) = decided.and_then(|line| decide(&mut judge, &mut tally, line, replay.enforce)) {
            tally.malformed += 1;
            if tally.malformed <= SHOWN {
                output::complain(&format!("{}:{}: {problem}", place.file.display(), place.line));
            }
        }
    })?;
    drop(progress);
    if tally.requests() + tally.undecided + tally.other_events == 0 {
        bail!(
            "no line of an access log in {} read; is this what `telemetry.accessLog` writes?",
            output::count(tally.lines, "line")
        );
    }
    report::report(&tally, screen);
    Ok(ExitCode::from(u8::from(tally.newly_denied > 0)))
}

fn decide(judge: &mut Judge, tally: &mut Tally, line: &[u8], enforce: bool) -> Result<(), String> {
    let request = match Line::parse(line).map_err(|error| error.to_string())? {
        Line::Request(request) => request,
        Line::Undecided => {
            tally.undecided += 1;
            return Ok(());
        }
        Line::OtherEvent => {
            tally.other_events += 1;
            return Ok(());
        }
    };
    let now: Timestamp =
        request.timestamp.parse().map_err(|_| format!("`{}` is not a time by RFC 3339", &*request.timestamp))?;
    let asked = Asked {
        caller: &request.caller,
        endpoint: request.endpoint.as_deref(),
        account: request.account.as_deref(),
        method: &request.method,
        path: &request.path,
        now,
        certificate: Certificate {
            common_name: request.common_name.as_deref(),
            serial_number: request.serial_number.as_deref(),
            not_after: request.certificate_expires.as_deref(),
        },
        host: request.host.as_deref(),
    };
    let answer = judge.decide(&asked).map_err(|error| error.to_string())?;
    match change(&request, answer.effect, enforce) {
        Some(change) => tally.changed(change, &request, &answer, now),
        None if request.recorded == Recorded::AuditDeny && answer.effect == Effect::Deny => tally.audit_denied += 1,
        None => tally.as_before += 1,
    }
    Ok(())
}

/// What audit mode let pass was denied by the policy already; it counts as passed only if the new policy is to be enforced.
fn change(request: &Request<'_>, now: Effect, enforce: bool) -> Option<Change> {
    match (request.recorded, now) {
        (Recorded::Allow, Effect::Deny) => Some(Change::NewlyDenied),
        (Recorded::AuditDeny, Effect::Deny) => enforce.then_some(Change::NewlyDenied),
        (Recorded::Deny | Recorded::AuditDeny, Effect::Allow) => Some(Change::NewlyAllowed),
        (Recorded::Allow, Effect::Allow) | (Recorded::Deny, Effect::Deny) => None,
    }
}
