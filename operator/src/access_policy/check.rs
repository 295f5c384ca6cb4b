//! `linkward policy check`.

use std::path::Path;
use std::process::ExitCode;

use serde_json::{Value, json};

use super::{bundle, file};
use crate::output::{self, Screen};

/// `policy check FILE`.
pub(crate) fn check(file: &Path, screen: &Screen) -> anyhow::Result<ExitCode> {
    if let Some(bytes) = file::bundle(file)? {
        return Ok(bundle::check(file, &bytes, screen));
    }
    let read = file::read(file)?;
    match (&read, screen.is_json()) {
        (Ok(policy), false) => {
            let callers = output::count(policy.callers_len().try_into()?, "caller");
            output::say(&format!("{}: valid; {callers} in {}", file.display(), policy.trust_domain()));
        }
        // One line for each problem, as compilers do it, so that an editor can go there.
        (Err(error), false) => output::complain(&error.to_string()),
        (Ok(policy), true) => {
            output::say_json(&json!({ "file": file, "valid": true, "callers": policy.callers_len(), "errors": [] }));
        }
        (Err(error), true) => {
            let errors: Vec<Value> = error.problems().iter().map(problem).collect();
            output::say_json(&json!({ "file": file, "valid": false, "errors": errors }));
        }
    }
    Ok(ExitCode::from(u8::from(read.is_err())))
}

fn problem(problem: &policy::Problem) -> Value {
    json!({ "line": problem.line(), "column": problem.column(), "message": problem.message() })
}
