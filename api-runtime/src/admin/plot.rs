//! The latencies of the last intervals as a drawing: SVG within the page, its colours those of the page.

use super::words::short;
use crate::metrics::Interval;
use std::fmt::Write;
use std::time::Duration;

const WIDTH: f64 = 480.0;
const HEIGHT: f64 = 190.0;
/// Room for the words beside and below the lines.
const LEFT: f64 = 74.0;
const RIGHT: f64 = 12.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 24.0;
const LINES: [&str; 3] = ["p50", "p95", "p99"];

/// The drawing, or why there is none yet. `interval` is how long each of them is.
pub(super) fn svg(intervals: &[Interval], interval: Duration) -> String {
    let highest = intervals.iter().filter_map(|each| each.latencies).map(|[.., p99]| p99).max();
    let Some(highest) = highest.filter(|_| intervals.len() > 1) else {
        return format!(
            "<p class=quiet>A line for each of p50, p95 and p99 appears here after two intervals of {} with requests.</p>",
            super::words::age(interval)
        );
    };
    let top = ceiling(highest);
    let mut out = format!(
        "<svg viewBox='0 0 {WIDTH} {HEIGHT}' role=img aria-label='Latencies: p50, p95 and p99 of the last {} intervals'>",
        intervals.len()
    );
    for part in [0.0, 0.5, 1.0] {
        let (y, words) = (height(part), short(top.mul_f64(part)));
        let words = if part == 0.0 { "0".to_owned() } else { words };
        // Writing to a string cannot fail.
        let _ = write!(
            out,
            "<line class=grid x1={LEFT} x2={} y1={y:.1} y2={y:.1} /><text x={} y={:.1} text-anchor=end>{words}</text>",
            WIDTH - RIGHT,
            LEFT - 6.0,
            y + 4.0
        );
    }
    let ago = super::words::age(interval.saturating_mul(u32::try_from(intervals.len() - 1).unwrap_or(u32::MAX)));
    let _ = write!(
        out,
        "<text x={LEFT} y={}>{ago} ago</text><text x={} y={} text-anchor=end>now</text>",
        HEIGHT - 6.0,
        WIDTH - RIGHT,
        HEIGHT - 6.0
    );
    for (line, name) in LINES.into_iter().enumerate().rev() {
        for run in runs(intervals, line, top) {
            let _ = write!(out, "<polyline class={name} points='{run}' />");
        }
    }
    out.push_str("</svg>");
    out
}

/// The points of one line; a quiet interval breaks it.
fn runs(intervals: &[Interval], line: usize, top: Duration) -> Vec<String> {
    let step = (WIDTH - LEFT - RIGHT) / (intervals.len() - 1).max(1) as f64;
    let mut runs = vec![String::new()];
    for (at, each) in intervals.iter().enumerate() {
        let latency = each.latencies.and_then(|latencies| latencies.get(line).copied());
        match (latency, runs.last_mut()) {
            (Some(latency), Some(run)) => {
                let (x, y) = (LEFT + step * at as f64, height(latency.as_secs_f64() / top.as_secs_f64()));
                let _ = write!(run, "{x:.1},{y:.1} ");
                // A point by itself is a short line, or nobody would see it.
                if run.matches(',').count() == 1 {
                    let _ = write!(run, "{:.1},{y:.1} ", x + 1.5);
                }
            }
            (None, Some(run)) if !run.is_empty() => runs.push(String::new()),
            _ => {}
        }
    }
    runs.retain(|run| !run.is_empty());
    runs
}

/// Where a part of the highest value lies.
fn height(part: f64) -> f64 {
    let room = HEIGHT - TOP - BOTTOM;
    TOP + room * (1.0 - part.clamp(0.0, 1.0))
}

/// The next 1, 2 or 5 times a power of ten above.
fn ceiling(highest: Duration) -> Duration {
    let micros = (highest.as_secs_f64() * 1e6).max(1.0);
    let power = 10_f64.powf(micros.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].into_iter().find(|step| step * power >= micros).unwrap_or(10.0);
    Duration::from_secs_f64(step * power / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;
    use policy::Timestamp;

    fn interval(micros: Option<u64>) -> Interval {
        let latencies = micros.map(|micros| [1, 2, 3].map(|times| Duration::from_micros(micros * times)));
        Interval { at: Timestamp::UNIX_EPOCH, requests: 1, latencies }
    }

    #[test]
    fn the_scale_ends_at_a_round_number_above() {
        let ceilings =
            [1, 90, 101, 2_000, 2_001, 7_000_000].map(|micros| ceiling(Duration::from_micros(micros)).as_micros());
        assert_eq!(ceilings, [1, 100, 200, 2_000, 5_000, 10_000_000]);
    }

    #[test]
    fn without_two_intervals_there_are_words() {
        let minute = Duration::from_secs(60);
        for intervals in [&[][..], &[interval(Some(5))], &[interval(None), interval(None)]] {
            assert!(!svg(intervals, minute).contains("<svg"));
        }
    }

    #[test]
    fn each_quantile_is_a_line_and_a_quiet_interval_breaks_it() {
        let intervals = [interval(Some(100)), interval(Some(200)), interval(None), interval(Some(300))];
        let drawn = svg(&intervals, Duration::from_secs(60));
        assert_eq!(drawn.matches("<polyline").count(), 6);
        assert!(drawn.contains("1.00 ms") && drawn.contains("3 min ago") || drawn.contains("180 s ago"), "{drawn}");
        assert!(!drawn.contains("style=") && !drawn.contains("NaN"));
    }
}
