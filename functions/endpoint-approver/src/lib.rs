//! Accepts, holds and rejects endpoint connections by the access policy, and removes those that left it.
//!
//! One way through, each step once: an event is a wake-up ([`Trigger`]) → `connections.describe`, for EC2 is the
//! truth → the policy → `policy::endpoint::decide_all` → `plan`, pure → `apply`, which
//! reads `Unsuccessful` and describes again what it changed → the inventory → telemetry. An error of ours leaves
//! connections as they are, and the next sweep repairs it.

mod allow_list;
mod answer;
mod apply;
mod configuration;
mod connections;
mod current_policy;
mod drift;
mod failure;
mod handle;
mod inventory;
mod organization;
mod outcome;
mod plan;
mod record;
mod row;
mod sweep;
mod trigger;
mod units;

pub use answer::{Answer, Connected, Unsuccessful, Verdicted};
pub use configuration::Configuration;
pub use failure::{Failure, Fault};
pub use handle::{App, FUNCTION, handle};
pub use trigger::{Cause, Trigger};
