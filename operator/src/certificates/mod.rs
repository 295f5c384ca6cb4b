//! `linkward certificates …`

mod certificate;
mod crl;
mod files;
mod issue;
mod list;
mod request;
mod revoke;
mod wait;

pub(crate) use issue::issue;
pub(crate) use list::list;
pub(crate) use revoke::{restore, revoke};
