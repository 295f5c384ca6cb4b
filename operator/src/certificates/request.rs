//! The events of operators about certificates; their schemas are in `events/`.

use serde_json::{Value, json};

use crate::aws::{self, Event};
use crate::cli::{Restore, Revoke, Subject};

/// `Certificate Revocation Requested`.
pub(super) fn revocation(revoke: &Revoke) -> anyhow::Result<Event> {
    let mut detail = json!({
        "certificateAuthorityArn": revoke.authority.arn(),
        "reason": revoke.reason.as_str(),
        "requestedBy": revoke.sender.requested_by()?,
    });
    add(&mut detail, &revoke.subject, revoke.ticket.as_deref());
    Ok(Event { source: aws::OPERATOR, detail_type: "Certificate Revocation Requested", detail })
}

/// `Certificate Denial Withdrawn`.
pub(super) fn withdrawal(restore: &Restore) -> anyhow::Result<Event> {
    let mut detail = json!({ "requestedBy": restore.sender.requested_by()? });
    add(&mut detail, &restore.subject, restore.ticket.as_deref());
    Ok(Event { source: aws::OPERATOR, detail_type: "Certificate Denial Withdrawn", detail })
}

fn add(detail: &mut Value, subject: &Subject, ticket: Option<&str>) {
    let fields = [
        ("serialNumber", subject.serial.as_ref().map(ToString::to_string)),
        ("identity", subject.identity.as_ref().map(ToString::to_string)),
        ("account", subject.account.as_ref().map(ToString::to_string)),
        ("ticket", ticket.map(str::to_owned)),
    ];
    if let Some(detail) = detail.as_object_mut() {
        detail.extend(fields.into_iter().filter_map(|(name, text)| Some((name.to_owned(), text?.into()))));
    }
}
