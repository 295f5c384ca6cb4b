//! An event, read field by field: every error names the field.

use std::fmt::Display;
use std::str::FromStr;

use jiff::Timestamp;
use serde_json::{Map, Value};

/// What people write of themselves and their reasons, in characters.
const MOST_OF_A_CLAIM: usize = 256;
/// An error quotes what it is about, and not a whole event, which may be large.
const MOST_OF_A_FIELD: usize = 256;
const MOST_OF_A_PROBLEM: usize = 512;

/// An object of an event, and where in the event it is.
#[derive(Clone, Debug)]
pub struct Fields<'a> {
    path: String,
    object: &'a Map<String, Value>,
}

/// What is wrong with which field; nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("field `{field}` {problem}")]
pub struct FieldError {
    /// The path of the field, such as `detail.serviceIds[1]`.
    pub field: String,
    /// What is wrong with it, to follow its name.
    pub problem: String,
}

impl FieldError {
    fn new(field: &str, problem: &str) -> Self {
        Self { field: cut(field, MOST_OF_A_FIELD), problem: cut(problem, MOST_OF_A_PROBLEM) }
    }
}

fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

impl<'a> Fields<'a> {
    /// The event itself.
    ///
    /// # Errors
    /// It is not an object.
    pub fn of(event: &'a Value) -> Result<Self, FieldError> {
        Self::at(String::new(), event)
    }

    /// An object within this one.
    ///
    /// # Errors
    /// It is missing, or something else.
    pub fn object(&self, name: &str) -> Result<Self, FieldError> {
        let value = self.object.get(name).ok_or_else(|| self.error(name, "is missing"))?;
        Self::at(self.path(name), value)
    }

    /// The objects of a list within this one.
    ///
    /// # Errors
    /// It is missing, empty, or holds something else.
    pub fn objects(&self, name: &str) -> Result<Vec<Self>, FieldError> {
        let values = self.array(name)?.ok_or_else(|| self.error(name, "is missing"))?;
        let path = |i| format!("{}[{i}]", self.path(name));
        values.iter().enumerate().map(|(i, value)| Self::at(path(i), value)).collect()
    }

    /// A text that must be there and say something.
    ///
    /// # Errors
    /// It is missing, empty, or no text.
    pub fn text(&self, name: &str) -> Result<&'a str, FieldError> {
        self.optional_text(name)?.ok_or_else(|| self.error(name, "is missing"))
    }

    /// A text that may be left out, but says something when it is there.
    ///
    /// # Errors
    /// It is empty, or no text.
    pub fn optional_text(&self, name: &str) -> Result<Option<&'a str>, FieldError> {
        match self.object.get(name) {
            None => Ok(None),
            Some(Value::String(text)) if text.is_empty() => Err(self.error(name, "is empty")),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(self.error(name, format!("is `{other}`, it must be a string"))),
        }
    }

    /// A text that is recorded as it is, if it is there: at most 256 characters.
    ///
    /// # Errors
    /// It is empty, too long, or no text.
    pub fn optional_claim(&self, name: &str) -> Result<Option<&'a str>, FieldError> {
        let claim = self.optional_text(name)?;
        match claim.map_or(0, |claim| claim.chars().count()) {
            0..=MOST_OF_A_CLAIM => Ok(claim),
            count => Err(self.error(name, format!("has {count} characters, {MOST_OF_A_CLAIM} are allowed"))),
        }
    }

    /// A text that is recorded as it is, and must be there: at most 256 characters.
    ///
    /// # Errors
    /// It is missing, empty, too long, or no text.
    pub fn claim(&self, name: &str) -> Result<&'a str, FieldError> {
        self.optional_claim(name)?.ok_or_else(|| self.error(name, "is missing"))
    }

    /// A text that means something.
    ///
    /// # Errors
    /// It is missing, or does not.
    pub fn parsed<T: FromStr<Err: Display>>(&self, name: &str) -> Result<T, FieldError> {
        self.text(name)?.parse().map_err(|cause: T::Err| self.error(name, format!("is malformed: {cause}")))
    }

    /// A text that means something, if it is there.
    ///
    /// # Errors
    /// It does not.
    pub fn optional<T: FromStr<Err: Display>>(&self, name: &str) -> Result<Option<T>, FieldError> {
        self.optional_text(name)?.map(|_| self.parsed(name)).transpose()
    }

    /// Texts that mean something, if the list is there; then at least one.
    ///
    /// # Errors
    /// The list is empty, or no list, or one of them does not.
    pub fn list<T: FromStr<Err: Display>>(&self, name: &str) -> Result<Option<Vec<T>>, FieldError> {
        let Some(values) = self.array(name)? else { return Ok(None) };
        let item = |(i, value): (usize, &Value)| {
            let name = format!("{name}[{i}]");
            let text = value.as_str().ok_or_else(|| self.error(&name, format!("is `{value}`, it must be a string")))?;
            text.parse().map_err(|cause: T::Err| self.error(&name, format!("is malformed: {cause}")))
        };
        values.iter().enumerate().map(item).collect::<Result<_, _>>().map(Some)
    }

    /// `true` or `false`, if it is there.
    ///
    /// # Errors
    /// It is something else.
    pub fn flag(&self, name: &str) -> Result<Option<bool>, FieldError> {
        let flag = |value: &Value| value.as_bool().ok_or_else(|| self.not(name, value, "`true` or `false`"));
        self.object.get(name).map(flag).transpose()
    }

    /// An integer from 0 to `most`, if it is there.
    ///
    /// # Errors
    /// It is something else.
    pub fn count(&self, name: &str, most: u64) -> Result<Option<u64>, FieldError> {
        let count = |value: &Value| {
            let count = value.as_u64().filter(|count| *count <= most);
            count.ok_or_else(|| self.not(name, value, &format!("an integer from 0 to {most}")))
        };
        self.object.get(name).map(count).transpose()
    }

    /// Refuses what is not known: a misspelt field would silently not count.
    ///
    /// # Errors
    /// Names the first that is not.
    pub fn only(&self, known: &[&str]) -> Result<(), FieldError> {
        match self.object.keys().find(|name| !known.contains(&name.as_str())) {
            None => Ok(()),
            Some(name) => Err(self.error(name, format!("is not known here; known are `{}`", known.join("`, `")))),
        }
    }

    /// Something else that is wrong with a field of this object.
    #[must_use]
    pub fn error(&self, name: &str, problem: impl Into<String>) -> FieldError {
        FieldError::new(&self.path(name), &problem.into())
    }

    fn at(path: String, value: &'a Value) -> Result<Self, FieldError> {
        match value.as_object() {
            Some(object) => Ok(Self { path, object }),
            None => Err(FieldError::new(&path, &format!("is `{value}`, it must be an object"))),
        }
    }

    fn array(&self, name: &str) -> Result<Option<&'a Vec<Value>>, FieldError> {
        match self.object.get(name) {
            None => Ok(None),
            Some(Value::Array(values)) if values.is_empty() => Err(self.error(name, "is empty")),
            Some(Value::Array(values)) => Ok(Some(values)),
            Some(other) => Err(self.not(name, other, "a list")),
        }
    }

    fn not(&self, name: &str, value: &Value, wanted: &str) -> FieldError {
        self.error(name, format!("is `{value}`, it must be {wanted}"))
    }

    fn path(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }
}

