//! `linkward policy …`: reads an access policy, and asks it questions. The very functions that decide in the gates decide here.

mod check;
mod diff;
mod explain;
mod file;
mod words;

pub(crate) use check::check;
pub(crate) use diff::diff;
pub(crate) use explain::explain;
