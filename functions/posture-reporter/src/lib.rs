//! Measures how things stand, and counts what changes.
//!
//! On its schedule it reads what the others wrote, the endpoint inventory, the certificate inventory and the deny list,
//! and the CRLs, and publishes gauges: nobody but the approver asks EC2. Every other event that wakes it is one change,
//! which it counts; a deployment of our policy it also tells on the bus. It changes nothing.

mod answer;
mod certificates;
mod changes;
mod configuration;
mod crls;
mod deny_list;
mod endpoints;
mod failure;
mod handle;
mod table;
mod trigger;

pub use answer::Answer;
pub use configuration::{Configuration, CrlLocations};
pub use failure::{Failure, Fault};
pub use handle::{App, FUNCTION, handle};
pub use trigger::{Deployment, Trigger};
