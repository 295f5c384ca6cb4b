//! The function from outside: events in, wire bytes out.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "test code")]

mod binary;
mod events;
mod permissions;
mod revocations;
mod server_certificates;
mod stage;
mod turns;
mod withdrawals;
