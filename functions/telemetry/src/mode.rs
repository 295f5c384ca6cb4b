use std::str::FromStr;

/// Whether a function does what it decided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// It does.
    #[default]
    Enforce,
    /// It says what it would do.
    Audit,
}

impl Mode {
    /// The word of the configuration and of audit events.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Enforce => "enforce",
            Self::Audit => "audit",
        }
    }
}

/// Neither of the two words.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("neither `enforce` nor `audit`")]
pub struct ModeError;

impl FromStr for Mode {
    type Err = ModeError;

    fn from_str(text: &str) -> Result<Self, ModeError> {
        [Self::Enforce, Self::Audit].into_iter().find(|mode| mode.as_str() == text).ok_or(ModeError)
    }
}
