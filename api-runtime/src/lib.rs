//! The inner gate: an mTLS front door behind a network load balancer. It authenticates each caller by its certificate,
//! authorizes each request by the access policy, and forwards what is permitted.
//!
//! The binary forwards to a server on the same host. As a library, [`serve`] puts any [`tower::Service`] behind the same
//! gate: [`Config::load`], [`Listener::bind`], [`serve`].
//!
//! A connection goes one way: accepted within the limits, PROXY header, TLS handshake, then HTTP. Each of
//! its requests goes one way: target checked, peer checked against the snapshots in force, policy asked, answered,
//! recorded. Nothing gets past the policy without a [`Permit`], and only one function makes one.

mod access_log;
mod admin;
mod answer;
mod application;
mod audit;
mod authorization;
mod body;
mod connection;
mod export;
mod forward;
mod headers;
mod host;
mod idle;
mod json;
mod life;
mod log_writer;
mod meter;
mod metrics;
mod outcome;
mod recent;
mod reception;
mod record;
mod request;
mod request_id;
mod server;
mod sharded;
mod sightings;
mod socket;
mod spans;
mod target;
mod tunnel;
mod unread;
mod watch;

pub mod config;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod handshake;
mod histogram;
mod identity;
mod proxy_protocol;
mod snapshots;
mod trust;

#[cfg(test)]
mod test_authority;

pub use authorization::Permit;
pub use body::{Body, BodyError};
pub use config::{Config, ConfigError};
pub use reception::Drain;
pub use server::{ListenError, Listener, run, serve};
pub use snapshots::{Now, Snapshots, StartError};
pub use trust::Peer;
