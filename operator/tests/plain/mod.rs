//! Transcripts held against those of `tests/golden`. `LINKWARD_BLESS=1` writes anew what is expected.

use std::path::{Path, PathBuf};

use regex::Regex;

pub(crate) fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(name)
}

pub(crate) fn compare(name: &str, found: &str) {
    let file = folder("golden").join(name);
    if std::env::var_os("LINKWARD_BLESS").is_some() {
        std::fs::write(&file, found).unwrap();
    }
    let expected = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(expected == found, "{name} is not as expected; found:\n{found}\nexpected:\n{expected}");
}

/// What differs from run to run, by its kind: ids, serial numbers, times, durations, places. Columns are put two spaces apart, since their
/// widths follow from it.
#[allow(dead_code, reason = "what is offline is the same every time")]
pub(crate) fn plain(text: &str) -> String {
    let kinds = [
        (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "UUID"),
        (r"vpce-svc-[0-9a-f]+", "SERVICE"),
        (r"vpce-[0-9a-f]{8,}", "ENDPOINT"),
        (r"certificate/[0-9a-f]{32}", "certificate/ID"),
        (r"sha256:[0-9a-f]{16}", "sha256:DIGEST"),
        (r"\b[0-9a-f]{28,40}\b", "SERIAL"),
        (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "TIME"),
        (r"\b\d+\.\d+ s\b", "N s"),
        (r"\b\d+ (s|min|h|d)\b", "AGE"),
        (r#""(denyList|authority|seconds|secondsLeft)": [0-9.]+"#, "\"$1\": N"),
        (r"127\.0\.0\.1:\d+", "ADDRESS"),
        (r"nlb-[0-9a-f]+", "nlb-ID"),
        (r"(/[\w.-]+)+/(kept|local-stack)-\w+", "FOLDER"),
        // The approver's last look may have come before the connection was through.
        (r"\bpending\b", "available"),
        (r"made-[a-z]\b", "made-NAME"),
        (r" {2,}", "  "),
    ];
    kinds.iter().fold(text.to_owned(), |text, (pattern, kind)| {
        Regex::new(pattern).unwrap().replace_all(&text, *kind).into_owned()
    })
}

/// What a report always has: its chapters, and each step with its mark. How long a step took, and what it saw, is another each time.
#[allow(dead_code, reason = "not every test has a report")]
pub(crate) fn outline(told: &str) -> String {
    let kept = told.lines().filter(|line| !line.starts_with("    ") && !line.trim().is_empty() && !line.contains('…'));
    let took = Regex::new(r" +(\d+ min )?[\d.]+ s\b").unwrap();
    kept.map(|line| format!("{}\n", took.replace(line.trim_end(), ""))).collect()
}
