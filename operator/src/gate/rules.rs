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

/// What the engine answers when a package has no rule of that name.
const NO_SUCH_RULE: &str = "not a valid rule path";

/// A set of rules, loaded.
pub(crate) struct Rules {
    engine: Engine,
    /// Such as `data.linkward.gate`.
    packages: BTreeSet<String>,
    /// Folders that were added, with their packages: each must have something to find.
    folders: Vec<(PathBuf, BTreeSet<String>)>,
}

impl Rules {
    /// The rules that this binary carries.
    pub(crate) fn built_in() -> Result<Self, RulesError> {
        let mut rules = Self { engine: Engine::new(), packages: BTreeSet::new(), folders: Vec::new() };
        // A built-in function that fails would otherwise leave its rule without an answer: the plan would look clean.
        rules.engine.set_strict_builtin_errors(true);
        for (name, text) in BUILT_IN {
            rules.add(name, text)?;
        }
        Ok(rules)
    }

    /// Adds every `*.rego` of a folder and the folders in it, but for tests (`*_test.rego`).
    pub(crate) fn add_folder(&mut self, folder: &Path) -> Result<(), RulesError> {
        let mut packages = BTreeSet::new();
        for path in rego_files(folder)? {
            let text = fs::read_to_string(&path).map_err(unreadable(&path))?;
            packages.insert(self.add(&path.display().to_string(), &text)?);
        }
        self.folders.push((folder.to_owned(), packages));
        Ok(())
    }

    /// Adds one module and says its package.
    fn add(&mut self, name: &str, text: &str) -> Result<String, RulesError> {
        let malformed = |cause: String| RulesError::Malformed { name: name.to_owned(), cause };
        // The engine does not tell `a["b.c"]` from `a.b.c`, and would look for the rule in the wrong place.
        if text.lines().any(|line| line.starts_with("package ") && line.contains('[')) {
            return Err(malformed("name the package without brackets".to_owned()));
        }
        let package = self.engine.add_policy(name.to_owned(), text.to_owned());
        let package = package.map_err(|error| malformed(format!("{error:#}")))?;
        self.packages.insert(package.clone());
        Ok(package)
    }

    /// Everything that the rules find in a plan, sorted.
    pub(crate) fn judge(&mut self, plan: &Plan) -> Result<Vec<Finding>, RulesError> {
        self.engine.set_input_json(plan.text()).map_err(evaluation("input"))?;
        let mut findings = BTreeSet::new();
        let mut denying = BTreeSet::new();
        for package in self.packages.clone() {
            let Some(elements) = self.denials(&package)? else { continue };
            for element in &elements {
                findings.insert(Finding::from_element(package.trim_start_matches("data."), element)?);
            }
            denying.insert(package);
        }
        match self.folders.iter().find(|(_, packages)| packages.is_disjoint(&denying)) {
            Some((folder, _)) => Err(RulesError::NoRules { folder: folder.clone() }),
            None => Ok(findings.into_iter().collect()),
        }
    }

    /// What `deny` of a package answers; none if it has no such rule.
    fn denials(&mut self, package: &str) -> Result<Option<Vec<Value>>, RulesError> {
        let rule = format!("{package}.deny");
        let answer = match self.engine.eval_rule(rule.clone()) {
            Ok(answer) => answer,
            Err(error) if error.to_string() == NO_SUCH_RULE => return Ok(None),
            Err(error) => return Err(evaluation(&rule)(error)),
        };
        let text = if answer == regorus::Value::Undefined { "[]".to_owned() } else { answer.to_string() };
        match serde_json::from_str(&text) {
            Ok(Value::Array(elements)) => Ok(Some(elements)),
            _ => Err(RulesError::NotASet { rule, answer: text }),
        }
    }
}

fn evaluation(rule: &str) -> impl FnOnce(anyhow::Error) -> RulesError {
    let rule = rule.to_owned();
    move |error| RulesError::Evaluation { rule, cause: format!("{error:#}") }
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
