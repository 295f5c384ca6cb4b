//! One line: borrowed from the bytes it was read from, and only as much of it as is asked again.

use std::borrow::Cow;

use policy::access::Reason;
use serde::Deserialize;

/// What a line of the log is.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "one at a time, on the stack; a box for each line would cost more")]
pub(crate) enum Line<'a> {
    /// A request that the policy decided.
    Request(Request<'a>),
    /// A request that came to an end before the policy was asked: its certificate, its path, an overload.
    Undecided,
    /// A failed handshake, a protocol error, or an event of a later version.
    OtherEvent,
}

/// A request, and how it was decided.
#[derive(Debug)]
pub(crate) struct Request<'a> {
    /// RFC 3339.
    pub(crate) timestamp: Text<'a>,
    pub(crate) caller: Text<'a>,
    /// This and what follows to `account`: what only Rego asks for besides.
    pub(crate) common_name: Option<Text<'a>>,
    pub(crate) serial_number: Option<Text<'a>>,
    pub(crate) certificate_expires: Option<Text<'a>>,
    pub(crate) host: Option<Text<'a>>,
    pub(crate) endpoint: Option<Text<'a>>,
    pub(crate) account: Option<Text<'a>>,
    pub(crate) method: Text<'a>,
    pub(crate) path: Text<'a>,
    pub(crate) recorded: Recorded,
    pub(crate) reason: Text<'a>,
    pub(crate) rule: Option<Text<'a>>,
}

/// The decision in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Recorded {
    Allow,
    Deny,
    /// The policy denied, and audit mode let it pass.
    AuditDeny,
}

/// Text without escapes is borrowed.
#[derive(Debug, Deserialize)]
pub(crate) struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl std::ops::Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Fields<'a> {
    #[serde(borrow)]
    event: Text<'a>,
    #[serde(borrow)]
    timestamp: Text<'a>,
    #[serde(borrow, default)]
    caller_id: Option<Text<'a>>,
    #[serde(borrow, default)]
    common_name: Option<Text<'a>>,
    #[serde(borrow, default)]
    serial_number: Option<Text<'a>>,
    #[serde(borrow, default)]
    certificate_expires: Option<Text<'a>>,
    #[serde(borrow, default)]
    host: Option<Text<'a>>,
    #[serde(borrow, default)]
    endpoint_id: Option<Text<'a>>,
    #[serde(borrow, default)]
    account: Option<Text<'a>>,
    #[serde(borrow, default)]
    method: Option<Text<'a>>,
    #[serde(borrow, default)]
    path: Option<Text<'a>>,
    #[serde(borrow, default)]
    decision: Option<Text<'a>>,
    #[serde(borrow, default)]
    reason: Option<Text<'a>>,
    #[serde(borrow, default)]
    rule_id: Option<Text<'a>>,
}

/// Why a line is none of ours.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LineError {
    #[error("not a line of an access log: {0}")]
    Json(#[from] serde_json::Error),
    #[error("an access line without `{0}`")]
    Missing(&'static str),
    #[error("the decision `{0}` is none of `allow`, `deny` and `auditDeny`")]
    Decision(String),
}

impl<'a> Line<'a> {
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, LineError> {
        let fields: Fields<'a> = serde_json::from_slice(bytes)?;
        if &*fields.event != "access" {
            return Ok(Self::OtherEvent);
        }
        let recorded = match fields.decision.as_deref() {
            Some("allow") => Recorded::Allow,
            Some("deny") => Recorded::Deny,
            Some("auditDeny") => Recorded::AuditDeny,
            Some(other) => return Err(LineError::Decision(other.to_owned())),
            None => return Err(LineError::Missing("decision")),
        };
        let by_policy = |reason: &str| {
            Reason::ALL
                .into_iter()
                .any(|known| known.as_str() == reason && (known == Reason::Permitted || known.is_auditable()))
        };
        let (Some(caller), Some(reason)) = (fields.caller_id, fields.reason.filter(|reason| by_policy(reason))) else {
            return Ok(Self::Undecided);
        };
        Ok(Self::Request(Request {
            timestamp: fields.timestamp,
            caller,
            common_name: fields.common_name,
            serial_number: fields.serial_number,
            certificate_expires: fields.certificate_expires,
            host: fields.host,
            endpoint: fields.endpoint_id,
            account: fields.account,
            method: fields.method.ok_or(LineError::Missing("method"))?,
            path: fields.path.ok_or(LineError::Missing("path"))?,
            recorded,
            reason,
            rule: fields.rule_id,
        }))
    }
}

impl Recorded {
    /// The word of the log.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
            Self::AuditDeny => "auditDeny",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(decision: &str, reason: &str) -> String {
        format!(
            r#"{{"timestamp":"2026-11-23T10:00:00.5Z","event":"access","callerId":"spiffe://a/b","account":null,"method":"GET","path":"/a\"b","decision":"{decision}","reason":{reason},"ruleId":"r","extra":[{{}}]}}"#
        )
    }

    #[test]
    fn what_the_policy_decided_is_a_request() {
        for (decision, recorded) in
            [("allow", Recorded::Allow), ("deny", Recorded::Deny), ("auditDeny", Recorded::AuditDeny)]
        {
            let text = line(decision, "\"noMatchingRule\"");
            let Line::Request(request) = Line::parse(text.as_bytes()).unwrap() else { panic!("{text}") };
            assert_eq!(request.recorded, recorded);
            assert_eq!(
                (&*request.caller, &*request.path, request.rule.as_deref()),
                ("spiffe://a/b", "/a\"b", Some("r"))
            );
            assert!(request.account.is_none());
            assert!(matches!(request.caller.0, Cow::Borrowed(_)), "text without escapes is not copied");
        }
    }

    #[test]
    fn what_the_policy_did_not_decide_is_set_apart() {
        for reason in ["null", "\"certificateRevoked\"", "\"policyStale\"", "\"later\""] {
            let text = line("deny", reason);
            assert!(matches!(Line::parse(text.as_bytes()).unwrap(), Line::Undecided), "{reason}");
        }
        let handshake = br#"{"timestamp":"2026-11-23T10:00:00Z","event":"handshakeFailure","cause":"expired"}"#;
        assert!(matches!(Line::parse(handshake).unwrap(), Line::OtherEvent));
    }

    #[test]
    fn anything_else_is_an_error() {
        for bad in
            ["", "{", "[]", "{}", "hello", "{\"event\":\"access\",\"timestamp\":\"t\"}", &line("perhaps", "null")]
        {
            assert!(Line::parse(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
