//! A model test: the real functions, through the real SDKs, against a modelled AWS, in a world where events come twice, late,
//! out of order or never, calls are throttled, fail or lose their answer, changes show late, the policy changes between
//! any two calls, and a function may die before or after any of them.
//!
//! Nothing is drawn but from the seed. Time is the model's: what the functions write as now is stored as the model's
//! now, and read back as long ago as it is in the model.
//!
//! What must hold whatever happens is checked where it would break: at each call ([`aws`]) and after each run
//! ([`scenario`]).

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::expect_used, reason = "test code")]

pub mod aws;
mod checks;
mod clock;
mod connections;
mod events;
mod faults;
pub mod scenario;
mod tables;
