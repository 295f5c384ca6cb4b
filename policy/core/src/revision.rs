use std::sync::Arc;

use crate::text::prints_as_str;

/// The version of a document as its source names it: a hash, an `ETag`, an AppConfig version label.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revision(Arc<str>);

impl Revision {
    /// The source's own word, whatever it is.
    pub fn new(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }

    /// The source's own word.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Revision {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl From<String> for Revision {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

prints_as_str!(Revision);