/// What EventBridge puts around every event.
#[derive(Clone, Debug)]
pub struct Envelope<'a> {
    /// All of its fields.
    pub fields: Fields<'a>,
    /// Who sent it, such as `linkward.operator`.
    pub source: &'a str,
    /// What it says, such as `Endpoint Sweep Requested`.
    pub detail_type: &'a str,
}

impl<'a> Envelope<'a> {
    /// Reads what every event has.
    ///
    /// # Errors
    /// Names the field that is missing or malformed.
    pub fn of(event: &'a Value) -> Result<Self, FieldError> {
        let fields = Fields::of(event)?;
        Ok(Self { source: fields.text("source")?, detail_type: fields.text("detail-type")?, fields })
    }

    /// The event's own content.
    ///
    /// # Errors
    /// It is missing, or no object.
    pub fn detail(&self) -> Result<Fields<'a>, FieldError> {
        self.fields.object("detail")
    }

    /// When it was sent.
    ///
    /// # Errors
    /// It is missing, or no time.
    pub fn time(&self) -> Result<Timestamp, FieldError> {
        self.fields.parsed("time")
    }

    /// That this event is none of those the function listens to.
    #[must_use]
    pub fn foreign(&self, known: &[(&str, &str)]) -> FieldError {
        let (field, value) = match known.iter().any(|(source, _)| *source == self.source) {
            true => ("detail-type", self.detail_type),
            false => ("source", self.source),
        };
        let known: Vec<_> = known.iter().map(|(source, kind)| format!("`{kind}` of `{source}`")).collect();
        self.fields.error(field, format!("is `{value}`; this function listens to {}", known.join(", ")))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn message<T: std::fmt::Debug>(read: Result<T, FieldError>) -> String {
        read.unwrap_err().to_string()
    }

    #[test]
    fn what_is_right_is_read() {
        let event = json!({"a": {"text": "x", "n": 5, "flag": false, "list": ["1", "2"], "of": [{"b": "c"}]}});
        let a = Fields::of(&event).unwrap().object("a").unwrap();
        assert_eq!(a.text("text"), Ok("x"));
        assert_eq!(a.optional_text("none"), Ok(None));
        assert_eq!(a.list::<u8>("list"), Ok(Some(vec![1, 2])));
        assert_eq!((a.flag("flag"), a.flag("none")), (Ok(Some(false)), Ok(None)));
        assert_eq!((a.count("n", 5), a.count("none", 5)), (Ok(Some(5)), Ok(None)));
        assert_eq!(a.objects("of").unwrap()[0].text("b"), Ok("c"));
        assert_eq!(a.only(&["text", "n", "flag", "list", "of"]), Ok(()));
    }

    #[test]
    fn every_error_names_the_field() {
        let event =
            json!({"a": {"empty": "", "n": 6, "null": null, "list": ["1", "x"], "none": [], "of": [1]}, "b": 1});
        let root = Fields::of(&event).unwrap();
        let a = root.object("a").unwrap();
        assert_eq!(message(Fields::of(&json!([]))), "field `` is `[]`, it must be an object");
        assert_eq!(message(root.object("b")), "field `b` is `1`, it must be an object");
        assert_eq!(message(root.object("c")), "field `c` is missing");
        assert_eq!(message(a.text("text")), "field `a.text` is missing");
        assert_eq!(message(a.text("empty")), "field `a.empty` is empty");
        assert_eq!(message(a.optional_text("null")), "field `a.null` is `null`, it must be a string");
        assert_eq!(message(a.list::<u8>("none")), "field `a.none` is empty");
        assert!(message(a.list::<u8>("list")).starts_with("field `a.list[1]` is malformed: "));
        assert_eq!(message(a.flag("n")), "field `a.n` is `6`, it must be `true` or `false`");
        assert_eq!(message(a.count("n", 5)), "field `a.n` is `6`, it must be an integer from 0 to 5");
        assert_eq!(message(a.objects("of")), "field `a.of[0]` is `1`, it must be an object");
        assert_eq!(message(a.only(&["empty"])), "field `a.list` is not known here; known are `empty`");
    }
}
