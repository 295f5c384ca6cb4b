//! The CRLs, fetched again only when they changed: how long each is good for.

use aws_config::SdkConfig;
use jiff::Timestamp;
use policy_source::crl::{CrlEncodingError, ders};
use policy_source::remote::{Fetched, RemoteError, RemoteObject, RemoteUri};
use telemetry::Deadline;
use x509_parser::parse_x509_crl;

/// AWS keeps complete CRLs below this: a million entries.
const LIMIT: usize = 64 * 1024 * 1024;

/// A CRL, and what is known of it.
#[derive(Debug)]
pub(crate) struct Crl {
    location: RemoteUri,
    object: Option<RemoteObject>,
    next_update: Option<Timestamp>,
}

/// Why nothing is known of a CRL.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CrlError {
    #[error(transparent)]
    Remote(#[from] RemoteError),
    #[error("it is no CRL in DER or PEM ({0})")]
    Encoding(#[from] CrlEncodingError),
    #[error("it is no CRL")]
    Malformed,
    #[error("it says no nextUpdate")]
    NoNextUpdate,
    #[error("it did not come in time")]
    TooLate,
}

impl Crl {
    pub(crate) fn new(location: RemoteUri) -> Self {
        Self { location, object: None, next_update: None }
    }

    pub(crate) fn location(&self) -> String {
        self.location.to_string()
    }

    /// When it must have a successor.
    pub(crate) async fn next_update(&mut self, sdk: &SdkConfig, by: Deadline) -> Result<Timestamp, CrlError> {
        match by.limit(self.fetch(sdk)).await.ok_or(CrlError::TooLate)?? {
            Fetched::Changed { bytes, .. } => self.next_update = Some(self.read(&bytes)?),
            Fetched::Unchanged => {}
        }
        self.next_update.ok_or(CrlError::NoNextUpdate)
    }

    async fn fetch(&mut self, sdk: &SdkConfig) -> Result<Fetched, RemoteError> {
        let object = match &mut self.object {
            Some(object) => object,
            empty => empty.insert(RemoteObject::with_sdk(&self.location, sdk, LIMIT)?),
        };
        object.fetch().await
    }

    /// What cannot be read is asked for again as if it were new.
    fn read(&mut self, bytes: &[u8]) -> Result<Timestamp, CrlError> {
        let read = next_update(bytes);
        if let (Err(_), Some(object)) = (&read, &mut self.object) {
            object.refuse();
        }
        read
    }
}

/// Of several in one file, when the first must have a successor.
fn next_update(bytes: &[u8]) -> Result<Timestamp, CrlError> {
    let times = ders(bytes)?.iter().map(|der| next_update_of(der)).collect::<Result<Vec<_>, _>>()?;
    times.into_iter().min().ok_or(CrlError::NoNextUpdate)
}

fn next_update_of(der: &[u8]) -> Result<Timestamp, CrlError> {
    let ([], crl) = parse_x509_crl(der).map_err(|_| CrlError::Malformed)? else { return Err(CrlError::Malformed) };
    let time = crl.next_update().ok_or(CrlError::NoNextUpdate)?;
    Timestamp::from_second(time.timestamp()).map_err(|_| CrlError::Malformed)
}
