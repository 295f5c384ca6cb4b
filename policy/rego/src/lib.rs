//! The other engine: instead of `callers`, a policy in Rego, evaluated in process by regorus.
//!
//! [`RegoPolicy::compile`] takes the modules and the data of a bundle, checks all it can before the policy is in force,
//! and [`RegoPolicy::decide`] answers requests: the rule `data.linkward.authz` says
//! `{"allow": …, "reason": …, "rule": …}`, and only an explicit `true` allows. It lives apart from the crate `policy`
//! because its time budget reads a clock; what the policy itself calls the time is that of the request.

mod builtins;
mod depth;
mod error;
mod extensions;
mod imports;
mod input;
mod outcome;
mod place;
mod rego_policy;
mod samples;

pub use error::{RegoError, RegoProblem};
pub use input::RegoRequest;
pub use outcome::RegoDecision;
pub use rego_policy::{Module, RegoPolicy};

/// How long one evaluation may take unless the configuration says otherwise.
pub const DEFAULT_BUDGET: std::time::Duration = std::time::Duration::from_millis(5);

/// The rule that decides, as `opa eval` would be asked for it.
pub const ENTRYPOINT: &str = "data.linkward.authz";
