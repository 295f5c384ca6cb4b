//! The access policy: one document that opens both gates, and the two functions that decide by it.
//!
//! [`endpoint::decide`] says whether an endpoint connection is accepted, [`access::authorize`] whether a request is
//! allowed. Everything here is pure and synchronous: it does no I/O and reads no clock, so that the Lambda function, the
//! runtime and the operator's tool come to the same answer.

mod account_id;
mod authority_arn;
mod date_time;
mod document;
mod edit_distance;
mod identity_pattern;
mod method;
mod organizational_unit_id;
mod path_template;
mod period;
mod policy;
mod region;
mod request_path;
mod resource_id;
mod revision;
mod rule_id;
mod serial_number;
mod sharded;
mod spiffe_id;
mod text;
mod trust_domain;

pub mod access;
pub mod deny_list;
pub mod diff;
pub mod endpoint;
pub mod explain;
pub mod inventory;

pub use account_id::{AccountId, AccountIdError};
pub use authority_arn::{AuthorityArn, AuthorityArnError};
pub use date_time::sortable_time;
pub use document::{DocumentError, Format, Problem};
pub use edit_distance::edit_distance;
pub use identity_pattern::{IdentityPattern, IdentityPatternError};
pub use jiff::Timestamp;
pub use method::{Method, MethodError, MethodSet};
pub use organizational_unit_id::{OrganizationalUnitId, OrganizationalUnitIdError};
pub use path_template::{PathTemplate, PathTemplateError};
pub use period::{Period, PeriodError};
pub use policy::{NoHead, Policy, PolicyError, PolicyParts, json_schema};
pub use region::{Region, RegionError};
pub use request_path::{PathError, RequestPath};
pub use resource_id::{ResourceIdError, ServiceId, VpcEndpointId};
pub use revision::Revision;
pub use rule_id::{RuleId, RuleIdError};
pub use serial_number::{SerialNumber, SerialNumberError};
pub use spiffe_id::{SpiffeId, SpiffeIdError};
pub use trust_domain::{TrustDomain, TrustDomainError};
