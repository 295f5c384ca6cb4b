//! `linkward gameday`: proves that the gates hold, against the local stack or a deployment, and leaves nothing behind.

mod field;
mod issuer;
mod load;
mod local;
mod scenario;
mod scenarios;
mod summary;
mod target;
mod undo;

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use policy::Timestamp;
use serde_json::Value;

use self::field::{Field, private_folder};
use self::load::{Load, Running};
use self::scenario::{Outcome, Played, rounded};
use self::summary::{Summary, Undone};
use self::undo::Undo;
use crate::cli::GamedayOptions;
use crate::consent;
use crate::demo::interrupt::{Interrupted, Interrupts};
use crate::demo::report::{Progress, Report, Step};
use crate::output::{self, Color, Output};

pub(crate) use self::scenario::Scenario;

/// How long the rest of the process may take once all is undone.
const AFTERWARDS: Duration = Duration::from_secs(1);
const LOAD: Step = Step { name: "load", title: "another caller's requests go on meanwhile" };

/// `gameday`.
pub(crate) fn command(options: &GamedayOptions, output: Output, color: Color) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("no threads")?;
    let code = runtime.block_on(run(options, Report::new(output, color), output))?;
    runtime.shutdown_timeout(AFTERWARDS);
    Ok(code)
}

fn is_local(options: &GamedayOptions) -> bool {
    options.target == Path::new("local")
}

/// What came of it before it is written down.
#[derive(Default)]
struct Book {
    played: Vec<Played>,
    load: Option<Load>,
}

async fn run(options: &GamedayOptions, mut report: Report, output: Output) -> anyhow::Result<ExitCode> {
    let began = Timestamp::now();
    let mut interrupts = Interrupts::listen().context("signals cannot be caught")?;
    let (undo, mut book) = (Undo::default(), Book::default());
    let temporary = private_folder(&std::env::temp_dir())?;
    let _removed = Removed(temporary.clone());
    let set_up = tokio::select! {
        signal = interrupts.next() => Err(signal),
        made = set_up(options, &temporary, &mut report) => Ok(made),
    };
    let (stage, field) = match set_up {
        Ok(made) => made?,
        Err(signal) => return Ok(ExitCode::from(signal.exit_code())),
    };
    let Some(field) = field else {
        return Ok(ExitCode::from(2));
    };
    let question =
        format!("Play against {}, with certificates for {}/… that are revoked on the way?", field.name, field.identity);
    if !is_local(options) && !consent::given(options.consent, &question)? {
        return Ok(ExitCode::from(1));
    }
    let interrupted = tokio::select! {
        signal = interrupts.next() => Some(signal),
        () = play(options, &field, &undo, &mut report, &mut book) => None,
    };
    let undone = undo_all(&undo, &field, &mut report).await;
    drop(stage);
    finish(options, &field.name, began, interrupted, (book, undone), &report, output)
}

/// Goes with this value.
struct Removed(std::path::PathBuf);

impl Drop for Removed {
    fn drop(&mut self) {
        // What cannot be removed is in a folder that nobody else may look into.
        drop(std::fs::remove_dir_all(&self.0));
    }
}

/// No field: the local stack could not be set up, as the report tells; a stage: not even that.
async fn set_up(
    options: &GamedayOptions,
    folder: &Path,
    report: &mut Report,
) -> anyhow::Result<(Option<local::Stage>, Option<Field>)> {
    if !is_local(options) {
        return Ok((None, Some(target::field(options, folder).await?)));
    }
    match local::stage(Duration::from_secs(options.patience), report).await {
        Ok((stage, field)) => Ok((Some(stage), Some(field))),
        Err(_) => {
            report.close("The local stack could not be set up; see above.", false);
            Ok((None, None))
        }
    }
}

