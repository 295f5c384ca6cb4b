//! `linkward policy check` of an OPA bundle.

use std::path::Path;
use std::process::ExitCode;

use policy::Revision;
use policy_source::bundle::{Bundle, BundleError, BundleSettings};
use policy_source::{Engine, RegoProblem};
use serde_json::{Value, json};

use super::engine::{Asked, Certificate, Judge};
use super::explain::effect;
use super::rego::ENTRYPOINT;
use crate::output::{self, Cell, Screen, Style};

/// Requests that a policy is shown with, beside those of its own check: method, path, and whether the endpoint is known.
const SAMPLES: [(&str, &str, bool); 3] =
    [("GET", "/", true), ("GET", "/v1/invoices/17", true), ("POST", "/v1/invoices", false)];

/// A bundle that can decide.
struct Checked {
    revision: String,
    modules: usize,
    signed: bool,
    trust_domain: Option<String>,
    samples: Vec<Value>,
}

/// Says of a bundle's bytes what the runtime would say of them; signatures are not verified.
pub(crate) fn check(file: &Path, bytes: &[u8], screen: &Screen) -> ExitCode {
    let checked = read(bytes);
    match (&checked, screen.is_json()) {
        (Ok(checked), false) => tell(file, checked, screen),
        (Err(error), false) => {
            error.to_string().lines().for_each(|line| output::complain(&format!("{}: {line}", file.display())));
        }
        (Ok(checked), true) => output::say_json(&json!({
            "file": file, "valid": true, "errors": [], "bundle": {
                "revision": checked.revision, "modules": checked.modules, "entrypoint": ENTRYPOINT, "signed": checked.signed,
                "trustDomain": checked.trust_domain, "samples": checked.samples,
            },
        })),
        (Err(error), true) => {
            output::say_json(&json!({ "file": file, "valid": false, "errors": errors(error) }));
        }
    }
    ExitCode::from(u8::from(checked.is_err()))
}

/// Loading tries the entrypoint with sample inputs, and names every builtin that is not there; so far it is the runtime's own check.
fn read(bytes: &[u8]) -> Result<Checked, BundleError> {
    let bundle = Bundle::read(bytes, None)?;
    let (revision, modules, signed) = (bundle.revision.clone(), bundle.modules.len(), bundle.is_signed);
    let engine = Engine::of_bundle(bundle, Revision::from("unpublished"), BundleSettings::default().budget)?;
    let trust_domain = engine.trust_domain().map(ToString::to_string);
    let caller = format!("spiffe://{}/prod/sample", trust_domain.as_deref().unwrap_or("internal.example"));
    let mut judge = Judge::new(engine);
    let samples = SAMPLES.iter().filter_map(|(method, path, known)| sample(&mut judge, &caller, method, path, *known));
    Ok(Checked { samples: samples.collect(), revision, modules, signed, trust_domain })
}

fn sample(judge: &mut Judge, caller: &str, method: &str, path: &str, known: bool) -> Option<Value> {
    let asked = Asked {
        caller,
        endpoint: known.then_some("vpce-0123456789abcdef0"),
        account: known.then_some("123456789012"),
        method,
        path,
        now: policy::Timestamp::now(),
        certificate: Certificate { common_name: None, serial_number: Some("0a1b2c"), not_after: None },
        host: None,
    };
    let decision = judge.decide(&asked).ok()?;
    Some(json!({
        "method": method, "path": path, "identity": caller, "decision": effect(decision.effect),
        "reason": decision.reason.as_str(), "ruleId": decision.rule.map(|rule| rule.to_string()),
    }))
}

fn tell(file: &Path, checked: &Checked, screen: &Screen) {
    let modules = output::count(u64::try_from(checked.modules).unwrap_or(u64::MAX), "module");
    let endpoints = checked.trust_domain.as_ref().map_or_else(
        || "nothing about endpoints, so the approver holds every connection".to_owned(),
        |trust_domain| format!("endpoints of {trust_domain}"),
    );
    output::say(&format!("{}: valid; {modules} of Rego, {endpoints}", file.display()));
    output::say(&format!("{ENTRYPOINT} answers, for example:"));
    let row = |sample: &Value| {
        let text = |name: &str| sample.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let rule =
            sample.get("ruleId").and_then(Value::as_str).map(|rule| format!(", rule `{rule}`")).unwrap_or_default();
        let style = if text("decision") == "allow" { Style::Good } else { Style::Bad };
        let decided = format!("{}: {}{rule}", text("decision"), text("reason"));
        [Cell::from(text("method")), text("path").into(), Cell::new(style, decided)].to_vec()
    };
    screen.rows("  ", &checked.samples.iter().map(row).collect::<Vec<_>>());
}

fn errors(error: &BundleError) -> Vec<Value> {
    match error {
        BundleError::Rego(error) => error.problems().iter().map(problem).collect(),
        other => vec![json!({ "message": other.to_string() })],
    }
}

fn problem(problem: &RegoProblem) -> Value {
    let RegoProblem { file, line, column, message } = problem;
    json!({ "module": file, "line": line, "column": column, "message": message })
}
