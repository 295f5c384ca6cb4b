//! `/`: the same for people. One page, no script, nothing loaded from elsewhere; light or dark as the reader likes, and
//! a table becomes a list where the screen is narrow.

use super::View;
use super::html::{Cell, Html};
use super::plot;
use super::words::{Level, age, count, moment, short, until};
use crate::connection::Gate;
use crate::metrics::SnapshotState;
use crate::recent::Denial;
use crate::sightings::Shared;
use crate::snapshots::Took;
use policy::{AccountId, Timestamp};
use std::time::Duration;

/// What the page looks like; its digest is what the security policy lets in.
pub(super) const STYLE: &str = include_str!("style.css");

/// `/status` has them all.
const SHOWN: usize = 50;

/// The status as a page.
pub(super) fn html(gate: &Gate, view: &View, now: Timestamp) -> String {
    let mut page = Html::new(STYLE);
    header(&mut page, gate, view, now);
    tiles(&mut page, gate, view);
    page.raw("<div class=two>");
    components(&mut page, view);
    page.raw("<div>");
    latency(&mut page, gate, view);
    decisions(&mut page, view);
    page.raw("</div></div>");
    denials(&mut page, gate);
    callers(&mut page, view);
    shared(&mut page, view);
    audit(&mut page, gate);
    snapshots(&mut page, view);
    page.raw("<div class=two>");
    dates(&mut page, view, now);
    propagation(&mut page, gate);
    page.raw("</div>");
    connections(&mut page, view);
    page.finish()
}

fn header(page: &mut Html, gate: &Gate, view: &View, now: Timestamp) {
    let worst = view.components.iter().map(|component| component.level).max().unwrap_or(Level::Good);
    let word = match (gate.is_draining(), worst) {
        (true, _) => "draining",
        (false, Level::Good) => "serving, all well",
        (false, Level::Warn) => "serving, look below",
        (false, Level::Bad) => "serving, something is wrong",
    };
    page.raw("<header><h1>");
    page.text(&gate.config.telemetry.service_name);
    page.raw("</h1>");
    page.mark(worst, word);
    let mode = format!("{:?}", gate.config.policy.mode).to_lowercase();
    let up = Duration::try_from(now.duration_since(gate.started)).unwrap_or_default();
    let version = env!("CARGO_PKG_VERSION");
    page.raw("<span class=soft>");
    page.text(&format!(
        "Linkward api-runtime {version} · policy mode {mode} · up for {} · {} UTC",
        age(up),
        moment(now)
    ));
    page.raw("</span></header>");
}

fn tiles(page: &mut Html, gate: &Gate, view: &View) {
    let recent = gate.metrics.recent_latency();
    let quantile = |part| recent.quantile(part).map_or_else(|| "–".to_owned(), short);
    let tiles = [
        (count(gate.metrics.latency().count()), "requests"),
        (count(view.numbers.decided("deny")), "denied"),
        (count(view.numbers.decided("auditDeny")), "passed by audit"),
        (count(gate.connections.len() as u64), "connections"),
        (count(view.numbers.failures_total()), "failed handshakes"),
        (quantile(0.5), "p50"),
        (quantile(0.95), "p95"),
        (quantile(0.99), "p99"),
    ];
    page.raw("<div class=tiles>");
    for (number, what) in tiles {
        page.raw("<div class=tile><b>");
        page.text(&number);
        page.raw("</b><span>");
        page.text(what);
        page.raw("</span></div>");
    }
    page.raw("</div>");
}

fn components(page: &mut Html, view: &View) {
    let rows = view
        .components
        .iter()
        .map(|each| vec![Cell::word(each.name), Cell::mark(each.level, each.level.as_str()), Cell::text(&each.detail)]);
    page.table("Health", &["part", "state", "detail"], rows, "");
}

fn latency(page: &mut Html, gate: &Gate, view: &View) {
    page.section("Latency");
    page.raw(&plot::svg(&view.intervals, gate.config.telemetry.metrics_interval));
    page.raw("<p class=key><span><i class=p50></i>p50</span><span><i class=p95></i>p95</span><span><i class=p99></i>p99</span></p>");
    page.raw("</section>");
}

fn denials(page: &mut Html, gate: &Gate) {
    let denied = gate.denials.list();
    let rows = denied.iter().map(|denial: &Denial| {
        let reason = denial.reason.as_str();
        let reason = if denial.audit { format!("{reason} (audit: passed)") } else { reason.to_owned() };
        vec![
            Cell::Word(moment(denial.at)),
            Cell::name(denial.caller.as_deref().unwrap_or("–")),
            Cell::Noted(format!("{} {}", denial.method, denial.path), denial.request_id.clone()),
            Cell::word(&reason),
            Cell::word(denial.endpoint.as_deref().unwrap_or("–")),
        ]
    });
    let heads = ["when", "caller", "request, id", "reason", "endpoint"];
    page.table("Recent denials", &heads, rows, "Nobody was denied yet.");
}

