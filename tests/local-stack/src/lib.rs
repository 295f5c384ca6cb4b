//! A local AWS that is not ours: two emulators nobody here wrote, extended where they fall short, started and ended as one.
//!
//! [`LocalStack::start`] makes a Python environment of its own (once), starts both emulators on free loopback ports and waits until
//! they answer. Dropping the stack, or the end of the process that holds it, however violent, ends them and all their children.
//!
//! - ministack: Lambda, EventBridge, SNS, SQS, DynamoDB, S3, CloudWatch and the rest;
//! - moto: EC2, ELB, Route 53, ACM PCA, Organizations, with endpoint connections across accounts and a Private CA that behaves
//!   (`python/local_stack`).
//!
//! What neither does, and what this therefore cannot prove: IAM is not enforced, TLS is not spoken, nothing is throttled unless
//! [`Control::fault`](control::Control::fault) asks for it.

pub mod account;
pub mod build;
mod configurations;
pub mod control;
pub mod deploy;
pub mod ec2;
mod embedded;
mod emulator;
mod environment;
mod objects;
mod places;
pub mod progress;
mod stack;
mod wire;

pub use account::Account;
pub use configurations::{Configuration, ConfigurationError};
pub use emulator::EmulatorError;
pub use environment::EnvironmentError;
pub use objects::ObjectError;
pub use progress::Progress;
pub use stack::{LocalStack, LocalStackOptions, StartError};
pub use wire::WireError;
