//! `linkward policy …`: reads an access policy, and asks it questions. The very functions that decide in the gates decide here.

mod bundle;
mod cases;
mod check;
mod diff;
mod engine;
mod explain;
mod file;
mod push;
mod rego;
mod replay;
mod words;

pub(crate) use cases::test;
pub(crate) use check::check;
pub(crate) use diff::diff;
pub(crate) use explain::explain;
pub(crate) use push::push;
pub(crate) use replay::replay;
