//! `linkward endpoints sweep`.

use std::process::ExitCode;

use serde_json::{Value, json};

use crate::aws::{self, Event};
use crate::cli::Sweep;
use crate::consent;
use crate::output::{self, Screen};

/// The event that wakes the approver.
pub(super) const DETAIL_TYPE: &str = "Endpoint Sweep Requested";

/// `endpoints sweep`.
pub(crate) fn sweep(sweep: &Sweep, screen: &Screen) -> anyhow::Result<ExitCode> {
    let event = Event { source: aws::OPERATOR, detail_type: DETAIL_TYPE, detail: detail(sweep)? };
    let removals = sweep.max_removals.map(|most| format!(", and remove up to {most} connections")).unwrap_or_default();
    let question = format!("Sweep now: accept and reject as the policy says{removals}?");
    if !sweep.dry_run && !consent::given(sweep.consent, &question)? {
        return Ok(ExitCode::from(1));
    }
    let id = aws::block_on(async { aws::send(&aws::config().await, &sweep.sender.event_bus, &event).await })?;
    if screen.is_json() {
        output::say_json(&json!({ "eventId": id, "detailType": event.detail_type, "detail": event.detail }));
    } else {
        output::say(&format!(
            "asked the approver for a {}sweep; event {id}",
            if sweep.dry_run { "dry-run " } else { "" }
        ));
    }
    Ok(ExitCode::SUCCESS)
}

fn detail(sweep: &Sweep) -> anyhow::Result<Value> {
    let mut detail = json!({ "requestedBy": sweep.sender.requested_by()? });
    let fields = [
        ("serviceIds", (!sweep.services.is_empty()).then(|| json!(sweep.services))),
        ("dryRun", sweep.dry_run.then_some(json!(true))),
        ("maxRemovals", sweep.max_removals.map(|most| json!(most))),
    ];
    if let Some(detail) = detail.as_object_mut() {
        detail.extend(fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
    }
    Ok(detail)
}
