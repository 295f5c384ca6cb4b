//! How the page says things: escaped, and in the units that people think in.

use policy::Timestamp;
use std::time::Duration;

/// Whether something needs a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    Good,
    /// Soon, or in part.
    Warn,
    Bad,
}

impl Level {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Warn => "warn",
            Self::Bad => "bad",
        }
    }
}

pub(super) fn escaped(out: &mut String, text: &str) {
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
}

pub(super) fn age(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0..=119 => format!("{seconds} s"),
        120..=7199 => format!("{} min", seconds / 60),
        7200..=172_799 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// How long until a time, or since.
pub(super) fn until(at: Timestamp, now: Timestamp) -> String {
    match Duration::try_from(at.duration_since(now)) {
        Ok(left) => format!("in {}", age(left)),
        Err(_) => format!("{} ago", age(at.duration_since(now).unsigned_abs())),
    }
}

/// To the second: more is for machines.
pub(super) fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// Three digits: `840 µs`, `1.25 ms`, `12.5 s`.
pub(super) fn short(duration: Duration) -> String {
    let micros = duration.as_secs_f64() * 1e6;
    let (value, unit) = match micros {
        ..1e3 => (micros, "µs"),
        1e3..1e6 => (micros / 1e3, "ms"),
        _ => (micros / 1e6, "s"),
    };
    let digits = match value {
        ..10.0 => 2,
        10.0..100.0 => 1,
        _ => 0,
    };
    format!("{value:.digits$} {unit}")
}

/// `12,345`.
pub(super) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_for_people() {
        let ages = [119, 120, 7200, 172_800].map(|seconds| age(Duration::from_secs(seconds)));
        assert_eq!(ages, ["119 s", "2 min", "2 h", "2 days"]);
        let now: Timestamp = "2026-11-23T10:00:00.5Z".parse().unwrap();
        let times = ["2026-11-23T10:01:00.5Z", "2026-11-23T09:00:00.5Z"].map(|at| until(at.parse().unwrap(), now));
        assert_eq!(times, ["in 60 s", "60 min ago"]);
        assert_eq!(moment(now), "2026-11-23 10:00:00");
    }

    #[test]
    fn durations_and_counts_have_as_many_digits_as_anybody_reads() {
        let shown = [840, 1_250, 12_500, 999_900, 12_500_000].map(|micros| short(Duration::from_micros(micros)));
        assert_eq!(shown, ["840 µs", "1.25 ms", "12.5 ms", "1000 ms", "12.5 s"]);
        assert_eq!([0, 999, 1_000, 1_234_567].map(count), ["0", "999", "1,000", "1,234,567"]);
    }
}
