//! Sources and snapshots as their users see them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "test code")]

mod appconfig;
mod both_engines;
mod bundle;
mod denials;
mod deny_list_faults;
mod deny_list_table;
mod deny_list_whole;
mod file;
mod inventory_table;
mod live;
#[path = "../packing/mod.rs"]
mod packing;
mod policy_table;
mod publication;
mod remote;
mod secret;
mod server;
mod throttling;
