//! Why a remote object could not be had.

use std::time::Duration;

/// Why a remote object could not be had; each message names it and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RemoteError {
    /// No answer, or half of one.
    #[error("cannot read `{name}`: {cause}; check the address, and that it can be reached from here")]
    Unreachable {
        /// Its address.
        name: String,
        /// The system's or the client's word.
        cause: String,
    },
    /// An answer that is neither the object nor "not modified".
    #[error("`{name}` answered {status}{}", remedy(*status))]
    Status {
        /// Its address.
        name: String,
        /// The HTTP status.
        status: u16,
    },
    /// It points elsewhere once more than is followed, to a place that is not encrypted, or nowhere.
    #[error("`{0}` redirects to where it cannot be followed; give the address it leads to")]
    Redirect(String),
    /// S3 refused.
    #[error(
        "cannot read `{name}`: {cause}; check bucket, key and Region, and that this process may call s3:GetObject on it"
    )]
    S3 {
        /// Its address.
        name: String,
        /// The HTTP status; none if it was not asked.
        status: Option<u16>,
        /// What it said, or why it was not asked.
        cause: String,
    },
    /// More bytes than are taken.
    #[error("`{name}` is larger than {limit} bytes; nothing of it is used")]
    TooLarge {
        /// Its address.
        name: String,
        /// How many are taken.
        limit: usize,
    },
    /// It did not come in time.
    #[error("`{name}` did not come within {} s; check that it can be reached from here", within.as_secs())]
    TooSlow {
        /// Its address.
        name: String,
        /// How long it was waited for.
        within: Duration,
    },
    /// No bytes at all.
    #[error("`{0}` is empty; put the document there")]
    Empty(String),
    /// Nobody's word would be believed.
    #[error("cannot read `{name}`: no trusted certificate authorities ({cause}); install them, or set SSL_CERT_FILE")]
    NoAuthorities {
        /// Its address.
        name: String,
        /// The system's word.
        cause: String,
    },
    /// The transport's feature was not built.
    #[error("`{0}` is not supported in this build; build with the feature of its transport")]
    NotInThisBuild(String),
}

impl RemoteError {
    /// Whether there is no such object.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Status { status: 404, .. } | Self::S3 { status: Some(404), .. })
    }
}

fn remedy(status: u16) -> &'static str {
    match status {
        401 | 403 => "; check that this process may read it",
        404 | 410 => "; check the address",
        429 | 500..=599 => "; it is asked again, less often",
        _ => "; give an address that answers 200",
    }
}
