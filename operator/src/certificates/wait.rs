//! Following a request until it is in force.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use aws_config::SdkConfig;
use aws_sdk_dynamodb::types::AttributeValue;
use policy::deny_list::{DenyListEntry, Subject};
use policy::sortable_time;
use policy::{SerialNumber, Timestamp};

use super::crl::Crl;
use crate::aws::{Item, explained};
use crate::cli::Waiting;
use crate::output::{self, Progress, Screen};

/// How often the deny list is asked, and how often the CRL.
const DENY_LIST_EVERY: Duration = Duration::from_millis(200);
const CRL_EVERY: Duration = Duration::from_secs(2);

/// What to wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// An entry of the deny list in force.
    Denied,
    /// None.
    Lifted,
}

/// Whom, and where to look.
#[derive(Debug)]
pub(super) struct Follow<'a> {
    pub(super) sdk: &'a SdkConfig,
    pub(super) subject: &'a Subject,
    pub(super) wanted: Wanted,
    /// The authority's ARN and the certificate inventory, when the authority is to be followed too.
    pub(super) authority: Option<(&'a str, &'a str)>,
    pub(super) waiting: &'a Waiting,
}

/// When it was in force, in seconds from the request on.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) deny_list: Option<f64>,
    /// None also when there is nothing to follow there.
    pub(super) authority: Option<f64>,
    pub(super) in_time: bool,
}

/// Waits, and tells each as it comes.
pub(super) async fn follow(follow: &Follow<'_>, began: Instant, screen: &Screen) -> anyhow::Result<Seen> {
    let until = began + Duration::from_secs(follow.waiting.timeout);
    let mut seen = Seen { deny_list: None, authority: None, in_time: false };
    let place = if follow.wanted == Wanted::Denied { "in the deny list" } else { "lifted from the deny list" };
    let told = |seconds: f64, what: &str| {
        if !screen.is_json() {
            output::say(&format!("{what} after {seconds:.2} s"));
        }
    };
    let asked = poll(until, DENY_LIST_EVERY, place, async || is_in_force(follow).await).await?;
    let Some(at) = asked else {
        output::complain(&format!(
            "linkward: not {place} after {} s: look at the revoker's log and dead-letter queue",
            follow.waiting.timeout
        ));
        return Ok(seen);
    };
    seen.deny_list = Some(seconds(began, at));
    told(seconds(began, at), place);
    let serials = serials(follow).await?;
    let Some((authority, _)) = follow.authority.filter(|_| !serials.is_empty()) else {
        return Ok(Seen { in_time: true, ..seen });
    };
    let Some(mut crl) = Crl::of(follow.sdk, authority).await? else {
        output::complain("linkward: the authority publishes no CRL in S3, so its revocation cannot be followed");
        return Ok(Seen { in_time: true, ..seen });
    };
    let what = format!("in the authority's CRL ({})", output::count(serials.len() as u64, "certificate"));
    match poll(until, CRL_EVERY, &what, async || crl.holds(&serials).await).await? {
        Some(at) => {
            told(seconds(began, at), &what);
            Ok(Seen { authority: Some(seconds(began, at)), in_time: true, ..seen })
        }
        None => {
            output::complain(&format!(
                "linkward: not {what} after {} s; the deny list holds meanwhile",
                follow.waiting.timeout
            ));
            Ok(seen)
        }
    }
}

fn seconds(began: Instant, at: Instant) -> f64 {
    (at.duration_since(began).as_secs_f64() * 100.0).round() / 100.0
}

/// Asks until the answer is yes; none when that takes too long.
async fn poll(
    until: Instant,
    every: Duration,
    what: &str,
    mut ask: impl AsyncFnMut() -> anyhow::Result<bool>,
) -> anyhow::Result<Option<Instant>> {
    let (began, mut progress) = (Instant::now(), Progress::new());
    loop {
        if ask().await? {
            return Ok(Some(Instant::now()));
        }
        if Instant::now() + every > until {
            return Ok(None);
        }
        progress.at(0, 0, || format!("waiting to see it {what}, {} s", began.elapsed().as_secs()));
        tokio::time::sleep(every).await;
    }
}

async fn is_in_force(follow: &Follow<'_>) -> anyhow::Result<bool> {
    let table = &follow.waiting.deny_list_table;
    let entry = DenyListEntry {
        subject: follow.subject.clone(),
        certificate_authority: None,
        reason: None,
        requested_by: None,
        at: None,
        expires: None,
        issued_before: None,
    };
    let client = aws_sdk_dynamodb::Client::new(follow.sdk);
    let get = client.get_item().table_name(table).key("pk", AttributeValue::S(entry.key())).consistent_read(true);
    let got = get.send().await.map_err(explained).with_context(|| format!("the table `{table}` cannot be read"))?;
    let denied = got.item.map(Item::new).is_some_and(|item| !item.is("withdrawn"));
    Ok(denied == (follow.wanted == Wanted::Denied))
}

/// The certificates that the authority is to revoke: an account's are nobody's business there.
async fn serials(follow: &Follow<'_>) -> anyhow::Result<BTreeSet<SerialNumber>> {
    let identity = match (follow.authority, follow.subject) {
        (Some(_), Subject::SerialNumber(serial)) => return Ok(BTreeSet::from([serial.clone()])),
        (Some((_, table)), Subject::Identity(identity)) => (table, identity),
        _ => return Ok(BTreeSet::new()),
    };
    let (table, identity) = identity;
    let query = aws_sdk_dynamodb::Client::new(follow.sdk)
        .query()
        .table_name(table)
        .index_name("byIdentity")
        .key_condition_expression("#identity = :identity AND #notAfter > :now")
        .expression_attribute_names("#identity", "identity")
        .expression_attribute_names("#notAfter", "notAfter")
        .expression_attribute_values(":identity", AttributeValue::S(identity.to_string()))
        .expression_attribute_values(":now", AttributeValue::S(sortable_time(Timestamp::now())));
    let items = query.into_paginator().items().send().collect::<Result<Vec<_>, _>>().await.map_err(explained);
    let items = items.with_context(|| format!("the table `{table}` cannot be read"))?;
    Ok(items.into_iter().filter_map(|item| Item::new(item).text("serialNumber")?.parse().ok()).collect())
}
