//! `linkward endpoints …`: the outer gate, seen from outside.

mod dry_run;
mod list;
mod sweep;

pub(crate) use dry_run::invoke;
pub(crate) use list::list;
pub(crate) use sweep::sweep;
