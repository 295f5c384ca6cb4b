//! What both the demo and the whole-system tests deploy, by the AWS SDKs, as Terraform would. All of it in the provider's account.

mod authority;
mod events;
mod function;
mod secret;
mod tables;

use std::io;
use std::path::PathBuf;

use aws_sdk_lambda::error::DisplayErrorContext;

use crate::objects::ObjectError;

pub use self::authority::{CertificateAuthority, IssuedCertificate, certificate_authority, issued_certificate};
pub use self::events::{bus, rule, topic};
pub use self::function::{invoke, lambda};
pub use self::secret::{secret, secret_value};
pub use self::tables::{Tables, tables};

/// Why something could not be deployed.
#[derive(Debug, thiserror::Error)]
pub enum DeployError {
    #[error("cannot make {what}: {cause}")]
    Aws { what: String, cause: String },
    #[error(transparent)]
    Object(#[from] ObjectError),
    #[error("cannot read the binary `{}`", path.display())]
    Binary { path: PathBuf, source: io::Error },
    #[error("cannot pack the binary `{}`", path.display())]
    Zip { path: PathBuf, source: zip::result::ZipError },
}

/// SDK errors say little by themselves; their chain is told here, once.
fn aws<E: std::error::Error>(what: impl Into<String>) -> impl FnOnce(E) -> DeployError {
    let what = what.into();
    move |error| DeployError::Aws { what, cause: DisplayErrorContext(&error).to_string() }
}

fn missing(what: impl Into<String>, element: &str) -> DeployError {
    DeployError::Aws { what: what.into(), cause: format!("the answer has no {element}") }
}
