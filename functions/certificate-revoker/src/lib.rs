//! Cuts callers off: puts them on the deny list, which the runtime reads within a second, then revokes their
//! certificates at the authority, which lasts.
//!
//! One way through, each step once: [`Request`], read from the event → `deny_list.put` → `authority.revoke` for each
//! certificate → telemetry. Everything may come twice: an entry that is there stays as it is, "already revoked" is
//! success. What could not be done is said, and is an error.

mod answer;
mod authority;
mod certificates;
mod configuration;
mod deny_list;
mod failure;
mod handle;
mod request;
mod revoke;

pub use answer::Answer;
pub use configuration::Configuration;
pub use failure::{Failure, Fault};
pub use handle::{App, FUNCTION, handle};
pub use request::{Reason, ReasonError, Request, Revocation, Withdrawal};
