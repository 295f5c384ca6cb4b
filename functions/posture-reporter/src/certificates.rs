//! What the certificate inventory says: how long certificates are good for.

use std::collections::HashMap;

use jiff::Timestamp;
use telemetry::{Run, metrics};

use crate::endpoints::as_f64;
use crate::table::{Item, seconds};

/// The attributes that are read; what the rotator writes is described there.
pub(crate) const ATTRIBUTES: &[&str] = &["serialNumber", "identity", "notAfter", "withdrawn", "orphan"];

const DAY: f64 = 86_400.0;
/// How long at most, and the word for it. Each has its value, also when it is zero.
const BUCKETS: [(f64, &str); 5] = [
    (0.0, "expired"),
    (DAY, "withinOneDay"),
    (7.0 * DAY, "withinSevenDays"),
    (30.0 * DAY, "withinThirtyDays"),
    (f64::INFINITY, "later"),
];

/// Publishes how many certificates expire when, each counted once, and how long the identity that has the least time
/// left is still good: an old certificate beside a new one is no concern. An orphan is in no secret, so it must not hide that
/// those in use expire; it is counted, for it is written down before it is revoked, and may still be valid.
pub(crate) fn measure(run: &mut Run, items: &[Item], now: Timestamp) {
    let mut counts = BUCKETS.map(|_| 0_usize);
    let mut newest: HashMap<&str, Timestamp> = HashMap::new();
    for item in items.iter().filter(|item| !item.flag("withdrawn")) {
        let Some(not_after) = item.time("notAfter") else {
            tracing::warn!(?item, "a row of the certificate inventory cannot be understood");
            continue;
        };
        let left = seconds(now, not_after);
        if let Some((_, count)) = BUCKETS.iter().zip(&mut counts).find(|((most, _), _)| left <= *most) {
            *count += 1;
        }
        if let Some(identity) = item.text("identity").filter(|_| !item.flag("orphan")) {
            let latest = newest.entry(identity).or_insert(not_after);
            *latest = not_after.max(*latest);
        }
    }
    for ((_, word), count) in BUCKETS.iter().zip(counts) {
        run.add(&metrics::CERTIFICATES_BY_EXPIRY, [word], as_f64(count));
    }
    // One that expired long ago is nobody's any more: it is counted above, and does not hide the others.
    let left = newest.values().map(|not_after| seconds(now, *not_after)).filter(|left| *left > -DAY);
    if let Some(least) = left.min_by(f64::total_cmp) {
        run.add(&metrics::IDENTITY_SECONDS_TO_EXPIRY, [], least);
    }
}
