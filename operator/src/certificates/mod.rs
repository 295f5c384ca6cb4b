//! `linkward certificates …`

mod certificate;
mod crl;
mod files;
mod issue;
mod list;
mod request;
mod revoke;
mod wait;

pub(crate) use certificate::{facts, life};
pub(crate) use crl::Crl;
pub(crate) use issue::{algorithm, issue, template};
pub(crate) use list::list;
pub(crate) use revoke::{restore, revoke};
