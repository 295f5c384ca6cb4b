//! The function from outside: events in, wire bytes out.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "test code")]

mod binary;
mod bundles;
mod crashes;
mod events;
mod faults;
mod handshakes;
mod issuances;
mod misissued;
mod permissions;
mod rotations;
mod secrecy;
mod stage;
mod world;
