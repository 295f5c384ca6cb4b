//! Reading access logs as the runtime writes them.

mod line;
mod lines;
mod route;

pub(crate) use line::{Line, Recorded, Request, Text};
pub(crate) use lines::Lines;
pub(crate) use route::route;
