//! `/`: the same for people. One page, no script, nothing loaded from elsewhere.

use crate::gate::Gate;
use crate::metrics::SnapshotState;
use crate::recent::Denial;
use policy::Timestamp;
use std::fmt::Write;
use std::time::Duration;

const HEAD: &str = "<!doctype html><html lang=en><head><meta charset=utf-8><meta http-equiv=refresh content=5>\
<meta name=viewport content='width=device-width'><title>Linkward api-runtime</title><style>\
body{font:15px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;color:#1a1a1a}\
h1{font-size:1.3rem}h2{font-size:1.05rem;margin-top:2rem}table{border-collapse:collapse;width:100%}\
th,td{text-align:left;padding:.25rem .75rem .25rem 0;border-bottom:1px solid #ddd;vertical-align:top;overflow-wrap:anywhere}\
.bad{color:#b00020;font-weight:600}.good{color:#0a6b2d;font-weight:600}\
@media(prefers-color-scheme:dark){body{background:#141414;color:#e6e6e6}th,td{border-color:#333}\
.bad{color:#ff7b8a}.good{color:#6fdc8c}}</style></head><body>";

/// `/status` has them all.
const AUDITED: usize = 50;

/// The status as a page.
pub(super) fn html(gate: &Gate, now: Timestamp) -> String {
    let mut out = String::from(HEAD);
    let (class, word) = if gate.is_draining() { ("bad", "draining") } else { ("good", "serving") };
    // Writing to a string cannot fail.
    let _ = write!(out, "<h1>Linkward api-runtime <span class={class}>{word}</span></h1><table>");
    for (name, value) in facts(gate, now) {
        row(&mut out, &[name, &value]);
    }
    out.push_str("</table><h2>Snapshots</h2><table><tr><th>kind<th>revision<th>age<th>last refresh");
    gate.snapshot_states().iter().for_each(|state| snapshot(&mut out, state));
    out.push_str("</table>");
    audit(&mut out, gate);
    out.push_str("<h2>Recent denials</h2><table><tr><th>when<th>caller<th>request<th>reason<th>request id");
    gate.denials.list().iter().for_each(|each| denial(&mut out, each));
    out.push_str("</table><p>For machines: <a href=/status>/status</a>, <a href=/metrics>/metrics</a></body></html>");
    out
}

fn facts(gate: &Gate, now: Timestamp) -> Vec<(&'static str, String)> {
    let trust = gate.snapshots.trust.load();
    let (latency, recent) = (gate.metrics.latency(), gate.metrics.recent_latency());
    let quantiles =
        [0.5, 0.95, 0.99].map(|part| recent.quantile(part).map_or("–".to_owned(), |at| format!("{at:.1?}")));
    let until =
        |at: Timestamp| format!("{at} (in {})", age(Duration::try_from(at.duration_since(now)).unwrap_or_default()));
    let uptime = Duration::try_from(now.duration_since(gate.started)).unwrap_or_default();
    vec![
        ("version", env!("CARGO_PKG_VERSION").to_owned()),
        ("up for", age(uptime)),
        ("policy mode", format!("{:?}", gate.config.policy.mode).to_lowercase()),
        ("open connections", format!("{} of {}", gate.connections.len(), gate.config.limits.connections)),
        ("requests", latency.count().to_string()),
        ("latency p50, p95, p99", quantiles.join(", ")),
        ("our certificate expires", until(trust.value.certificate_not_after())),
        ("next CRL due", trust.value.crl_next_update().map_or("no CRLs".to_owned(), until)),
    ]
}

fn snapshot(out: &mut String, state: &SnapshotState) {
    row(out, &[state.kind, state.revision.as_str(), &age(state.age), state.error.as_deref().unwrap_or("good")]);
}

/// Whom enforcing would break: shown while there is anybody.
fn audit(out: &mut String, gate: &Gate) {
    let callers = gate.audit.callers();
    if callers.is_empty() {
        return;
    }
    out.push_str("<h2>Would be denied if the policy were enforced</h2><table><tr><th>caller<th>requests<th>reasons");
    for caller in callers.iter().take(AUDITED) {
        let reasons: Vec<String> = caller.reasons().map(|(reason, count)| format!("{reason} {count}")).collect();
        row(out, &[&caller.caller, &caller.requests().to_string(), &reasons.join(", ")]);
    }
    out.push_str("</table>");
}

fn denial(out: &mut String, denial: &Denial) {
    let request = format!("{} {}", denial.method, denial.path);
    let reason = if denial.audit {
        format!("{} (audit: passed)", denial.reason.as_str())
    } else {
        denial.reason.as_str().to_owned()
    };
    let caller = denial.caller.as_deref().unwrap_or("–");
    row(out, &[&denial.at.to_string(), caller, &request, &reason, &denial.request_id]);
}

fn row(out: &mut String, cells: &[&str]) {
    out.push_str("<tr>");
    for cell in cells {
        out.push_str("<td>");
        escaped(out, cell);
    }
}

fn escaped(out: &mut String, text: &str) {
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

fn age(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0..=119 => format!("{seconds} s"),
        120..=7199 => format!("{} min", seconds / 60),
        7200..=172_799 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hostile_path_is_text() {
        let mut out = String::new();
        row(&mut out, &["/<script>alert('x')</script>", "a&\"b"]);
        assert_eq!(out, "<tr><td>/&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;<td>a&amp;&quot;b");
    }

    #[test]
    fn ages_are_for_people() {
        let ages = [119, 120, 7200, 172_800].map(|seconds| age(Duration::from_secs(seconds)));
        assert_eq!(ages, ["119 s", "2 min", "2 h", "2 days"]);
    }
}
