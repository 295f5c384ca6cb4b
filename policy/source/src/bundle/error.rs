//! Why a bundle is refused.

use std::io;

/// Why a bundle is refused; each message says what to do where we know it. Who reports it names the bundle.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BundleError {
    /// Not what `opa build` writes, or only a part of it.
    #[error("not a whole .tar.gz ({0}); build it with `opa build`")]
    Archive(io::Error),
    /// Larger than a bundle may be, packed or unpacked.
    #[error("{what} are more than {limit} bytes; split the bundle, or keep the data elsewhere")]
    TooLarge {
        /// Which bytes.
        what: &'static str,
        /// How many are taken.
        limit: usize,
    },
    /// More files than a bundle may have.
    #[error("more than {0} entries; leave out what the policy does not need")]
    Entries(usize),
    /// A name that leads elsewhere, or cannot be shown.
    #[error("the entry `{}` has no plain path of at most {limit} bytes below the bundle", path.escape_debug())]
    Path {
        /// As written.
        path: String,
        /// How long one may be.
        limit: usize,
    },
    /// A link, a device, or another entry that is neither a file nor a folder.
    #[error("the entry `{0}` is neither a file nor a folder; put the file itself there")]
    Kind(String),
    /// Two files of one name: which of them counts would depend on the reader.
    #[error("the entry `{0}` is there twice; keep one")]
    Duplicate(String),
    /// A file that is not what its name says.
    #[error("{file}: {cause}")]
    File {
        /// Its path in the bundle.
        file: String,
        /// What is wrong.
        cause: String,
    },
    /// Something in it that would have to be run by other means.
    #[error("{file}: {what} cannot be used here; build the bundle with `opa build` and its default target, `rego`")]
    Target {
        /// Its path in the bundle.
        file: String,
        /// What it is.
        what: &'static str,
    },
    /// Roots that overlap, or something outside of them.
    #[error("{0}; correct `roots` in .manifest")]
    Roots(String),
    /// The signature is missing, or it is not one of these files by the configured key.
    #[error("signature: {0}")]
    Signature(String),
    /// Older than one that was in force.
    #[error("its revision `{revision}` goes back: `{seen}` has been in force; build it anew with a later --revision")]
    GoesBack {
        /// Of this bundle.
        revision: String,
        /// Of the earlier one.
        seen: String,
    },
    /// The modules cannot decide.
    #[error("{0}")]
    Rego(#[from] policy_rego::RegoError),
    /// The outer gate's part of the data is not valid.
    #[error("{0}")]
    OuterGate(String),
}

impl BundleError {
    pub(super) fn file(file: &str, cause: impl ToString) -> Self {
        Self::File { file: file.to_owned(), cause: cause.to_string() }
    }
}
