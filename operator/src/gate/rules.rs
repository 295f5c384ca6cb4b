//! The rules, and what they answer about a plan.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use regorus::Engine;
use serde_json::Value;

use super::finding::{Finding, FindingError};
use super::plan::Plan;

macro_rules! embedded {
    ($($file:literal),* $(,)?) => {
        /// `infra/guardrails/rules`, as this binary was built with it.
        const BUILT_IN: &[(&str, &str)] = &[$(($file, include_str!(concat!("../../../infra/guardrails/rules/", $file)))),*];
    };
}

embedded!(
    "certificates.rego",
    "documented.rego",
    "endpoint_services.rego",
    "functions.rego",
    "iam.rego",
    "listeners.rego",
    "load_balancers.rego",
    "plan.rego",
    "plan_whole.rego",
    "security_groups.rego",
    "tables.rego",
);

/// Why rules cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RulesError {
    #[error("cannot read `{}`", path.display())]
    Unreadable { path: PathBuf, source: io::Error },
    #[error("`{}` holds no `*.rego` with a rule `deny`: nothing in it would ever be found", folder.display())]
    NoRules { folder: PathBuf },
    #[error("the rules `{name}` cannot be read: {cause}")]
    Malformed { name: String, cause: String },
    #[error("`{rule}` cannot be evaluated: {cause}")]
    Evaluation { rule: String, cause: String },
    #[error("`{rule}` answers `{answer}`: it must be a set of strings or objects")]
    NotASet { rule: String, answer: String },
    #[error(transparent)]
    Finding(#[from] FindingError),
}

/// A set of rules, loaded.
pub(crate) struct Rules {
    engine: Engine,
    /// The paths of all `deny` rules, such as `data.linkward.gate.deny`.
    denials: BTreeSet<String>,
}

impl Rules {
    /// The rules that this binary carries.
    pub(crate) fn built_in() -> Result<Self, RulesError> {
        let mut rules = Self { engine: Engine::new(), denials: BTreeSet::new() };
        // A built-in function that fails would otherwise leave its rule without an answer: the plan would look clean.
        rules.engine.set_strict_builtin_errors(true);
        for (name, text) in BUILT_IN {
            rules.add(name, text)?;
        }
        Ok(rules)
    }

    /// Adds every `*.rego` of a folder and the folders in it, but for tests (`*_test.rego`).
    pub(crate) fn add_folder(&mut self, folder: &Path) -> Result<(), RulesError> {
        let mut denies = false;
        for path in rego_files(folder)? {
            let text = fs::read_to_string(&path).map_err(unreadable(&path))?;
            denies |= self.add(&path.display().to_string(), &text)?;
        }
        if denies { Ok(()) } else { Err(RulesError::NoRules { folder: folder.to_owned() }) }
    }

    /// Adds one module; whether it has a rule `deny`.
    fn add(&mut self, name: &str, text: &str) -> Result<bool, RulesError> {
        let malformed =
            |error: anyhow::Error| RulesError::Malformed { name: name.to_owned(), cause: format!("{error:#}") };
        let package = self.engine.add_policy(name.to_owned(), text.to_owned()).map_err(malformed)?;
        let denies = self.engine.has_declared_rule_rooted_at(name, "deny").map_err(malformed)?;
        if denies {
            self.denials.insert(format!("{package}.deny"));
        }
        Ok(denies)
    }

    /// Everything that the rules find in a plan, sorted.
    pub(crate) fn judge(&mut self, plan: &Plan) -> Result<Vec<Finding>, RulesError> {
        let evaluation = |rule: &str| {
            let rule = rule.to_owned();
            move |error: anyhow::Error| RulesError::Evaluation { rule, cause: format!("{error:#}") }
        };
        self.engine.set_input_json(plan.text()).map_err(evaluation("input"))?;
        let mut findings = BTreeSet::new();
        for rule in &self.denials {
            let answer = self.engine.eval_rule(rule.clone()).map_err(evaluation(rule))?;
            let text = if answer == regorus::Value::Undefined { "[]".to_owned() } else { answer.to_string() };
            let Ok(Value::Array(elements)) = serde_json::from_str(&text) else {
                return Err(RulesError::NotASet { rule: rule.clone(), answer: text });
            };
            let package = rule.trim_start_matches("data.").trim_end_matches(".deny");
            for element in &elements {
                findings.insert(Finding::from_element(package, element)?);
            }
        }
        Ok(findings.into_iter().collect())
    }
}

fn rego_files(folder: &Path) -> Result<Vec<PathBuf>, RulesError> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).map_err(unreadable(&folder))? {
            let path = entry.map_err(unreadable(&folder))?.path();
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            if path.is_dir() {
                folders.push(path);
            } else if name.ends_with(".rego") && !name.ends_with("_test.rego") {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

fn unreadable(path: &Path) -> impl FnOnce(io::Error) -> RulesError {
    let path = path.to_owned();
    move |source| RulesError::Unreadable { path, source }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "test code")]

    use super::*;

    #[test]
    fn every_rule_of_the_folder_is_in_the_binary() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../infra/guardrails/rules");
        let files = rego_files(&folder).unwrap();
        let names: Vec<String> =
            files.iter().map(|path| path.file_name().unwrap().to_string_lossy().into_owned()).collect();
        assert_eq!(names, BUILT_IN.iter().map(|(name, _)| (*name).to_owned()).collect::<Vec<_>>());
        Rules::built_in().unwrap();
    }
}
