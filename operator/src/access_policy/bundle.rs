//! `linkward policy check` of an OPA bundle.

use std::path::Path;
use std::process::ExitCode;

use policy::Revision;
use policy_source::bundle::{Bundle, BundleError, BundleSettings};
use policy_source::{Engine, RegoProblem};
use serde_json::{Value, json};

use crate::output::{self, Screen};

/// Says of a bundle's bytes what the runtime would say of them; signatures are not verified.
pub(crate) fn check(file: &Path, bytes: &[u8], screen: &Screen) -> ExitCode {
    let checked = Bundle::read(bytes, None).and_then(|bundle| {
        let modules = bundle.modules.len();
        let engine = Engine::of_bundle(bundle, Revision::from("unpublished"), BundleSettings::default().budget)?;
        Ok((modules, engine))
    });
    match (&checked, screen.is_json()) {
        (Ok((modules, engine)), false) => {
            let modules = output::count(u64::try_from(*modules).unwrap_or(u64::MAX), "module");
            let endpoints = engine.trust_domain().map_or_else(
                || "nothing about endpoints, so the approver holds every connection".to_owned(),
                |trust_domain| format!("endpoints of {trust_domain}"),
            );
            output::say(&format!("{}: valid; {modules} of Rego, {endpoints}", file.display()));
        }
        (Err(error), false) => {
            error.to_string().lines().for_each(|line| output::complain(&format!("{}: {line}", file.display())));
        }
        (_, true) => {
            let errors = checked.as_ref().err().map(errors).unwrap_or_default();
            output::say_json(&json!({ "file": file, "valid": checked.is_ok(), "errors": errors }));
        }
    }
    ExitCode::from(u8::from(checked.is_err()))
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
