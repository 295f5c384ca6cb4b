//! A game day's report: one value, told as JSON, Markdown and HTML.

use std::fmt::Write as _;

use serde::Serialize;

use super::load::Load;
use super::scenario::{Outcome, Played};

/// Something that was done to the target, and whether it is undone.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Undone {
    pub(super) what: String,
    /// Why not.
    pub(super) error: Option<String>,
}

/// All of it.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Summary {
    /// `played`, `surprised`, `setUpImpossible` or `interrupted`.
    pub(super) ending: &'static str,
    pub(super) ok: bool,
    pub(super) target: String,
    pub(super) began: String,
    pub(super) seconds: f64,
    pub(super) scenarios: Vec<Played>,
    /// The other caller's requests meanwhile; none if it did not come to that.
    pub(super) load: Option<Load>,
    pub(super) undone: Vec<Undone>,
}

const HEAD: [&str; 6] = ["", "scenario", "expected", "seen", "detection", "propagation"];

impl Summary {
    fn rows(&self) -> Vec<[String; 6]> {
        let seconds = |seconds: Option<f64>| seconds.map(|s| format!("{s:.2} s")).unwrap_or_default();
        let row = |played: &Played| {
            let mark = match played.outcome {
                Outcome::AsExpected => "✓",
                Outcome::Surprise => "✗",
                Outcome::NotPlayed => "–",
            };
            let beside = if played.beside { " (on a runtime beside the target)" } else { "" };
            [
                mark.to_owned(),
                format!("{}{beside}", played.title),
                played.expected.to_owned(),
                played.seen.clone(),
                seconds(played.detection_seconds),
                seconds(played.propagation_seconds),
            ]
        };
        self.scenarios.iter().map(row).collect()
    }

    /// How it went, in a sentence.
    pub(super) fn sentence(&self) -> String {
        let number = |outcome| self.scenarios.iter().filter(|played| played.outcome == outcome).count();
        format!(
            "{} as expected, {} surprises, {} not played",
            number(Outcome::AsExpected),
            number(Outcome::Surprise),
            number(Outcome::NotPlayed)
        )
    }

    /// What the other caller noticed.
    pub(super) fn load_sentence(&self) -> String {
        let Some(load) = &self.load else { return "No load was running.".to_owned() };
        let examples =
            if load.examples.is_empty() { String::new() } else { format!(" ({})", load.examples.join("; ")) };
        format!(
            "{} requests of another caller meanwhile, {} of them failed{examples}; {:.1} a second, p50 {:.1} ms, p99 {:.1} ms, slowest {:.1} ms.",
            load.requests, load.failures, load.requests_per_second, load.p50, load.p99, load.slowest
        )
    }

    fn effects(&self) -> Vec<String> {
        let told = |undone: &Undone| match &undone.error {
            None => undone.what.clone(),
            Some(error) => format!("NOT UNDONE: {}: {error}", undone.what),
        };
        self.undone.iter().map(told).collect()
    }

    /// For a ticket or a wiki.
    pub(super) fn markdown(&self) -> String {
        let mut text =
            format!("# Game day: {}\n\n{}, {:.0} s. {}.\n\n", self.target, self.began, self.seconds, self.sentence());
        let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
        text += &line(&HEAD.map(str::to_owned));
        text += &line(&HEAD.map(|_| "---".to_owned()));
        for row in self.rows() {
            text += &line(&row.map(|cell| cell.replace('|', "\\|").replace('\n', " ")));
        }
        // Writing to a string cannot fail.
        let _ = write!(text, "\n{}\n", self.load_sentence());
        text += &self.effects().iter().fold(String::new(), |text, effect| format!("{text}\n- {effect}"));
        text.trim_end().to_owned() + "\n"
    }

    /// One page, with nothing from elsewhere.
    pub(super) fn html(&self) -> String {
        let cells = |kind: &str, cells: &[String]| {
            let cells: String = cells.iter().map(|cell| format!("<{kind}>{}</{kind}>", escaped(cell))).collect();
            format!("<tr>{cells}</tr>\n")
        };
        let rows: String = self.rows().iter().map(|row| cells("td", row)).collect();
        let effects: String = self.effects().iter().map(|effect| format!("<li>{}</li>\n", escaped(effect))).collect();
        format!(
            "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>Game day</title>\n<style>{STYLE}</style>\n\
             <h1>Game day: {target}</h1>\n<p class=\"{class}\">{began}, {seconds:.0} s. {sentence}.</p>\n\
             <table>\n{head}{rows}</table>\n<p>{load}</p>\n<ul>\n{effects}</ul>\n</html>\n",
            target = escaped(&self.target),
            class = if self.ok { "good" } else { "bad" },
            began = escaped(&self.began),
            seconds = self.seconds,
            sentence = escaped(&self.sentence()),
            head = cells("th", &HEAD.map(str::to_owned)),
            load = escaped(&self.load_sentence()),
        )
    }
}

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem}\
table{border-collapse:collapse}td,th{border-bottom:1px solid #ccc;padding:.4rem .6rem;text-align:left;vertical-align:top}\
.good{color:#161}.bad{color:#a11}@media(prefers-color-scheme:dark){body{background:#111;color:#ddd}.good{color:#7d7}.bad{color:#f88}}";

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gameday::scenario::Scenario;

    fn summary() -> Summary {
        let step = Scenario::Stolen.step();
        Summary {
            ending: "surprised",
            ok: false,
            target: "a <target>".to_owned(),
            began: "2026-11-26T00:00:00Z".to_owned(),
            seconds: 61.2,
            scenarios: vec![Played {
                name: step.name,
                title: step.title,
                outcome: Outcome::Surprise,
                expected: Scenario::Stolen.expected(),
                seen: "200 | <b>\nserved".to_owned(),
                detection_seconds: Some(0.123),
                propagation_seconds: None,
                beside: false,
            }],
            load: None,
            undone: vec![Undone { what: "the denial of 7 is withdrawn".to_owned(), error: Some("no bus".to_owned()) }],
        }
    }

    #[test]
    fn a_table_stays_one_whatever_was_seen() {
        let text = summary().markdown();
        assert!(text.contains("| ✗ | a stolen certificate through another account's endpoint | 403 accountMismatch | 200 \\| <b> served | 0.12 s |  |"), "{text}");
        assert!(
            text.contains("0 as expected, 1 surprises, 0 not played") && text.contains("- NOT UNDONE: the denial of 7"),
            "{text}"
        );
    }

    #[test]
    fn nothing_that_was_seen_becomes_markup() {
        let page = summary().html();
        assert!(page.contains("a &lt;target&gt;") && page.contains("&lt;b&gt;") && !page.contains("<b>"), "{page}");
    }
}
