//! Documents as people write them: read fast while they are right, explained in full when they are not.

mod explain;
mod field;
mod node;
mod problem;
mod scalar;
mod suggestion;
mod tree;

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::DeserializeOwned;

pub(crate) use field::{Given, Keyed, NonEmpty, Version};
pub(crate) use problem::Problems;
pub use problem::{DocumentError, Problem};
use tree::Tree;

/// A JSON document of more bytes is not explained: the tree would take several times its size in memory, perhaps in a
/// process that serves by the previous document. What the fast parser said must do.
const MAX_EXPLAINED: usize = 64 * 1024 * 1024;

/// How a document is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// YAML 1.2.
    Yaml,
    /// JSON.
    Json,
}

impl Format {
    /// By the ending of a file's name: `.json` is JSON, everything else YAML.
    #[must_use]
    pub fn from_name(name: &str) -> Self {
        if name.to_ascii_lowercase().ends_with(".json") { Self::Json } else { Self::Yaml }
    }
}

/// Reads a document of type `D` and makes a `T` of it.
///
/// `build` may be called twice: with what the fast parser gives and, if anything was wrong, with all that is right in the
/// document, so that one run reports both what is malformed and what contradicts itself.
pub(crate) fn read<D, T>(
    bytes: &[u8],
    format: Format,
    name: &str,
    build: impl Fn(D) -> Result<T, Problems>,
) -> Result<T, DocumentError>
where
    D: DeserializeOwned + JsonSchema,
{
    let fail = |problems: Problems| Err(DocumentError::new(name, problems));
    let text = match str::from_utf8(bytes) {
        Ok(text) => text.strip_prefix('\u{feff}').unwrap_or(text),
        Err(error) => return fail(Problem::not_utf8(bytes, &error).into()),
    };
    let first = match parse(text, format).map(|Keyed(document)| build(document)) {
        Ok(Ok(value)) => return Ok(value),
        Ok(Err(problems)) => problems,
        Err(Refusal::Syntax(problem)) => return fail(problem.into()),
        Err(Refusal::Content(problem)) => problem.into(),
    };
    if format == Format::Json && text.len() > MAX_EXPLAINED {
        return fail(first);
    }
    // JSON is YAML, but for keys that are longer than any of ours.
    let Ok(mut tree) = Tree::parse(text) else { return fail(first) };
    let mut problems = explain::against_schema(&mut tree, schemars::schema_for!(D).as_value());
    if let Ok(Err(contradictions)) = Keyed::deserialize(&tree.root).map(|Keyed(document)| build(document)) {
        problems.extend(contradictions.at(|path| tree.root.find(path)));
    }
    fail(if problems.is_empty() { first } else { problems })
}

/// A document as JSON, its scalars as our reader takes them.
///
/// # Errors
/// Nothing can be made out.
pub(crate) fn as_json<'a>(bytes: &'a [u8], format: Format, name: &str) -> Result<Cow<'a, str>, DocumentError> {
    let fail = |problem: Problem| DocumentError::new(name, problem.into());
    let text = str::from_utf8(bytes).map_err(|error| fail(Problem::not_utf8(bytes, &error)))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    match format {
        Format::Json => Ok(Cow::Borrowed(text)),
        Format::Yaml => {
            let tree = Tree::parse(text).map_err(fail)?;
            let value = serde_json::Value::deserialize(&tree.root);
            Ok(Cow::Owned(value.map_err(|error| fail(Problem::new(error.to_string())))?.to_string()))
        }
    }
}

/// What the fast parser refused. Where it could not make out what is written there is nothing to explain.
enum Refusal {
    Syntax(Problem),
    Content(Problem),
}

fn parse<D: DeserializeOwned>(text: &str, format: Format) -> Result<D, Refusal> {
    match format {
        Format::Json => serde_json::from_str(text).map_err(|error| {
            let problem = Problem::from_json(&error);
            if error.is_data() { Refusal::Content(problem) } else { Refusal::Syntax(problem) }
        }),
        Format::Yaml => {
            let tree = Tree::parse(text).map_err(Refusal::Syntax)?;
            match tree.problems.first() {
                Some(problem) => Err(Refusal::Content(problem.clone())),
                None => D::deserialize(&tree.root).map_err(|error| Refusal::Content(Problem::new(error.to_string()))),
            }
        }
    }
}
