//! What an operator asks for. Only a whole, known request is one.

use std::str::FromStr;

use jiff::Timestamp;
use policy::deny_list::Subject;
use policy::{AuthorityArn, SerialNumber, SpiffeId};
use serde_json::Value;
use telemetry::{Envelope, FieldError, Fields};

const REVOCATION: (&str, &str) = ("linkward.operator", "Certificate Revocation Requested");
const WITHDRAWAL: (&str, &str) = ("linkward.operator", "Certificate Denial Withdrawn");
const KNOWN: &[(&str, &str)] = &[REVOCATION, WITHDRAWAL];
const REVOCATION_FIELDS: &[&str] = &[
    "certificateAuthorityArn",
    "serialNumber",
    "identity",
    "account",
    "reason",
    "requestedBy",
    "ticket",
    "allowServerCertificate",
];
const SUBJECTS: &str = "give exactly one of `serialNumber`, `identity` and `account`";

/// An operator's request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// Cut a caller off.
    Revoke(Revocation),
    /// Lift an entry of the deny list.
    Withdraw(Withdrawal),
}

/// `Certificate Revocation Requested`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revocation {
    /// The id of the event; none if it was made by hand.
    pub id: Option<String>,
    /// When it was asked for; none, which is now, if it was made by hand. A denial may be later than it was asked for:
    /// then it outlasts a withdrawal that it should not have, and never the other way round.
    pub asked_at: Option<Timestamp>,
    /// The authority of the certificate; of an identity's certificates where the inventory does not say another.
    pub certificate_authority: AuthorityArn,
    /// Who is cut off.
    pub subject: Subject,
    /// Why.
    pub reason: Reason,
    /// Who asked; a claim.
    pub requested_by: String,
    /// Where it was decided.
    pub ticket: Option<String>,
    /// Whether the runtime's own certificate may be revoked too: then nobody is served until it has another one.
    pub allow_server_certificate: bool,
}

/// `Certificate Denial Withdrawn`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Withdrawal {
    /// When it was asked for.
    pub asked_at: Timestamp,
    /// Whose entry is lifted.
    pub subject: Subject,
    /// Who asked; a claim.
    pub requested_by: String,
    /// Where it was decided.
    pub ticket: Option<String>,
}

/// A revocation reason of ACM Private CA.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reason(&'static str);

/// Not one of them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is none of {all}", all = Reason::ALL.join(", "))]
pub struct ReasonError(String);

impl Reason {
    const ALL: [&'static str; 8] = [
        "UNSPECIFIED",
        "KEY_COMPROMISE",
        "CERTIFICATE_AUTHORITY_COMPROMISE",
        "AFFILIATION_CHANGED",
        "SUPERSEDED",
        "CESSATION_OF_OPERATION",
        "PRIVILEGE_WITHDRAWN",
        "A_A_COMPROMISE",
    ];

    /// AWS's word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.0
    }
}

impl FromStr for Reason {
    type Err = ReasonError;

    fn from_str(text: &str) -> Result<Self, ReasonError> {
        Self::ALL.into_iter().find(|reason| *reason == text).map(Self).ok_or_else(|| ReasonError(text.to_owned()))
    }
}

impl TryFrom<&Value> for Request {
    type Error = FieldError;

    fn try_from(event: &Value) -> Result<Self, FieldError> {
        let envelope = Envelope::of(event)?;
        match (envelope.source, envelope.detail_type) {
            REVOCATION => revocation(&envelope).map(Self::Revoke),
            WITHDRAWAL => withdrawal(&envelope).map(Self::Withdraw),
            _ => Err(envelope.foreign(KNOWN)),
        }
    }
}

fn revocation(envelope: &Envelope<'_>) -> Result<Revocation, FieldError> {
    let detail = envelope.detail()?;
    detail.only(REVOCATION_FIELDS)?;
    Ok(Revocation {
        id: envelope.fields.optional_text("id")?.map(str::to_owned),
        asked_at: envelope.fields.optional("time")?,
        certificate_authority: detail.parsed("certificateAuthorityArn")?,
        subject: subject(&detail)?,
        reason: detail.parsed("reason")?,
        requested_by: detail.claim("requestedBy")?.to_owned(),
        ticket: detail.optional_claim("ticket")?.map(str::to_owned),
        allow_server_certificate: detail.flag("allowServerCertificate")?.unwrap_or_default(),
    })
}

/// Without a time it cannot be known what it is later than, and lifting a denial lets somebody in: it must have one.
fn withdrawal(envelope: &Envelope<'_>) -> Result<Withdrawal, FieldError> {
    let detail = envelope.detail()?;
    detail.only(&["serialNumber", "identity", "account", "requestedBy", "ticket"])?;
    Ok(Withdrawal {
        asked_at: envelope.time()?,
        subject: subject(&detail)?,
        requested_by: detail.claim("requestedBy")?.to_owned(),
        ticket: detail.optional_claim("ticket")?.map(str::to_owned),
    })
}

fn subject(detail: &Fields<'_>) -> Result<Subject, FieldError> {
    let serial_number: Option<SerialNumber> = detail.optional("serialNumber")?;
    let subjects = [
        ("serialNumber", serial_number.map(Subject::SerialNumber)),
        ("identity", identity(detail)?.map(Subject::Identity)),
        ("account", detail.optional("account")?.map(Subject::Account)),
    ];
    let mut named = subjects.into_iter().filter_map(|(name, subject)| Some((name, subject?)));
    match (named.next(), named.next()) {
        (Some((_, subject)), None) => Ok(subject),
        (Some((name, _)), Some((other, _))) => Err(detail.error(name, format!("stands beside `{other}`; {SUBJECTS}"))),
        (None, _) => Err(detail.error("serialNumber", format!("is missing; {SUBJECTS}"))),
    }
}

/// A trust domain alone is nobody's identity.
fn identity(detail: &Fields<'_>) -> Result<Option<SpiffeId>, FieldError> {
    match detail.optional::<SpiffeId>("identity")? {
        Some(identity) if identity.path().is_empty() => {
            Err(detail.error("identity", format!("is `{identity}`, which names no workload; add its path")))
        }
        identity => Ok(identity),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_event_becomes_a_request_in_canonical_form() {
        let event = json!({
            "id": "event-1",
            "source": "linkward.operator",
            "detail-type": "Certificate Revocation Requested",
            "time": "2026-11-23T10:00:00Z",
            "detail": {
                "certificateAuthorityArn": "arn:aws:acm-pca:eu-west-1:111122223333:certificate-authority/11-22",
                "serialNumber": "0A:1B:2C", "reason": "SUPERSEDED", "requestedBy": "alice", "ticket": "T-1"
            }
        });
        let Ok(Request::Revoke(revocation)) = Request::try_from(&event) else { panic!("no revocation") };
        assert_eq!(revocation.subject, Subject::SerialNumber("a1b2c".parse().unwrap()));
        assert_eq!(revocation.reason.as_str(), "SUPERSEDED");
        assert_eq!((revocation.id.as_deref(), revocation.ticket.as_deref()), (Some("event-1"), Some("T-1")));
        assert_eq!(revocation.asked_at, Some("2026-11-23T10:00:00Z".parse().unwrap()));
        assert!(!revocation.allow_server_certificate);
    }
}
