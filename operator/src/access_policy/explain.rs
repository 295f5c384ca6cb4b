//! `linkward policy explain`: the decision about one request, check by check.

use std::process::ExitCode;

use anyhow::Context as _;
use policy::access::{AccessRequest, Decision, Effect, Reason};
use policy::explain::{EntryExplanation, Explanation, NearMiss, RuleMatch};
use policy::{RequestPath, Timestamp, VpcEndpointId};
use serde_json::{Value, json};

use super::{file, rego, words};
use crate::cli::Question;
use crate::output::{self, Cell, Screen, Style};

/// `policy explain FILE --identity … --path …`.
pub(crate) fn explain(question: &Question, screen: &Screen) -> anyhow::Result<ExitCode> {
    if file::bundle(&question.file)?.is_some() {
        return rego::explain(question, screen);
    }
    let policy = file::read(&question.file)??;
    let path = RequestPath::parse(&question.path)
        .with_context(|| format!("the path `{}` would be answered with 400", question.path))?;
    // Bound callers need an endpoint as well as its account; an account alone stands for any endpoint of it.
    let some_endpoint: Option<VpcEndpointId> = question.account.map(|_| "vpce-0".parse()).transpose()?;
    let request = AccessRequest {
        identity: &question.identity,
        account: question.account.as_ref(),
        endpoint: question.endpoint.as_ref().or(some_endpoint.as_ref()),
        method: &question.method,
        path: &path,
        now: question.at.unwrap_or_else(Timestamp::now),
    };
    let explanation = policy::explain::explain(&policy, &request);
    if screen.is_json() {
        output::say_json(&document(&explanation));
    } else {
        tell(screen, &policy, &request, &explanation);
    }
    Ok(ExitCode::from(u8::from(explanation.decision.effect != Effect::Allow)))
}

pub(crate) fn effect(effect: Effect) -> &'static str {
    if effect == Effect::Allow { "allow" } else { "deny" }
}

fn sentence(decision: &Decision<'_>) -> String {
    let rule = decision.rule.map(|rule| format!(", rule `{rule}`")).unwrap_or_default();
    format!("{}: {}{rule}", effect(decision.effect), decision.reason.as_str())
}

fn tell(screen: &Screen, policy: &policy::Policy, request: &AccessRequest<'_>, explanation: &Explanation<'_>) {
    let allowed = explanation.decision.effect == Effect::Allow;
    screen.line(if allowed { Style::Good } else { Style::Bad }, &sentence(&explanation.decision));
    output::say("");
    let Some(entry) = &explanation.entry else {
        screen.rows("  ", &[check(false, "caller", format!("no entry is for {}", request.identity))]);
        output::say("");
        output::say(&who_is_named(policy, request, explanation));
        return;
    };
    screen.rows("  ", &checks(entry, request));
    let advice = advice(entry, request, explanation.decision.reason);
    if !advice.is_empty() {
        output::say("");
        advice.iter().for_each(|line| output::say(line));
    }
}

fn who_is_named(policy: &policy::Policy, request: &AccessRequest<'_>, explanation: &Explanation<'_>) -> String {
    let domain = policy.trust_domain();
    if request.identity.trust_domain() != domain.as_str() {
        return format!(
            "The policy is for the trust domain {domain}: the runtime answers 401 badIdentity to all others."
        );
    }
    match &explanation.similar_identity {
        Some(similar) => format!("The nearest entry is for {similar}."),
        None => "No entry is for an identity like it; add one to `callers` to admit it.".to_owned(),
    }
}

fn check(holds: bool, name: &str, found: String) -> Vec<Cell> {
    let mark = if holds { Cell::new(Style::Good, "✓") } else { Cell::new(Style::Bad, "✗") };
    vec![mark, name.into(), found.into()]
}

/// In the order of the gate, which stops at the first that fails.
fn checks(entry: &EntryExplanation<'_>, request: &AccessRequest<'_>) -> Vec<Vec<Cell>> {
    let caller = if entry.identity.is_prefix() {
        format!("the entry for {} is the nearest", entry.identity)
    } else {
        format!("{} has an entry of its own", entry.identity)
    };
    let grant = match entry.valid_until {
        None => "does not expire".to_owned(),
        Some(end) if entry.is_expired => format!("expired at {end}"),
        Some(end) => format!("valid until {end}"),
    };
    let accounts = match (entry.accounts, request.account) {
        (None, _) => "any account".to_owned(),
        (Some(accounts), Some(own)) if entry.account_fits => format!("{own} is one of {}", words::list(accounts)),
        (Some(accounts), Some(own)) => format!("{own} is not one of {}", words::list(accounts)),
        (Some(accounts), None) => format!("must be one of {}, and the endpoint's is not known", words::list(accounts)),
    };
    let forbid = entry.forbid.as_ref().map_or("no rule matches".to_owned(), rule);
    let permit = entry.permit.as_ref().map_or("no rule matches".to_owned(), rule);
    vec![
        check(true, "caller", caller),
        check(!entry.is_expired, "grant", grant),
        check(entry.account_fits, "account", accounts),
        check(entry.forbid.is_none(), "forbid", forbid),
        check(entry.permit.is_some(), "permit", permit),
    ]
}

