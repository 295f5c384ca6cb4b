//! What the functions share, and no more: configuration from `LINKWARD_*`, event fields with errors that name them,
//! deadlines, JSON logs, one metric table, audit events, traces, the way to AWS.
//!
//! A function reads its configuration once ([`Environment`]), and for each event makes a [`Run`], which collects
//! metrics and audit events and is published once, at the end, by [`Telemetry`].

mod audit;
mod call_error;
mod deadline;
mod environment;
mod failure;
mod fields;
mod logs;
mod metric;
pub mod metrics;
mod mode;
mod program;
mod publish;
mod run;
mod sdk;
mod traces;
pub mod variables;

pub use audit::{AuditError, DetailType};
pub use call_error::CallError;
pub use deadline::Deadline;
pub use environment::{ConfigurationError, Environment};
pub use failure::{Failure, Fault};
pub use fields::{Envelope, FieldError, Fields};
pub use metric::{Dimension, Kind, Metric, Row, Unit};
pub use mode::Mode;
pub use program::{package, program};
pub use publish::Telemetry;
pub use run::Run;
pub use sdk::sdk_config;
pub use traces::Context;
