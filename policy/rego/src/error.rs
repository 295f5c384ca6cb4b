//! What is wrong with a policy in Rego.

use std::fmt;

/// Everything that is wrong with a policy in Rego, a line each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegoError {
    problems: Vec<RegoProblem>,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegoProblem {
    /// The module, as the bundle calls it; none if it concerns the policy as a whole.
    pub file: Option<String>,
    /// From 1; 0 if not known.
    pub line: u32,
    /// From 1; 0 if not known.
    pub column: u32,
    /// What is wrong and what to do.
    pub message: String,
}

impl RegoError {
    pub(crate) fn new(problems: Vec<RegoProblem>) -> Self {
        Self { problems }
    }

    /// Each of them, in the order of the modules.
    #[must_use]
    pub fn problems(&self) -> &[RegoProblem] {
        &self.problems
    }
}

impl std::error::Error for RegoError {}

impl fmt::Display for RegoError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            let newline = if index > 0 { "\n" } else { "" };
            write!(f, "{newline}{problem}")?;
        }
        Ok(())
    }
}

impl fmt::Display for RegoProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.file, self.line) {
            (Some(file), 0) => write!(f, "{file}: {}", self.message),
            (Some(file), line) => write!(f, "{file}:{line}:{}: {}", self.column, self.message),
            (None, _) => f.write_str(&self.message),
        }
    }
}

impl RegoProblem {
    /// About the policy as a whole.
    pub(crate) fn general(message: impl Into<String>) -> Self {
        Self { file: None, line: 0, column: 0, message: message.into() }
    }

    /// About a module as a whole.
    pub(crate) fn of_file(file: &str, message: impl Into<String>) -> Self {
        Self { file: Some(file.to_owned()), ..Self::general(message) }
    }

    /// Of regorus' message, which has the place in its line `--> FILE:LINE:COLUMN` and ends in `error: MESSAGE`, with a
    /// drawing of the source between them.
    pub(crate) fn from_message(text: &str) -> Self {
        let message = text.rsplit_once("error: ").map_or(text, |(_, message)| message);
        let message = message.split_whitespace().collect::<Vec<_>>().join(" ");
        let place = text.lines().find_map(|line| line.trim_start().strip_prefix("--> "));
        let mut parts = place.unwrap_or_default().rsplitn(3, ':');
        let column = parts.next().and_then(|part| part.trim().parse().ok());
        let line = parts.next().and_then(|part| part.parse().ok());
        match (parts.next(), line, column) {
            (Some(file), Some(line), Some(column)) => Self { file: Some(file.to_owned()), line, column, message },
            _ => Self::general(message),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_of_the_engine_becomes_one_line_with_its_place() {
        let text = "\n--> /a:b/policy.rego:3:12\n  |\n3 | allow if ]\n  |          ^\nerror: expecting\n  expression";
        assert_eq!(RegoProblem::from_message(text).to_string(), "/a:b/policy.rego:3:12: expecting expression");
        assert_eq!(RegoProblem::from_message("not a valid rule path").to_string(), "not a valid rule path");
        assert_eq!(RegoProblem::from_message("").to_string(), "");
    }
}
