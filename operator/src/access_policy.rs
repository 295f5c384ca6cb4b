//! `linkward policy …`: reads an access policy, and asks it questions. The very functions that decide in the gates decide here.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use policy::access::{AccessRequest, Decision, Effect};
use policy::{Format, Policy, RequestPath, Revision, Timestamp, VpcEndpointId};
use serde_json::{Value, json};

use crate::cli::Question;
use crate::output::{self, Output};

/// `policy check FILE`.
pub(crate) fn check(file: &Path, output: Output) -> anyhow::Result<ExitCode> {
    let read = read(file)?;
    match (&read, output) {
        (Ok(policy), Output::Human) => {
            let callers = count(policy.callers_len(), "caller");
            output::say(&format!("{}: valid; {callers} in {}", file.display(), policy.trust_domain()));
        }
        // One line for each problem, as compilers do it, so that an editor can go there.
        (Err(error), Output::Human) => output::complain(&error.to_string()),
        (Ok(policy), Output::Json) => {
            output::say_json(&json!({ "file": file, "valid": true, "callers": policy.callers_len(), "errors": [] }));
        }
        (Err(error), Output::Json) => {
            let errors: Vec<Value> = error.problems().iter().map(problem).collect();
            output::say_json(&json!({ "file": file, "valid": false, "errors": errors }));
        }
    }
    Ok(ExitCode::from(u8::from(read.is_err())))
}

fn problem(problem: &policy::Problem) -> Value {
    json!({ "line": problem.line(), "column": problem.column(), "message": problem.message() })
}

/// `policy explain FILE --identity … --path …`.
pub(crate) fn explain(question: &Question, output: Output) -> anyhow::Result<ExitCode> {
    let policy = read(&question.file)??;
    let path = RequestPath::parse(&question.path)
        .with_context(|| format!("the path `{}` would be answered with 400", question.path))?;
    // Bound callers need an endpoint as well as its account; an account alone stands for any endpoint of it.
    let some_endpoint: Option<VpcEndpointId> = question.account.map(|_| "vpce-0".parse()).transpose()?;
    let endpoint = question.endpoint.as_ref().or(some_endpoint.as_ref());
    let request = AccessRequest {
        identity: &question.identity,
        account: question.account.as_ref(),
        endpoint,
        method: &question.method,
        path: &path,
        now: Timestamp::now(),
    };
    let decision = policy::access::authorize(&policy, &request);
    match output {
        Output::Human => output::say(&sentence(&decision)),
        Output::Json => output::say_json(&document(&decision)),
    }
    Ok(ExitCode::from(u8::from(decision.effect != Effect::Allow)))
}

fn sentence(decision: &Decision<'_>) -> String {
    let effect = if decision.effect == Effect::Allow { "allow" } else { "deny" };
    let rule = decision.rule.map(|rule| format!(", rule `{rule}`")).unwrap_or_default();
    format!("{effect}: {}{rule}", decision.reason.as_str())
}

fn document(decision: &Decision<'_>) -> Value {
    let effect = if decision.effect == Effect::Allow { "allow" } else { "deny" };
    json!({ "decision": effect, "reason": decision.reason.as_str(), "ruleId": decision.rule.map(ToString::to_string) })
}

/// The outer error: the file cannot be read; the inner one: it is not an access policy.
fn read(file: &Path) -> anyhow::Result<Result<Policy, policy::PolicyError>> {
    let name = file.display().to_string();
    let bytes = std::fs::read(file).with_context(|| format!("cannot read `{name}`"))?;
    Ok(Policy::parse(&bytes, Format::from_name(&name), &name, Revision::from("unpublished")))
}

fn count(number: usize, word: &str) -> String {
    format!("{number} {word}{}", if number == 1 { "" } else { "s" })
}
