//! What the demo tells, while it happens and at the end: a live line on a terminal, plain lines in a pipe, one JSON document for machines.

use std::future::Future;
use std::io::Write as _;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::Value;

use crate::output::{self, Color, Output, Screen, table};

/// How often the live line moves.
const TICK: Duration = Duration::from_millis(120);
/// After how long a step in a pipe says that it is still at work, and again.
const STILL_AT_WORK: Duration = Duration::from_secs(15);
/// The column at which seconds are printed.
const WIDTH: usize = 64;

/// One step, as machines read it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Told {
    /// Stable name of the step.
    pub(crate) name: &'static str,
    /// Whether it did what it says.
    pub(crate) ok: bool,
    /// How long it took.
    pub(crate) seconds: f64,
    /// What happened, or what surprised.
    pub(crate) detail: String,
}

/// A step surprised, and what follows cannot do without it. What surprised is in the report.
#[derive(Debug)]
pub(crate) struct Stopped;

/// What a step is about.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    /// Stable name, for machines.
    pub(crate) name: &'static str,
    /// A short sentence, for people.
    pub(crate) title: &'static str,
}

/// What a step that takes long is busy with at the moment.
#[derive(Clone, Debug, Default)]
pub(crate) struct Progress(Arc<Mutex<String>>);

impl Progress {
    /// Replaces the words on the live line.
    pub(crate) fn at(&self, words: impl Into<String>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = words.into();
    }

