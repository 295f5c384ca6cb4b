//! `linkward gameday`: whole on the local stack; on a target; with a planted fault; interrupted. And that it leaves nothing.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "test code")]

#[path = "../kept/mod.rs"]
mod kept;
#[path = "../plain/mod.rs"]
mod plain;
mod target;

use std::process::{Command, Stdio};

use kept::LINKWARD;
use serde_json::Value;

const SCENARIOS: [&str; 10] = [
    "expired",
    "revoked",
    "notYetValid",
    "foreignAuthority",
    "unlisted",
    "endpointDenied",
    "stolen",
    "staleCrl",
    "policyOutage",
    "liveRevocation",
];

/// Name and outcome of each scenario.
pub(crate) fn outcomes(document: &Value) -> Vec<(&str, &str)> {
    let scenarios = document["scenarios"].as_array().unwrap().iter();
    scenarios.map(|played| (played["name"].as_str().unwrap(), played["outcome"].as_str().unwrap())).collect()
}

#[test]
fn all_ten_are_played_on_the_local_stack_and_nothing_is_left() {
    let (temporary, reports) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let report = reports.path().join("report");
    let output = Command::new(LINKWARD)
        .args(["gameday", "--output", "json", "--report", report.to_str().unwrap()])
        .env("TMPDIR", temporary.path())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let output = written::output("linkward", output);
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{told}");
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    kept::schemas::check(&["gameday"], &document);
    let game = told.split("\nGame day\n").nth(1).unwrap().split("\nUndone\n").next().unwrap();
    plain::compare("gameday.txt", &plain::outline(game));
    let expected: Vec<(&str, &str)> = SCENARIOS.iter().map(|name| (*name, "asExpected")).collect();
    assert_eq!(outcomes(&document), expected, "{told}");
    assert_eq!((&document["ending"], &document["load"]["failures"]), (&"played".into(), &0.into()), "{told}");
    assert!(document["load"]["requests"].as_u64().unwrap() > 100, "{told}");
    // What is noticed by time is timed.
    for name in ["expired", "revoked", "endpointDenied", "staleCrl", "policyOutage", "liveRevocation"] {
        let played = document["scenarios"].as_array().unwrap().iter().find(|played| played["name"] == name).unwrap();
        assert!(played["detectionSeconds"].is_f64(), "{played}");
    }
    let undone = document["undone"].as_array().unwrap();
    assert!(undone.len() == 3 && undone.iter().all(|undone| undone["error"].is_null()), "{undone:?}");
    let markdown = std::fs::read_to_string(report.with_extension("md")).unwrap();
    assert!(markdown.contains("10 as expected, 0 surprises, 0 not played") && markdown.contains("| ✓ |"), "{markdown}");
    let page = std::fs::read_to_string(report.with_extension("html")).unwrap();
    assert!(page.starts_with("<!doctype html>") && page.matches("<tr>").count() == 11, "{page}");
    let left: Vec<_> = std::fs::read_dir(temporary.path()).unwrap().flatten().map(|entry| entry.path()).collect();
    assert!(left.is_empty(), "{left:?}");
}
