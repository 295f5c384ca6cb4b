//! What the value of `data.linkward.authz` comes to.

use std::str::FromStr;

use policy::RuleId;
use policy::access::{Effect, Reason};
use regorus::Value;

/// What a policy in Rego says of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegoDecision {
    /// Allow or deny.
    pub effect: Effect,
    /// Why.
    pub reason: Reason,
    /// What the policy calls the rule that decided; without it, its own word for the reason where that is not one of
    /// the closed list.
    pub rule: Option<RuleId>,
    /// For the operator's log: why the policy could not be evaluated.
    pub detail: Option<String>,
}

impl RegoDecision {
    /// The policy could not be evaluated, or its result makes no sense.
    pub(crate) fn error(detail: impl Into<String>) -> Self {
        Self { effect: Effect::Deny, reason: Reason::PolicyError, rule: None, detail: Some(detail.into()) }
    }

    /// Only an explicit `allow: true` allows. Of a denial's reasons the closed list's own count; any other word, and
    /// `permitted`, which no denial is, is `noMatchingRule`.
    pub(crate) fn of(result: &Value) -> Self {
        let authz = match result {
            Value::Undefined => {
                return Self { effect: Effect::Deny, reason: Reason::NoMatchingRule, rule: None, detail: None };
            }
            Value::Object(authz) => authz,
            other => return Self::error(format!("`authz` is {}, it must be an object", kind(other))),
        };
        let field = |key: &str| authz.get(&Value::from(key)).unwrap_or(&Value::Undefined);
        let allow = match field("allow") {
            Value::Bool(allow) => *allow,
            other => return Self::error(format!("`authz.allow` is {}, it must be true or false", kind(other))),
        };
        let (reason, rule) = match (word("reason", field("reason")), word("rule", field("rule"))) {
            (Ok(reason), Ok(rule)) => (reason, rule),
            (Err(detail), _) | (_, Err(detail)) => return Self::error(detail),
        };
        let known = reason.and_then(|word| Reason::ALL.into_iter().find(|reason| reason.as_str() == word));
        let rule = rule.or(reason.filter(|_| known.is_none())).and_then(rule_id);
        if allow {
            return Self { effect: Effect::Allow, reason: Reason::Permitted, rule, detail: None };
        }
        let reason = known.filter(|reason| *reason != Reason::Permitted).unwrap_or(Reason::NoMatchingRule);
        Self { effect: Effect::Deny, reason, rule, detail: None }
    }
}

/// A field that is a string, or is left out.
fn word<'v>(key: &str, value: &'v Value) -> Result<Option<&'v str>, String> {
    match value {
        Value::Undefined | Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text)),
        other => Err(format!("`authz.{key}` is {}, it must be a string", kind(other))),
    }
}

/// The policy's word as the log may show it: without control characters and not endless.
fn rule_id(word: &str) -> Option<RuleId> {
    let shown: String = word.chars().filter(|character| !character.is_control()).take(128).collect();
    RuleId::from_str(&shown).ok()
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Set(_) => "a set",
        Value::Object(_) => "an object",
        Value::Undefined => "undefined",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(json: &str) -> (Effect, Reason, Option<String>) {
        let decision = RegoDecision::of(&Value::from_json_str(json).unwrap());
        assert_eq!(decision.detail.is_some(), decision.reason == Reason::PolicyError, "{json}");
        (decision.effect, decision.reason, decision.rule.map(|rule| rule.to_string()))
    }

    #[test]
    fn only_an_explicit_true_allows() {
        assert_eq!(of(r#"{"allow": true}"#), (Effect::Allow, Reason::Permitted, None));
        for json in ["{}", "true", "1", "[]", "null", r#"{"allow": 1}"#, r#"{"allow": "true"}"#, r#"{"allow": null}"#] {
            assert_eq!(of(json), (Effect::Deny, Reason::PolicyError, None), "{json}");
        }
        assert_eq!(RegoDecision::of(&Value::Undefined).reason, Reason::NoMatchingRule);
    }

    #[test]
    fn reasons_of_the_closed_list_count_and_other_words_are_shown_as_the_rule() {
        let rule = |text: &str| Some(text.to_owned());
        for (json, reason, shown) in [
            (r#"{"allow": false}"#, Reason::NoMatchingRule, None),
            (r#"{"allow": false, "reason": "forbidden"}"#, Reason::Forbidden, None),
            (r#"{"allow": false, "reason": "accountMismatch", "rule": "r"}"#, Reason::AccountMismatch, rule("r")),
            (r#"{"allow": false, "reason": "certificateRevoked"}"#, Reason::CertificateRevoked, None),
            (r#"{"allow": false, "reason": "permitted"}"#, Reason::NoMatchingRule, None),
            (r#"{"allow": false, "reason": "Forbidden"}"#, Reason::NoMatchingRule, rule("Forbidden")),
            (r#"{"allow": false, "reason": "not on\nSundays"}"#, Reason::NoMatchingRule, rule("not onSundays")),
            (r#"{"allow": false, "reason": "own", "rule": "r"}"#, Reason::NoMatchingRule, rule("r")),
            (r#"{"allow": false, "reason": "", "rule": null}"#, Reason::NoMatchingRule, None),
            (r#"{"allow": false, "reason": 7}"#, Reason::PolicyError, None),
            (r#"{"allow": true, "rule": []}"#, Reason::PolicyError, None),
            (r#"{"allow": true, "reason": "forbidden", "rule": "r"}"#, Reason::Permitted, rule("r")),
            (r#"{"allow": true, "reason": "on duty"}"#, Reason::Permitted, rule("on duty")),
        ] {
            let effect = if reason == Reason::Permitted { Effect::Allow } else { Effect::Deny };
            assert_eq!(of(json), (effect, reason, shown), "{json}");
        }
    }

    #[test]
    fn an_endless_word_is_cut() {
        let json = format!(r#"{{"allow": false, "rule": "{}"}}"#, "é".repeat(5000));
        assert_eq!(of(&json).2.unwrap().chars().count(), 128);
    }
}
