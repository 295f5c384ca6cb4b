//! `linkward certificates list`.

use std::process::ExitCode;

use policy::Timestamp;
use serde_json::{Value, json};

use crate::aws::{self, Item};
use crate::cli::CertificateList;
use crate::output::{self, Cell, Screen, Style};

/// Less than this is left, and somebody should look: a rotator renews long before.
const SOON: i64 = 3 * 86_400;

/// `certificates list`.
pub(crate) fn list(options: &CertificateList, screen: &Screen) -> anyhow::Result<ExitCode> {
    let now = Timestamp::now();
    let mut items = aws::block_on(async { aws::scan(&aws::config().await, &options.inventory.inventory_table).await })?;
    items.retain(|item| wanted(item, options, now));
    items.sort_by(|a, b| key(a).cmp(&key(b)));
    if screen.is_json() {
        let certificates: Vec<Value> = items.iter().map(|item| document(item, now)).collect();
        output::say_json(&json!({ "certificates": certificates }));
    } else {
        tell(&items, now, screen);
    }
    Ok(ExitCode::SUCCESS)
}

fn wanted(item: &Item, options: &CertificateList, now: Timestamp) -> bool {
    let identity = options.identity.as_ref().map(policy::SpiffeId::as_str);
    identity.is_none_or(|identity| item.text("identity") == Some(identity))
        && (options.all || item.time("notAfter").is_none_or(|end| now < end))
        // Seen at the authority, and nobody's that we know.
        && (options.all || !item.is("withdrawn"))
}

fn key(item: &Item) -> (Option<&str>, Option<&str>) {
    (item.text("notAfter"), item.text("serialNumber"))
}

fn tell(items: &[Item], now: Timestamp, screen: &Screen) {
    let row = |item: &Item| {
        let (style, left) = match item.time("notAfter") {
            None => (Style::Warning, "-".to_owned()),
            Some(end) if end <= now => (Style::Dim, "expired".to_owned()),
            Some(end) if end.duration_since(now).as_secs() < SOON => (Style::Bad, output::age(now, end)),
            Some(end) => (Style::Good, output::age(now, end)),
        };
        let text = |name: &str| item.text(name).unwrap_or("-").to_owned();
        let note = if item.is("orphan") { "orphan" } else { "" };
        vec![
            text("identity").into(),
            text("serialNumber").into(),
            text("notAfter").into(),
            Cell::new(style, left),
            Cell::new(Style::Warning, note),
        ]
    };
    if !items.is_empty() {
        screen.table(&["identity", "serial number", "expires", "left", ""], items.iter().map(row).collect());
        output::say("");
    }
    output::say(&output::count(items.len() as u64, "certificate"));
}

fn document(item: &Item, now: Timestamp) -> Value {
    json!({
        "serialNumber": item.text("serialNumber"),
        "identity": item.text("identity"),
        "certificateArn": item.text("certificateArn"),
        "secret": item.text("secret"),
        "notBefore": item.text("notBefore"),
        "notAfter": item.text("notAfter"),
        "secondsLeft": item.time("notAfter").map(|end| end.duration_since(now).as_secs().max(0)),
        "orphan": item.is("orphan"),
    })
}
