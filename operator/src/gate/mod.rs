//! `linkward gate PLAN.json`: whether what Terraform is about to apply keeps to the rules of `infra/guardrails/rules`, decided in process.
//! The same files work with conftest and opa.

mod finding;
mod plan;
mod rules;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use self::finding::Finding;
use self::plan::Plan;
use self::rules::Rules;
use crate::output::{self, Screen, Style};

pub(crate) const HELP: &str = "\
The plan is the JSON of the very plan that is applied:
  terraform plan -out=tfplan && terraform show -json tfplan > plan.json

Exit code: 0 clean, 1 findings, 2 when the plan or a rule cannot be used.

Examples:
  linkward gate plan.json
  linkward gate plan.json --rules policies/ --output json
  terraform show -json tfplan | linkward gate -";

/// Which plan, by which rules.
#[derive(Debug, Args)]
pub(crate) struct GateOptions {
    /// The plan as JSON; `-`: standard input.
    plan: PathBuf,
    /// A folder of further rules (`*.rego`): every `deny` of every package in it counts, beside the built-in ones.
    #[arg(long, value_name = "DIR")]
    rules: Option<PathBuf>,
}

/// `gate PLAN.json`.
pub(crate) fn command(options: &GateOptions, screen: &Screen) -> anyhow::Result<ExitCode> {
    let plan = Plan::read(&options.plan)?;
    let mut rules = Rules::built_in()?;
    if let Some(folder) = &options.rules {
        rules.add_folder(folder)?;
    }
    let findings = rules.judge(&plan)?;
    if screen.is_json() {
        output::say_json(&json!({
            "plan": plan.name(), "clean": findings.is_empty(), "resources": plan.resources(), "findings": findings,
        }));
    } else {
        tell(screen, &plan, &findings);
    }
    Ok(ExitCode::from(u8::from(!findings.is_empty())))
}

/// A paragraph for each resource, and the sum.
fn tell(screen: &Screen, plan: &Plan, findings: &[Finding]) {
    let mut paragraph = None;
    for finding in findings {
        if paragraph != Some(&finding.address) {
            paragraph = Some(&finding.address);
            screen.line(Style::Heading, finding.address.as_deref().unwrap_or("the plan"));
        }
        output::say(&format!("  {}: {}", screen.paint(Style::Bad, &finding.rule), finding.why));
        if let Some(remedy) = &finding.remedy {
            screen.line(Style::Dim, &format!("    {remedy}"));
        }
    }
    let (name, resources) = (plan.name(), output::count(plan.resources(), "resource"));
    if findings.is_empty() {
        screen.line(Style::Good, &format!("{name}: clean; {resources}"));
    } else {
        let number = output::count(findings.len() as u64, "finding");
        screen.line(Style::Bad, &format!("\n{name}: {number}; {resources}"));
    }
}