fn rule(rule: &RuleMatch<'_>) -> String {
    format!("rule `{}` matches: {} {}", rule.rule, methods(rule), rule.template)
}

fn methods(rule: &RuleMatch<'_>) -> String {
    rule.methods.to_string().replace("any", "any method")
}

/// What would have had to match.
fn advice(entry: &EntryExplanation<'_>, request: &AccessRequest<'_>, reason: Reason) -> Vec<String> {
    let otherwise = || match (&entry.forbid, &entry.permit) {
        (Some(rule), _) => format!("Otherwise rule `{}` would forbid it.", rule.rule),
        (None, Some(rule)) => format!("Otherwise rule `{}` would permit it.", rule.rule),
        (None, None) => "Otherwise no rule would permit it either.".to_owned(),
    };
    match reason {
        Reason::GrantExpired | Reason::AccountMismatch | Reason::EndpointUnknown => vec![otherwise()],
        Reason::Forbidden => match &entry.permit {
            Some(rule) => {
                vec![format!("Without it rule `{}` would permit it: {} {}", rule.rule, methods(rule), rule.template)]
            }
            None => vec!["Without it no rule would permit it either.".to_owned()],
        },
        Reason::NoMatchingRule => match &entry.nearest {
            Some(nearest) => near_miss(nearest, request),
            None => vec!["The entry has no permit rule at all.".to_owned()],
        },
        _ => Vec::new(),
    }
}

fn near_miss(nearest: &NearMiss<'_>, request: &AccessRequest<'_>) -> Vec<String> {
    let rule = &nearest.rule;
    let mut lines = vec![format!("The nearest rule is `{}`: {} {}", rule.rule, methods(rule), rule.template)];
    if !nearest.method_fits {
        lines.push(format!(
            "  the method would have to be {}, not {}",
            rule.methods.to_string().replace(',', ", "),
            request.method
        ));
    }
    let there = |text: &str| if text.is_empty() { "nothing after the slash".to_owned() } else { format!("`{text}`") };
    lines.extend(nearest.differs.as_ref().map(|differs| match (differs.template, differs.path.as_deref()) {
        (Some(template), Some(path)) => {
            format!("  the path has {} where the template has {}", there(path), there(template))
        }
        (Some(template), None) => format!("  the path ends where the template has {}", there(template)),
        (None, Some(path)) => format!("  the path goes on with {} where the template ends", there(path)),
        (None, None) => "  the path does not fit the template".to_owned(),
    }));
    lines
}

fn document(explanation: &Explanation<'_>) -> Value {
    let decision = &explanation.decision;
    json!({
        "decision": effect(decision.effect),
        "reason": decision.reason.as_str(),
        "ruleId": decision.rule.map(ToString::to_string),
        "entry": explanation.entry.as_ref().map(entry_json),
        "similarIdentity": explanation.similar_identity.as_ref().map(ToString::to_string),
        "rego": null,
    })
}

fn entry_json(entry: &EntryExplanation<'_>) -> Value {
    json!({
        "identity": entry.identity.to_string(),
        "validUntil": words::time_json(entry.valid_until),
        "expired": entry.is_expired,
        "accounts": entry.accounts,
        "accountFits": entry.account_fits,
        "forbid": entry.forbid.as_ref().map(rule_json),
        "permit": entry.permit.as_ref().map(rule_json),
        "nearest": entry.nearest.as_ref().map(|nearest| json!({
            "rule": rule_json(&nearest.rule),
            "methodFits": nearest.method_fits,
            "differs": nearest.differs.as_ref().map(|d| json!({ "template": d.template, "path": d.path })),
        })),
    })
}

fn rule_json(rule: &RuleMatch<'_>) -> Value {
    let methods: Option<Vec<&str>> = rule.methods.named().map(Iterator::collect);
    json!({ "ruleId": rule.rule, "methods": methods, "template": rule.template })
}