    fn words(&self) -> String {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Collects and tells the steps.
#[derive(Debug)]
pub(crate) struct Report {
    output: Output,
    live: bool,
    color: bool,
    began: Instant,
    told: Vec<Told>,
    metrics: Value,
}

impl Report {
    pub(crate) fn new(output: Output, color: Color) -> Self {
        let (live, color) = match output {
            Output::Human => (output::live(&std::io::stdout()), color.is_for(&std::io::stdout())),
            Output::Json => (output::live(&std::io::stderr()), color.is_for(&std::io::stderr())),
        };
        Self { output, live, color, began: Instant::now(), told: Vec::new(), metrics: Value::Null }
    }

    /// Whether every step so far did what it says.
    pub(crate) fn ok(&self) -> bool {
        self.told.iter().all(|step| step.ok)
    }

    /// Starts a chapter.
    pub(crate) fn chapter(&self, title: &str) {
        self.line(&format!("\n{}", self.paint("1", title)));
    }

    /// Does one step and tells how it went. `work` gives the value for the steps that follow, and what happened.
    pub(crate) async fn step<T>(
        &mut self,
        step: Step,
        progress: &Progress,
        work: impl Future<Output = anyhow::Result<(T, String)>>,
    ) -> Result<T, Stopped> {
        progress.at("");
        let began = Instant::now();
        let mut work = pin!(work);
        let mut ticks = tokio::time::interval(if self.live { TICK } else { STILL_AT_WORK });
        ticks.tick().await;
        let result = loop {
            tokio::select! {
                result = &mut work => break result,
                _ = ticks.tick() => self.still_at_work(step, progress, began.elapsed()),
            }
        };
        let (value, ok, detail) = match result {
            Ok((value, detail)) => (Ok(value), true, detail),
            Err(error) => (Err(Stopped), false, format!("{error:#}")),
        };
        self.tell(step, ok, began.elapsed(), detail);
        value
    }

    fn tell(&mut self, step: Step, ok: bool, took: Duration, detail: String) {
        self.clear();
        let mark = if ok { self.paint("32", "✓") } else { self.paint("31", "✗") };
        let took_words = self.paint("2", &format!("{:>9}", words_for(took)));
        self.line(&format!("  {mark} {:<WIDTH$}{took_words}", step.title));
        for line in detail.lines() {
            self.line(&format!("    {}", self.paint(if ok { "2" } else { "31" }, line)));
        }
        let seconds = (took.as_secs_f64() * 1000.0).round() / 1000.0;
        self.told.push(Told { name: step.name, ok, seconds, detail });
    }

    fn still_at_work(&self, step: Step, progress: &Progress, since: Duration) {
        let words = progress.words();
        let words = if words.is_empty() { words } else { format!(": {words}") };
        if !self.live {
            self.line(&format!("  … {}{words} ({})", step.title, words_for(since)));
            return;
        }
        let frames = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
        let turn = usize::try_from(since.as_millis() / TICK.as_millis()).unwrap_or_default() % frames.len();
        let frame = self.paint("36", frames.get(turn).unwrap_or(&"⠋"));
        // Without automatic margins the terminal clips the line, so that one carriage return always gets back to its start.
        self.raw(&format!("\r\x1b[2K\x1b[?7l  {frame} {} {}s{words}\x1b[?7h", step.title, since.as_secs()));
    }

    /// Prints a table; the first row is its head. Machines find the rows under `metrics`.
    pub(crate) fn metrics(&mut self, rows: &[Vec<String>]) {
        // The report paints by itself: what goes to standard error is coloured there.
        let lines = table::lines(&Screen::new(self.output, Color::Never), 1, &table::plain(rows));
        for (index, line) in lines.iter().enumerate() {
            self.line(&format!("    {}", if index == 0 { self.paint("1", line) } else { line.clone() }));
        }
        let (head, rows) = rows.split_first().map_or((&[][..], rows), |(head, rows)| (head.as_slice(), rows));
        let named =
            |row: &Vec<String>| head.iter().cloned().zip(row.iter().map(|cell| Value::from(cell.as_str()))).collect();
        self.metrics = rows.iter().map(|row| Value::Object(named(row))).collect();
    }

    /// Prints lines as they are.
    pub(crate) fn lines(&self, text: &str) {
        text.lines().for_each(|line| self.line(line));
    }

    /// What the last step told.
    pub(crate) fn last_detail(&self) -> &str {
        self.told.last().map(|step| step.detail.as_str()).unwrap_or_default()
    }

    /// Ends the report: a sentence for people, the document for machines.
    pub(crate) fn end(&self, ending: &str, sentence: &str, ok: bool) {
        let seconds = self.close(sentence, ok);
        if self.output == Output::Json {
            output::say_json(
                &serde_json::json!({ "ending": ending, "ok": ok, "seconds": seconds, "steps": self.told, "metrics": self.metrics }),
            );
        }
    }

    /// The sentence alone; gives how many seconds all of it took.
    pub(crate) fn close(&self, sentence: &str, ok: bool) -> f64 {
        self.clear();
        let took = self.began.elapsed();
        let sentence = self.paint(if ok { "1;32" } else { "1;31" }, sentence);
        self.line(&format!("\n{sentence} {}", self.paint("2", &format!("({})", words_for(took)))));
        (took.as_secs_f64() * 1000.0).round() / 1000.0
    }

    fn clear(&self) {
        if self.live {
            self.raw("\r\x1b[2K");
        }
    }

    fn line(&self, line: &str) {
        self.raw(&format!("{line}\n"));
    }

    fn raw(&self, text: &str) {
        // A reader that went away must not end the demo before it has cleaned up.
        let _ = match self.output {
            Output::Human => {
                std::io::stdout().lock().write_all(text.as_bytes()).and_then(|()| std::io::stdout().flush())
            }
            Output::Json => std::io::stderr().lock().write_all(text.as_bytes()),
        };
    }

    fn paint(&self, code: &str, text: &str) -> String {
        if self.color { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

fn words_for(took: Duration) -> String {
    match took.as_secs() {
        0..10 => format!("{:.2} s", took.as_secs_f64()),
        10..60 => format!("{:.1} s", took.as_secs_f64()),
        seconds => format!("{} min {:02} s", seconds / 60, seconds % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEP: Step = Step { name: "callPermitted", title: "a permitted call" };

    #[tokio::test]
    async fn one_surprise_makes_the_whole_report_not_ok() {
        let mut report = Report::new(Output::Json, Color::Auto);
        let value = report.step(STEP, &Progress::default(), async { Ok((7, "200".to_owned())) }).await;
        assert_eq!((value.unwrap(), report.ok()), (7, true));
        let value = report
            .step(STEP, &Progress::default(), async { anyhow::bail!("502 instead of 200") as anyhow::Result<((), _)> })
            .await;
        assert!(value.is_err() && !report.ok());
        assert_eq!(
            report.told.iter().map(|step| step.detail.as_str()).collect::<Vec<_>>(),
            ["200", "502 instead of 200"]
        );
    }

    #[test]
    fn durations_read_well_at_every_size() {
        let words = [40, 9_990, 12_340, 125_000].map(|millis| words_for(Duration::from_millis(millis)));
        assert_eq!(words, ["0.04 s", "9.99 s", "12.3 s", "2 min 05 s"]);
    }
}
