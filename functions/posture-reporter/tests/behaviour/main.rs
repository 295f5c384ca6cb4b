//! The function from outside: events in, wire bytes out.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "test code")]

mod binary;
mod changes;
mod crls;
mod events;
mod gauges;
mod permissions;
mod stage;
