//! A function's permissions, `functions/NAME/iam.json`: what its tests call must be allowed there, and what is allowed
//! there must be called.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use crate::Replay;

/// The IAM actions that a function's own statements allow, such as `dynamodb:PutItem`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permissions {
    function: String,
    actions: BTreeSet<String>,
}

impl Permissions {
    /// Reads `functions/NAME/iam.json`: a plain policy document whose `${…}` are Terraform's.
    #[must_use]
    pub fn of(function: &str) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../functions").join(function).join("iam.json");
        let text = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let document: Value = serde_json::from_slice(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        assert_eq!(document["Version"], "2012-10-17", "{}", path.display());
        let statements = document["Statement"].as_array().unwrap();
        let actions = statements.iter().flat_map(|statement| {
            assert_eq!(statement["Effect"], "Allow", "{function}: {statement}");
            assert!(statement["Sid"].is_string() && !statement["Resource"].is_null(), "{function}: {statement}");
            strings(&statement["Action"])
        });
        let actions: BTreeSet<_> = actions.collect();
        assert!(actions.iter().all(|action| !action.contains('*')), "{function}: an action with `*` allows too much");
        Self { function: function.to_owned(), actions }
    }

    pub(crate) fn check(&self, action: &str) {
        assert!(
            self.actions.contains(action),
            "`{}` calls `{action}`, which functions/{0}/iam.json does not allow",
            self.function
        );
    }

    /// Panics unless what `used` holds is exactly what is allowed. `for_us` are actions that no call of ours shows: AWS
    /// does them for the function, with its rights.
    pub fn are_all_used(&self, used: &BTreeSet<String>, for_us: &[&str]) {
        let seen: BTreeSet<_> = used.iter().cloned().chain(for_us.iter().map(|action| (*action).to_owned())).collect();
        let unused: Vec<_> = self.actions.difference(&seen).collect();
        assert!(unused.is_empty(), "functions/{}/iam.json allows {unused:?}, which nothing calls", self.function);
        let missing: Vec<_> = seen.difference(&self.actions).collect();
        assert!(missing.is_empty(), "functions/{}/iam.json does not allow {missing:?}", self.function);
    }
}

impl Replay {
    /// From now on each call must be one that the function's `iam.json` allows: any other panics.
    #[must_use]
    pub fn within(self, function: &str) -> Self {
        self.script().permissions = Some(Permissions::of(function));
        self
    }

    /// The IAM actions of every call so far.
    #[must_use]
    pub fn actions(&self) -> BTreeSet<String> {
        self.calls().into_iter().map(|call| call.action()).collect()
    }
}

fn strings(value: &Value) -> Vec<String> {
    match value {
        Value::Array(values) => values.iter().map(|value| value.as_str().unwrap().to_owned()).collect(),
        value => vec![value.as_str().unwrap().to_owned()],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn permissions(actions: &[&str]) -> Permissions {
        Permissions { function: "f".to_owned(), actions: actions.iter().map(|a| (*a).to_owned()).collect() }
    }

    fn used(actions: &[&str]) -> BTreeSet<String> {
        actions.iter().map(|action| (*action).to_owned()).collect()
    }

    #[test]
    fn exactly_what_is_allowed_is_used() {
        permissions(&["a:B", "s3:PutObject"]).are_all_used(&used(&["a:B"]), &["s3:PutObject"]);
        permissions(&["a:B"]).check("a:B");
    }

    #[test]
    #[should_panic(expected = "allows [\"a:C\"], which nothing calls")]
    fn an_action_that_nothing_calls_fails() {
        permissions(&["a:B", "a:C"]).are_all_used(&used(&["a:B"]), &[]);
    }

    #[test]
    #[should_panic(expected = "`f` calls `a:C`, which functions/f/iam.json does not allow")]
    fn a_call_that_is_not_allowed_fails() {
        permissions(&["a:B"]).check("a:C");
    }
}
