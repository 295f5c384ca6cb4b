use std::fmt;
use std::str::Utf8Error;

/// So many are described; the others are counted.
const DESCRIBED: usize = 100;
/// A longer message is cut off.
const LONGEST: usize = 1000;

/// One thing that is wrong with a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    position: Option<Position>,
    path: String,
    message: String,
}

/// Where in the text: both count from 1, columns in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Position {
    pub(crate) line: u32,
    pub(crate) column: u32,
}

impl Problem {
    /// The line, counted from 1; none when the parser could not tell.
    #[must_use]
    pub fn line(&self) -> Option<u32> {
        self.position.map(|position| position.line)
    }

    /// The column, counted in characters from 1; none when the parser could not tell.
    #[must_use]
    pub fn column(&self) -> Option<u32> {
        self.position.map(|position| position.column)
    }

    /// What is wrong, and what to do about it.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { position: None, path: String::new(), message: printable(message.into()) }
    }

    pub(crate) fn at(position: Position, message: impl Into<String>) -> Self {
        Self { position: Some(position), ..Self::new(message) }
    }

    /// In a value named by its path, such as `/callers/3/identity`, of which the position is still to be found.
    pub(crate) fn in_value(path: String, message: impl Into<String>) -> Self {
        Self { path, ..Self::new(message) }
    }

    pub(super) fn from_json(error: &serde_json::Error) -> Self {
        let (line, column) = (error.line(), error.column());
        let text = error.to_string();
        let message = text.strip_suffix(&format!(" at line {line} column {column}")).unwrap_or(&text);
        Self { position: (line > 0).then(|| Position::new(line, column.max(1))), ..Self::new(message) }
    }

    pub(super) fn not_utf8(bytes: &[u8], error: &Utf8Error) -> Self {
        let valid = bytes.get(..error.valid_up_to()).and_then(|valid| str::from_utf8(valid).ok()).unwrap_or_default();
        let column = valid.chars().rev().take_while(|c| *c != '\n').count() + 1;
        let position = Position::new(valid.matches('\n').count() + 1, column);
        Self::at(position, "the document is not UTF-8 from here on")
    }
}

/// A message quotes what somebody wrote: it goes to a terminal, and is not as long as the document.
fn printable(message: String) -> String {
    if message.len() <= LONGEST && !message.contains(char::is_control) {
        return message;
    }
    message.chars().take(LONGEST).map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

impl Position {
    pub(super) fn new(line: usize, column: usize) -> Self {
        let clamp = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        Self { line: clamp(line), column: clamp(column) }
    }
}

/// Problems as they are found. However many there are, only the first are kept.
#[derive(Debug, Default)]
pub(crate) struct Problems {
    described: Vec<Problem>,
    found: usize,
}

impl Problems {
    /// The problem is only worded if it is one of those to be described.
    pub(crate) fn push(&mut self, problem: impl FnOnce() -> Problem) {
        if self.described.len() < DESCRIBED {
            self.described.push(problem());
        }
        self.found += 1;
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.found == 0
    }

    pub(super) fn first(&self) -> Option<&Problem> {
        self.described.first()
    }

    pub(super) fn extend(&mut self, other: Self) {
        self.described.extend(other.described);
        self.found += other.found;
    }

    /// The same problems, with the positions of the values they are in.
    pub(super) fn at(mut self, position: impl Fn(&str) -> Position) -> Self {
        for problem in &mut self.described {
            problem.position = problem.position.or_else(|| Some(position(&problem.path)));
        }
        self
    }
}

impl From<Problem> for Problems {
    fn from(problem: Problem) -> Self {
        Self { described: vec![problem], found: 1 }
    }
}

/// Everything that is wrong with a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentError {
    name: String,
    problems: Vec<Problem>,
    more: usize,
}

impl DocumentError {
    pub(super) fn new(name: &str, problems: Problems) -> Self {
        let Problems { mut described, found } = problems;
        described.sort_by_key(|problem| problem.position);
        described.truncate(DESCRIBED);
        Self { name: name.to_owned(), more: found - described.len(), problems: described }
    }

    /// The first hundred problems, in the order of the document.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }
}

/// One line for each problem: `access.yaml:3:5: unknown key `pathes`, did you mean `paths`?`
impl fmt::Display for DocumentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, Problem { position, path, message }) in self.problems.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            f.write_str(&self.name)?;
            if let Some(Position { line, column }) = position {
                write!(f, ":{line}:{column}")?;
            } else if !path.is_empty() {
                write!(f, ": {path}")?;
            }
            write!(f, ": {message}")?;
        }
        if self.more > 0 {
            write!(f, "\n{}: and {} more", self.name, self.more)?;
        }
        Ok(())
    }
}

impl std::error::Error for DocumentError {}
