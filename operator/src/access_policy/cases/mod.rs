//! `linkward policy test`: cases with the decisions they should have, and a starter for them from real logs.

mod document;
mod starter;

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use policy::Timestamp;
use policy_source::Decision;
use serde_json::{Value, json};

use super::engine::{Asked, Certificate, Judge};
use super::{explain, file};
use crate::cli::Test;
use crate::output::{self, Cell, Screen, Style};
use document::{Case, Cases};

/// `policy test CASES --policy FILE`, or `policy test --from-log LOG…`.
pub(crate) fn test(test: &Test, screen: &Screen) -> anyhow::Result<ExitCode> {
    if !test.from_log.is_empty() {
        return starter::write(&test.from_log);
    }
    let (cases, policy) =
        test.cases.as_deref().zip(test.policy.as_deref()).context("a file of cases and --policy are needed")?;
    let read = document::read(cases)?;
    let mut judge = Judge::new(file::engine(policy)?);
    let tried: Vec<Tried> = read.cases.iter().map(|case| attempt(&mut judge, case)).collect::<anyhow::Result<_>>()?;
    let failed = tried.iter().filter(|tried| !tried.problems.is_empty()).count();
    if screen.is_json() {
        output::say_json(&results(&read, &tried));
    } else {
        tell(screen, cases, &read, &tried, failed);
    }
    Ok(ExitCode::from(u8::from(failed > 0)))
}

/// What came of a case.
struct Tried {
    decision: &'static str,
    reason: &'static str,
    rule: Option<String>,
    /// What is not as expected.
    problems: Vec<String>,
}

fn attempt(judge: &mut Judge, case: &Case) -> anyhow::Result<Tried> {
    let asked = Asked {
        caller: case.identity.as_str(),
        endpoint: None,
        account: case.account.as_ref().map(policy::AccountId::as_str),
        method: &case.method,
        path: &case.path,
        now: case.at.unwrap_or_else(Timestamp::now),
        certificate: Certificate::default(),
        host: None,
    };
    let answer = judge.decide(&asked).with_context(|| format!("case `{}`", case.title()))?;
    let problems = problems(case, &answer);
    let decision = explain::effect(answer.effect);
    Ok(Tried { decision, reason: answer.reason.as_str(), rule: answer.rule.map(|rule| rule.to_string()), problems })
}

fn problems(case: &Case, answer: &Decision) -> Vec<String> {
    let (reason, rule) = (answer.reason.as_str(), answer.rule.as_ref().map(policy::RuleId::as_str));
    let mut problems = Vec::new();
    if answer.effect != case.expect.effect() {
        let rule = rule.map(|rule| format!(", rule `{rule}`")).unwrap_or_default();
        let decision = explain::effect(answer.effect);
        let wanted = explain::effect(case.expect.effect());
        problems.push(format!("expected {wanted}, found {decision}: {reason}{rule}"));
    } else if let Some(wanted) = case.reason.as_deref().filter(|wanted| *wanted != reason) {
        problems.push(format!("expected the reason {wanted}, found {reason}"));
    } else if let Some(wanted) = case.rule.as_deref().filter(|wanted| Some(*wanted) != rule) {
        problems.push(format!(
            "expected the rule `{wanted}`, found {}",
            rule.map_or("none".to_owned(), |r| format!("`{r}`"))
        ));
    }
    problems
}

fn tell(screen: &Screen, file: &Path, cases: &Cases, tried: &[Tried], failed: usize) {
    for (case, tried) in cases.cases.iter().zip(tried).filter(|(_, tried)| !tried.problems.is_empty()) {
        screen.rows("", &[vec![Cell::new(Style::Bad, "✗"), case.title().into()]]);
        let request = format!("{} {} by {}", case.method, case.path, case.identity);
        screen.line(Style::Dim, &format!("   {request}"));
        tried.problems.iter().for_each(|problem| output::say(&format!("   {problem}")));
    }
    let total = output::count(cases.cases.len() as u64, "case");
    let (style, words) = match failed {
        0 => (Style::Good, format!("{}: {total}, all as expected", file.display())),
        failed => (Style::Bad, format!("{}: {total}, {failed} not as expected", file.display())),
    };
    screen.line(style, &words);
}

fn results(cases: &Cases, tried: &[Tried]) -> Value {
    let results = cases.cases.iter().zip(tried).map(|(case, tried)| {
        json!({
            "name": case.title(),
            "ok": tried.problems.is_empty(),
            "decision": tried.decision,
            "reason": tried.reason,
            "ruleId": tried.rule,
            "problems": tried.problems,
        })
    });
    json!({ "ok": tried.iter().all(|tried| tried.problems.is_empty()), "cases": results.collect::<Vec<_>>() })
}
