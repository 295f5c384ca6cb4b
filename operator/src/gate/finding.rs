//! What a rule answers.

use serde::Serialize;
use serde_json::Value;

/// One thing that must not be applied. Sorted by address, then by rule.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct Finding {
    /// The resource's address in the plan; none when the rule names none.
    pub(crate) address: Option<String>,
    /// Which rule: its id, or the package of a rule that gives none.
    pub(crate) rule: String,
    /// What is wrong.
    pub(crate) why: String,
    /// What to do about it.
    pub(crate) remedy: Option<String>,
}

/// An element of `deny` that says nothing.
#[derive(Debug, thiserror::Error)]
#[error("`deny` of `{package}` answers `{element}`: use a string, or an object with `msg` or `why`")]
pub(crate) struct FindingError {
    package: String,
    element: String,
}

impl Finding {
    /// From an element of `deny`: a string, as conftest has it, or an object with `msg` or `why`, and as it may be `address`, `rule`, `remedy`.
    pub(crate) fn from_element(package: &str, element: &Value) -> Result<Self, FindingError> {
        let field = |name: &str| element.get(name).and_then(Value::as_str).map(str::to_owned);
        let why = element.as_str().map(str::to_owned).or_else(|| field("why")).or_else(|| field("msg"));
        let Some(why) = why else {
            return Err(FindingError { package: package.to_owned(), element: element.to_string() });
        };
        let rule = field("rule").unwrap_or_else(|| package.to_owned());
        Ok(Self { address: field("address"), rule, why, remedy: field("remedy") })
    }
}
