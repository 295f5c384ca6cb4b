//! Why a source gave nothing.

use std::error::Error;
use std::io;
use std::path::PathBuf;

use policy::TrustDomain;

/// Why a source gave nothing new; each message names the source and what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// The file is not there, or may not be read.
    #[error("cannot read `{}`: {cause}; check the path, and that this process may read it", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's word.
        cause: io::Error,
    },
    /// A folder, a pipe or a device.
    #[error("`{}` is not a file; name a file with the document", .0.display())]
    NotAFile(PathBuf),
    /// Nothing in it, as when its writer has only just begun.
    #[error("`{}` is empty; write a new file beside it and rename it into place", .0.display())]
    Empty(PathBuf),
    /// It did not hold still for as long as we wait.
    #[error("`{}` changes while it is read; write a new file beside it and rename it into place", .0.display())]
    Changing(PathBuf),
    /// The document was read, and its check refused it; the message is the check's own and names the document.
    #[error("{0}")]
    Refused(String),
    /// It is for callers of another trust domain.
    #[error("its trust domain is `{found}`, but `identity.trustDomain` is `{expected}`")]
    TrustDomain {
        /// Of the policy.
        found: TrustDomain,
        /// Of the configuration.
        expected: TrustDomain,
    },
    /// A bundle is more than a document.
    #[error("`{0}` is a bundle; it is loaded as a whole, and not fetched as a document")]
    NoDocument(String),
    /// An object behind a network could not be had.
    #[cfg(feature = "https")]
    #[error(transparent)]
    Remote(#[from] crate::remote::RemoteError),
    /// A table could not be read, or holds what cannot be understood.
    #[cfg(feature = "dynamodb")]
    #[error(transparent)]
    Table(#[from] crate::TableError),
    /// AppConfig could not be read, or holds nothing.
    #[cfg(feature = "appconfig")]
    #[error(transparent)]
    AppConfig(#[from] crate::AppConfigError),
    /// A source of entries was asked of one that holds only policies.
    #[error("`{0}` holds access policies alone; write `file:PATH` or `dynamodb:TABLE`")]
    PolicyOnly(String),
    /// The source's feature was not built.
    #[error("`{0}` is not supported in this build; use `file:PATH`, or build with the feature of this source")]
    NotInThisBuild(String),
    /// The runtime is shutting down.
    #[error("stopped before the document was checked; the process is ending")]
    Stopped,
}

/// Runs what may take long, such as parsing a large document, where it holds up no request.
pub(crate) async fn off_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, SourceError> + Send + 'static,
) -> Result<T, SourceError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(outcome) => outcome,
        Err(ended) => match ended.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => Err(SourceError::Stopped),
        },
    }
}

/// The error and its causes in one line; SDKs repeat themselves, which is left out.
pub(crate) fn with_causes(error: &dyn Error) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if !line.ends_with(&text) {
            line = format!("{line}: {text}");
        }
        cause = error.source();
    }
    line
}