fn callers(page: &mut Html, view: &View) {
    let rows = view.numbers.callers.iter();
    let rows = rows.map(|(name, requests, denials)| {
        vec![Cell::name(name), Cell::Number(count(*requests)), Cell::Number(count(*denials))]
    });
    let title = match view.numbers.more_callers {
        0 => "Callers".to_owned(),
        more => format!("Callers (and {more} more)"),
    };
    page.table(&title, &["caller", "requests", "denied"], rows, "No caller of the policy came yet.");
}

fn decisions(page: &mut Html, view: &View) {
    let rows = view.numbers.requests.iter().map(|([decision, reason, status], requests)| {
        vec![Cell::text(decision), Cell::text(reason), Cell::text(status), Cell::Number(count(*requests))]
    });
    page.table("Requests by decision", &["decision", "reason", "status", "requests"], rows, "No request came yet.");
}

fn shared(page: &mut Html, view: &View) {
    if view.shared.is_empty() {
        return;
    }
    let rows = view.shared.iter().take(SHOWN).map(|shared: &Shared| {
        let endpoint = |(id, account, ago): &(policy::VpcEndpointId, Option<AccountId>, Duration)| {
            let account = account.as_ref().map_or("account unknown", AccountId::as_str);
            (id.to_string(), format!("({account}, {} ago)", age(*ago)))
        };
        vec![
            Cell::name(shared.identity.as_str()),
            Cell::text(shared.serial.as_str()),
            Cell::word(&shared.signs.join(", ")),
            Cell::Number(format!("{} of {}", shared.endpoints.len(), shared.limit)),
            Cell::List(shared.endpoints.iter().map(endpoint).collect()),
        ]
    });
    let heads = ["caller", "serial number", "several", "endpoints", "seen through"];
    page.table("One certificate, many users", &heads, rows, "");
}

/// Whom enforcing would break: shown while there is anybody.
fn audit(page: &mut Html, gate: &Gate) {
    let callers = gate.audit.callers();
    if callers.is_empty() {
        return;
    }
    let rows = callers.iter().take(SHOWN).map(|caller| {
        let reasons: Vec<String> = caller.reasons().map(|(reason, count)| format!("{reason} {count}")).collect();
        vec![Cell::name(&caller.caller), Cell::Number(count(caller.requests())), Cell::text(&reasons.join(", "))]
    });
    page.table("Would be denied if the policy were enforced", &["caller", "requests", "reasons"], rows, "");
}

fn snapshots(page: &mut Html, view: &View) {
    let rows = view.snapshots.iter().map(|state: &SnapshotState| {
        vec![
            Cell::word(state.kind),
            Cell::name(state.revision.as_str()),
            Cell::Word(moment(state.loaded_at)),
            Cell::Number(age(state.age)),
            Cell::text(state.error.as_deref().unwrap_or("good")),
        ]
    });
    page.table("Snapshots", &["kind", "revision", "in force since", "confirmed", "last refresh"], rows, "");
}

fn dates(page: &mut Html, view: &View, now: Timestamp) {
    let rows = view.dates.iter().map(|dated| {
        let name = match &dated.crl {
            Some((number, entries)) => {
                Cell::Noted(dated.name.clone(), format!("number {number}, {} revoked", count(*entries as u64)))
            }
            None => Cell::text(&dated.name),
        };
        let left = Cell::mark(dated.level, until(dated.until, now));
        vec![Cell::word(dated.what), name, Cell::text(&moment(dated.until)), left]
    });
    page.table("Certificates and CRLs", &["what", "whose", "until", "left"], rows, "");
}

fn propagation(page: &mut Html, gate: &Gate) {
    let took = |name: &'static str, took: &Took| {
        let shown = |duration: Option<Duration>| Cell::Number(duration.map_or_else(|| "–".to_owned(), short));
        let changes = took.changes();
        let slowest = (changes > 0).then(|| took.slowest());
        let changes = Cell::Number(count(changes));
        vec![Cell::text(name), changes, shown(took.last()), shown(took.quantile(0.95)), shown(slowest)]
    };
    let policy = took("policy", &gate.snapshots.propagation().policy);
    let rows = std::iter::once(policy).chain(gate.deny_list_took().map(|each| took("revocation (deny list)", each)));
    page.table("From a change to its force here", &["of", "changes", "last", "p95", "slowest"], rows, "");
}

fn connections(page: &mut Html, view: &View) {
    let numbers = &view.numbers;
    let row = |what: &str, count_of: u64| vec![Cell::text(what), Cell::Number(count(count_of))];
    let mut rows = vec![row("handshakes completed", numbers.handshakes), row("not HTTP", numbers.protocol_errors)];
    for (what, counts) in [
        ("handshake failed", &numbers.handshake_failures),
        ("ended by us", &numbers.ended),
        ("upstream failed", &numbers.upstream_errors),
    ] {
        rows.extend(counts.iter().map(|(cause, number)| row(&format!("{what}: {cause}"), *number)));
    }
    page.table("Connections since the start", &["what", "how often"], rows.into_iter(), "");
}