async fn play(options: &GamedayOptions, field: &Field, undo: &Undo, report: &mut Report, book: &mut Book) {
    report.chapter("Game day");
    let quiet = Progress::default();
    let bystander = async {
        let (caller, _) = field.fresh_caller("bystander").await?;
        let answer = caller.call(field.through, &field.path).await?;
        if answer.status != 200 {
            anyhow::bail!(
                "GET {} of {}/bystander: {} {}; the policy must permit it to `{}/*`",
                field.path,
                field.identity,
                answer.status,
                answer.text("reason"),
                field.identity
            );
        }
        Ok((caller, format!("GET {} as {}/bystander", field.path, field.identity)))
    };
    let Ok(bystander) = report.step(LOAD, &quiet, bystander).await else {
        book.played.push(surprise(LOAD, "200", report.last_detail()));
        return;
    };
    let running = Running::start(&bystander, field.through, &field.path);
    for scenario in Scenario::ALL {
        if options.only.is_empty() || options.only.contains(&scenario) {
            let played = one(scenario, field, undo, report).await;
            book.played.push(played);
        }
    }
    book.load = Some(running.end().await);
}

async fn one(scenario: Scenario, field: &Field, undo: &Undo, report: &mut Report) -> Played {
    let step = scenario.step();
    let mut played = Played { expected: scenario.expected(), beside: scenario.is_beside(), ..surprise(step, "", "") };
    if let Some(why) = scenarios::lacking(scenario, field) {
        report.lines(&format!("  – {}: not played, {why}", step.title));
        return Played { outcome: Outcome::NotPlayed, seen: why.to_owned(), ..played };
    }
    let work = async {
        let seen = scenarios::play(scenario, field, undo).await?;
        let words = seen.words.clone();
        Ok((seen, words))
    };
    match report.step(step, &Progress::default(), work).await {
        Ok(seen) => {
            played.outcome = Outcome::AsExpected;
            played.detection_seconds = seen.detection.map(rounded);
            played.propagation_seconds = seen.propagation.map(rounded);
            played.seen = seen.words;
        }
        Err(_) => played.seen = report.last_detail().to_owned(),
    }
    played
}

fn surprise(step: Step, expected: &'static str, seen: &str) -> Played {
    Played {
        name: step.name,
        title: step.title,
        outcome: Outcome::Surprise,
        expected,
        seen: seen.to_owned(),
        detection_seconds: None,
        propagation_seconds: None,
        beside: false,
    }
}

async fn undo_all(undo: &Undo, field: &Field, report: &mut Report) -> Vec<Undone> {
    report.chapter("Undone");
    let undone = undo.run(field).await;
    let told =
        undone.into_iter().map(|(what, result)| Undone { what, error: result.err().map(|error| format!("{error:#}")) });
    let told: Vec<Undone> = told.collect();
    for undone in &told {
        let (mark, error) = undone.error.as_ref().map_or(("✓", String::new()), |error| ("✗", format!(": {error}")));
        report.lines(&format!("  {mark} {}{error}", undone.what));
    }
    told
}

/// Writes the report down, and ends.
fn finish(
    options: &GamedayOptions,
    target: &str,
    began: Timestamp,
    interrupted: Option<Interrupted>,
    (book, undone): (Book, Vec<Undone>),
    report: &Report,
    output: Output,
) -> anyhow::Result<ExitCode> {
    let surprised = book.played.iter().any(|played| played.outcome == Outcome::Surprise)
        || book.load.as_ref().is_some_and(|load| load.failures > 0)
        || undone.iter().any(|undone| undone.error.is_some());
    let (ending, code) = match interrupted {
        Some(signal) => ("interrupted", signal.exit_code()),
        None if surprised => ("surprised", 1),
        None => ("played", 0),
    };
    let mut summary = Summary {
        ending,
        ok: code == 0,
        target: target.to_owned(),
        began: began.strftime("%FT%TZ").to_string(),
        seconds: 0.0,
        scenarios: book.played,
        load: book.load,
        undone,
    };
    report.lines(&format!("\n{}", summary.load_sentence()));
    summary.seconds = report.close(&format!("{}.", summary.sentence()), summary.ok);
    for (ending, text) in [("md", summary.markdown()), ("html", summary.html())] {
        let file = std::path::PathBuf::from(format!("{}.{ending}", options.report.display()));
        std::fs::write(&file, text).with_context(|| format!("cannot write the report `{}`", file.display()))?;
        report.lines(&format!("report: {}", file.display()));
    }
    if output == Output::Json {
        output::say_json(&serde_json::to_value(&summary).unwrap_or(Value::Null));
    }
    Ok(ExitCode::from(code))
}
