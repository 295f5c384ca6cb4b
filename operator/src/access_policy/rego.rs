//! `linkward policy explain` of an OPA bundle: the decision, its reason, and what the policy was told. What would have had to match only the
//! program itself knows.

use std::process::ExitCode;

use anyhow::Context as _;
use policy::access::Effect;
use policy::{RequestPath, Timestamp};
use policy_source::Decision;
use serde_json::{Value, json};

use super::engine::{Asked, Certificate, Judge};
use super::explain::effect;
use super::file;
use crate::cli::Question;
use crate::output::{self, Screen, Style};

/// The rule that decides.
pub(crate) const ENTRYPOINT: &str = "data.linkward.authz";

/// Decides one request by the bundle.
pub(crate) fn explain(question: &Question, screen: &Screen) -> anyhow::Result<ExitCode> {
    let mut judge = Judge::new(file::engine(&question.file)?);
    let endpoint = question.endpoint.as_ref().map(ToString::to_string);
    // As in the declarative form: an account alone stands for any endpoint of it.
    let endpoint = endpoint.or_else(|| question.account.as_ref().map(|_| "vpce-0".to_owned()));
    let account = question.account.as_ref().map(ToString::to_string);
    let serial = question.serial.as_ref().map(ToString::to_string);
    let not_after = question.not_after.map(|end| end.to_string());
    let asked = Asked {
        caller: question.identity.as_str(),
        endpoint: endpoint.as_deref(),
        account: account.as_deref(),
        method: &question.method,
        path: &question.path,
        now: question.at.unwrap_or_else(Timestamp::now),
        certificate: Certificate {
            common_name: question.common_name.as_deref(),
            serial_number: serial.as_deref(),
            not_after: not_after.as_deref(),
        },
        host: question.host.as_deref(),
    };
    let decision = judge.decide(&asked)?;
    let input = input(&asked, question)?;
    if screen.is_json() {
        output::say_json(&json!({
            "decision": effect(decision.effect),
            "reason": decision.reason.as_str(),
            "ruleId": decision.rule.as_ref().map(ToString::to_string),
            "entry": null,
            "similarIdentity": null,
            "rego": { "entrypoint": ENTRYPOINT, "detail": decision.detail, "input": input },
        }));
    } else {
        tell(&decision, &input, question, screen);
    }
    Ok(ExitCode::from(u8::from(decision.effect != Effect::Allow)))
}

/// `input`, as the policy is told it; docs/rego.md.
fn input(asked: &Asked<'_>, question: &Question) -> anyhow::Result<Value> {
    let path = RequestPath::parse(asked.path)
        .with_context(|| format!("the path `{}` would be answered with 400", asked.path))?;
    let identity = &question.identity;
    Ok(json!({
        "identity": {
            "id": identity.as_str(), "trustDomain": identity.trust_domain(), "path": identity.path(),
            "commonName": asked.certificate.common_name,
        },
        "certificate": { "serialNumber": asked.certificate.serial_number, "notAfter": asked.certificate.not_after },
        "endpoint": { "id": asked.endpoint, "account": asked.account },
        "request": {
            "method": asked.method, "path": path.as_str(), "host": asked.host,
            "segments": path.decoded_segments().map(|segment| segment.to_string()).collect::<Vec<_>>(),
        },
    }))
}

fn tell(decision: &Decision, input: &Value, question: &Question, screen: &Screen) {
    let rule = decision.rule.as_ref().map(|rule| format!(", rule `{rule}`")).unwrap_or_default();
    let style = if decision.effect == Effect::Allow { Style::Good } else { Style::Bad };
    screen.line(style, &format!("{}: {}{rule}", effect(decision.effect), decision.reason.as_str()));
    if let Some(detail) = &decision.detail {
        output::say(&format!("  {detail}"));
    }
    output::say("\nThe policy was told:\n");
    let groups = input.as_object().into_iter().flatten();
    let rows = groups.flat_map(|(group, fields)| {
        let fields = fields.as_object().into_iter().flatten();
        fields.map(move |(name, value)| vec![format!("input.{group}.{name}").into(), value.to_string().into()])
    });
    screen.rows("  ", &rows.collect::<Vec<_>>());
    let bundle = question.file.display();
    output::say(&format!(
        "\nWhat would have had to match, the program alone knows. `opa eval -b {bundle} -i input.json --explain notes {ENTRYPOINT}` \
         traces it; input.json is `.rego.input` of `--output json`."
    ));
}
