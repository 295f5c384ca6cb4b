//! Rotates certificates that are kept in Secrets Manager: callers' and the runtime's own.
//!
//! Secrets Manager calls it four times, with a [`Request`] each. createSecret does the work, and keeps each thing that
//! must not be lost before the next is begun: a new key and its certificate signing request → `IssueCertificate` → the
//! certificate's ARN → `GetCertificate`, compared with what was asked for → the inventory → the whole as `AWSPENDING`.
//! Whatever it is interrupted by, the next invocation goes on where it was: within the five minutes that the authority
//! remembers a request there is one certificate for one rotation. setSecret has nobody to tell, testSecret tries the
//! certificate, finishSecret makes it `AWSCURRENT`; the one before stays valid.

mod answer;
mod authority;
mod bucket;
mod certificate;
mod configuration;
mod create;
mod document;
mod draft;
mod failure;
mod finish;
mod handle;
mod handshake;
mod inventory;
mod issuance;
mod orphan;
mod private_key;
mod purpose;
mod quiet;
mod request;
mod secret;
mod test_address;
mod trust_domain;

pub use answer::{Answer, Outcome};
pub use authority::AuthorityError;
pub use certificate::Mismatch;
pub use configuration::{Configuration, Lifetime, LifetimeError};
pub use document::ForeignContent;
pub use failure::Failure;
pub use handle::{App, FUNCTION, handle};
pub use handshake::HandshakeError;
pub use inventory::InventoryError;
pub use issuance::Issuance;
pub use private_key::PrivateKeyError;
pub use purpose::{Kind, PurposeError};
pub use request::{Request, RotationToken, Step, StepError, VersionId, VersionIdError};
pub use secret::SecretError;
pub use test_address::{TestAddress, TestAddressError};
pub use trust_domain::{TrustDomainError, TrustDomainSource};
