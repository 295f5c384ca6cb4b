//! The function from outside: events in, wire bytes out.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "test code")]

mod allow_list;
mod binary;
mod bundles;
mod events;
mod faults;
mod grants;
mod permissions;
mod removal;
mod scale;
mod stage;
mod sweeps;
mod units;
