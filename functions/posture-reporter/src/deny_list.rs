//! How many entries of the deny list are in force.

use jiff::Timestamp;
use telemetry::{Run, metrics};

use crate::endpoints::as_f64;
use crate::table::Item;

/// The attributes that are read; the format is described at `policy_source::DenyListSource`.
pub(crate) const ATTRIBUTES: &[&str] = &["pk", "withdrawn", "expires", "expiresEpoch"];

pub(crate) fn measure(run: &mut Run, items: &[Item], now: Timestamp) {
    let in_force = items.iter().filter(|item| {
        let expires = item.time("expires").or_else(|| item.epoch("expiresEpoch"));
        !item.flag("withdrawn") && expires.is_none_or(|expires| expires > now)
    });
    run.add(&metrics::DENY_LIST_SIZE, [], as_f64(in_force.count()));
}
