//! How parts of a policy are put for people and for machines.

use policy::Timestamp;
use policy::diff::Selection;
use serde_json::{Value, json};

/// `any`, `any but GET, HEAD`, or `GET, HEAD`.
pub(crate) fn selection<T: ToString>(selection: &Selection<T>) -> String {
    match selection {
        Selection::AllBut(items) if items.is_empty() => "any".to_owned(),
        Selection::AllBut(items) => format!("any but {}", list(items)),
        Selection::Only(items) => list(items),
    }
}

/// With commas between them.
pub(crate) fn list<T: ToString>(items: &[T]) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// `{"only": […]}` or `{"allBut": […]}`.
pub(crate) fn selection_json<T: ToString>(selection: &Selection<T>) -> Value {
    let texts = |items: &[T]| items.iter().map(ToString::to_string).collect::<Vec<_>>();
    match selection {
        Selection::Only(items) => json!({ "only": texts(items) }),
        Selection::AllBut(items) => json!({ "allBut": texts(items) }),
    }
}

/// RFC 3339, or null.
pub(crate) fn time_json(time: Option<Timestamp>) -> Value {
    time.map_or(Value::Null, |time| time.to_string().into())
}
