//! Configuration from `LINKWARD_*`: read once, typed, every problem at once.

use std::collections::BTreeMap;
use std::fmt::{self, Display};
use std::str::FromStr;

use policy::edit_distance;

use crate::variables::{self, Variable};

const PREFIX: &str = "LINKWARD_";

/// The `LINKWARD_*` variables, and what was found wrong with them so far.
#[derive(Debug)]
pub struct Environment {
    values: BTreeMap<String, String>,
    problems: Vec<Problem>,
}

/// Everything that is wrong with the configuration, a line each.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub struct ConfigurationError(Vec<Problem>);

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
enum Problem {
    #[error("`{}` is not set; set it to {}", .0.name, .0.remedy)]
    Missing(&'static Variable),
    #[error("`{}` is `{value}`: {cause}; set it to {}", variable.name, variable.remedy)]
    Malformed { variable: &'static Variable, value: String, cause: String },
    #[error("`{written}` is no variable of ours; did you mean `{nearest}`?")]
    Misspelt { written: String, nearest: &'static str },
}

impl Environment {
    /// Those of this process.
    #[must_use]
    pub fn of_process() -> Self {
        let text = |text: std::ffi::OsString| text.to_string_lossy().into_owned();
        Self::of(std::env::vars_os().map(|(name, value)| (text(name), text(value))))
    }

    /// Those of `variables` that are ours. One that is set to nothing is not set. A misspelt one is a problem, since it
    /// would silently not count; those of other functions and other programs are left alone.
    #[must_use]
    pub fn of(variables: impl IntoIterator<Item = (String, String)>) -> Self {
        let ours = |(name, value): &(String, String)| name.starts_with(PREFIX) && !value.trim().is_empty();
        let values: BTreeMap<_, _> = variables.into_iter().filter(ours).collect();
        let problems = values.keys().filter_map(|name| misspelt(name)).collect();
        Self { values, problems }
    }

    /// A variable without which the function cannot work.
    pub fn required<T: FromStr<Err: Display>>(&mut self, variable: &'static Variable) -> Option<T> {
        if !self.values.contains_key(variable.name) {
            self.problems.push(Problem::Missing(variable));
        }
        self.optional(variable)
    }

    /// A variable without which the function does less.
    pub fn optional<T: FromStr<Err: Display>>(&mut self, variable: &'static Variable) -> Option<T> {
        let value = self.values.get(variable.name)?.trim();
        self.parsed(variable, value.to_owned())
    }

    /// At least one value, separated by commas.
    pub fn list<T: FromStr<Err: Display> + PartialEq>(&mut self, variable: &'static Variable) -> Option<Vec<T>> {
        let text: String = self.required(variable)?;
        let mut list = Vec::new();
        for item in text.split(',') {
            let item = self.parsed(variable, item.trim().to_owned())?;
            if !list.contains(&item) {
                list.push(item);
            }
        }
        Some(list)
    }

    /// The configuration, if nothing was found wrong.
    ///
    /// # Errors
    /// Everything that was.
    pub fn complete<C>(self, configuration: Option<C>) -> Result<C, ConfigurationError> {
        match configuration {
            Some(configuration) if self.problems.is_empty() => Ok(configuration),
            _ => Err(ConfigurationError(self.problems)),
        }
    }

    fn parsed<T: FromStr<Err: Display>>(&mut self, variable: &'static Variable, value: String) -> Option<T> {
        match value.parse() {
            Ok(parsed) => Some(parsed),
            Err(cause) => {
                let problem = Problem::Malformed { variable, value, cause: cause.to_string() };
                // A variable may be asked for twice.
                if !self.problems.contains(&problem) {
                    self.problems.push(problem);
                }
                None
            }
        }
    }
}

impl Display for ConfigurationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<_> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}

/// It is an error, not a hint: two characters apart at most, or a variable of somebody else's would be one.
fn misspelt(written: &str) -> Option<Problem> {
    let (distance, nearest) = variables::ALL.iter().map(|v| (edit_distance(written, v.name), v.name)).min()?;
    (1..=2).contains(&distance).then(|| Problem::Misspelt { written: written.to_owned(), nearest })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Mode;
    use policy::Period;

    fn environment(pairs: &[(&str, &str)]) -> Environment {
        Environment::of(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))
    }

    #[test]
    fn every_problem_is_told_at_once_with_its_remedy() {
        let mut environment = environment(&[
            ("LINKWARD_MODE", "on"),
            ("LINKWARD_REMOVAL_GRACE", "15"),
            ("LINKWARD_EVENT_BUSS", "linkward"),
            ("LINKWARD_SERVICE_IDS", " "),
        ]);
        let mode: Option<Mode> = environment.optional(&variables::MODE);
        let grace: Option<Period> = environment.optional(&variables::REMOVAL_GRACE);
        let services: Option<Vec<String>> = environment.list(&variables::SERVICE_IDS);
        assert_eq!((mode, grace, &services), (None, None, &None));
        let error = environment.complete(Some(())).unwrap_err().to_string();
        let lines: Vec<_> = error.lines().collect();
        assert_eq!(lines.len(), 4, "{error}");
        assert_eq!(lines[0], "`LINKWARD_EVENT_BUSS` is no variable of ours; did you mean `LINKWARD_EVENT_BUS`?");
        assert!(lines[1].starts_with("`LINKWARD_MODE` is `on`: neither `enforce` nor `audit`; set it to "), "{error}");
        assert!(lines[2].starts_with("`LINKWARD_REMOVAL_GRACE` is `15`: "), "{error}");
        assert!(lines[3].starts_with("`LINKWARD_SERVICE_IDS` is not set; set it to the ids "), "{error}");
    }

    #[test]
    fn variables_of_others_are_left_alone() {
        for name in ["LINKWARD_CONFIG", "LINKWARD_DENY_LIST_TABLE", "LINKWARD_SOMETHING_NEW", "PATH", "LINK"] {
            assert_eq!(environment(&[(name, "x")]).complete(Some(7)), Ok(7), "{name}");
        }
    }

    #[test]
    fn a_list_keeps_its_order_and_drops_what_is_there_twice() {
        let mut environment = environment(&[("LINKWARD_SERVICE_IDS", "b, a,b")]);
        assert_eq!(environment.list::<String>(&variables::SERVICE_IDS), Some(vec!["b".to_owned(), "a".to_owned()]));
    }

    #[test]
    fn a_misspelling_is_at_most_two_characters_away() {
        for (written, refused) in
            [("LINKWARD_MOD", true), ("LINKWARD_MDOE", true), ("LINKWARD_NODES", true), ("LINKWARD_NOTES", false)]
        {
            let mut environment = environment(&[(written, "audit")]);
            assert_eq!(environment.optional::<Mode>(&variables::MODE), None);
            assert_eq!(environment.complete(Some(())).is_err(), refused, "{written}");
        }
    }
}
