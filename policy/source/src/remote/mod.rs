//! An object behind a network, fetched again only when it changed.
//!
//! The server is asked with what is known of the object (`If-None-Match`, or `If-Modified-Since`), and answers in a few
//! bytes while nothing changed. A server that knows no conditions costs the transfer; the same bytes are still not a
//! change. Every fetch is bounded in size and time; how often a failing source is asked is its caller's matter, see
//! [`Pace`](crate::Pace).

mod error;
mod https;
#[cfg(feature = "s3")]
mod s3;
mod uri;
mod web;

use std::time::Duration;

use policy::Timestamp;
use sha2::{Digest, Sha256};

pub use error::RemoteError;
use uri::Place;
pub use uri::{RemoteUri, RemoteUriError};

/// For a fetch in all: a large object over a slow line, but not for ever.
const WHOLE: Duration = Duration::from_secs(120);

/// What a fetch gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fetched {
    /// The object is the one given last.
    Unchanged,
    /// Another object than the one given last.
    Changed {
        /// All of it.
        bytes: Vec<u8>,
        /// The server's name for this version, quotes included; not every server has one.
        etag: Option<String>,
        /// When it took the place of the one given last, to the second, by the server's clock: its `Last-Modified`, unless
        /// the server had the other one later than that. Then it is the time of something else, such as its build.
        modified: Option<Timestamp>,
    },
}

/// An object behind a network.
#[derive(Debug)]
pub struct RemoteObject {
    uri: RemoteUri,
    transport: Transport,
    limit: usize,
    given: Option<Given>,
    /// By the server's clock, when it last had what was given last.
    confirmed_at: Option<Timestamp>,
}

#[derive(Debug)]
enum Transport {
    Https(Box<https::Https>),
    #[cfg(feature = "s3")]
    S3(Box<s3::Object>),
}

/// What was given last.
#[derive(Debug)]
struct Given {
    validator: Validator,
    digest: [u8; 32],
}

/// By what a server tells whether an object changed.
#[derive(Clone, Debug, Default)]
struct Validator {
    etag: Option<String>,
    last_modified: Option<String>,
}

/// What a server says.
#[derive(Debug)]
struct Answer {
    /// When, by its own clock.
    at: Option<Timestamp>,
    /// Nothing if the object is the known one.
    object: Option<Received>,
}

/// An object as it came.
#[derive(Debug)]
struct Received {
    bytes: Vec<u8>,
    validator: Validator,
}

impl RemoteObject {
    /// Opens an object of at most `limit` bytes, fetching nothing yet. Only `s3:` looks for an AWS configuration, in
    /// the environment; `https:` trusts the certificate authorities of the system, or those of `SSL_CERT_FILE`.
    ///
    /// # Errors
    /// This build does not have the transport, or the system trusts no certificate authority.
    pub async fn open(uri: &RemoteUri, limit: usize) -> Result<Self, RemoteError> {
        match &uri.0 {
            Place::Web(address) => Self::web(address, uri, limit),
            #[cfg(feature = "s3")]
            Place::S3 { .. } => Self::with_sdk(uri, &crate::sdk::environment().await, limit),
            #[cfg(not(feature = "s3"))]
            Place::S3 { .. } => Err(RemoteError::NotInThisBuild(uri.to_string())),
        }
    }

    /// The same, but S3 is reached with this AWS configuration.
    ///
    /// # Errors
    /// The system trusts no certificate authority.
    #[cfg(feature = "s3")]
    pub fn with_sdk(uri: &RemoteUri, sdk: &aws_config::SdkConfig, limit: usize) -> Result<Self, RemoteError> {
        match &uri.0 {
            Place::Web(address) => Self::web(address, uri, limit),
            Place::S3 { bucket, key } => {
                let transport = Transport::S3(Box::new(s3::Object::new(bucket, key, sdk, uri)?));
                Ok(Self::new(uri, transport, limit))
            }
        }
    }

    fn web(address: &http::Uri, uri: &RemoteUri, limit: usize) -> Result<Self, RemoteError> {
        Ok(Self::new(uri, Transport::Https(Box::new(https::Https::new(address.clone(), uri)?)), limit))
    }

    fn new(uri: &RemoteUri, transport: Transport, limit: usize) -> Self {
        Self { uri: uri.clone(), transport, limit, given: None, confirmed_at: None }
    }

    /// What messages call it.
    #[must_use]
    pub fn name(&self) -> String {
        self.uri.to_string()
    }

    /// The object if it is not the one given last.
    ///
    /// # Errors
    /// It cannot be had: what was given last is still right as far as anybody knows.
    pub async fn fetch(&mut self) -> Result<Fetched, RemoteError> {
        let slow = RemoteError::TooSlow { name: self.name(), within: WHOLE };
        let answer = tokio::time::timeout(WHOLE, self.get()).await.map_err(|_| slow)??;
        let before = std::mem::replace(&mut self.confirmed_at, answer.at);
        let Some(Received { bytes, validator }) = answer.object else { return Ok(Fetched::Unchanged) };
        if bytes.is_empty() {
            return Err(RemoteError::Empty(self.name()));
        }
        let digest: [u8; 32] = Sha256::digest(&bytes).into();
        let etag = validator.etag.clone();
        let modified = validator.last_modified.as_deref().and_then(web::time);
        let modified = modified.filter(|modified| before.is_some_and(|before| before <= *modified));
        let given = self.given.replace(Given { validator, digest });
        match given.is_some_and(|given| given.digest == digest) {
            true => Ok(Fetched::Unchanged),
            false => Ok(Fetched::Changed { bytes, etag, modified }),
        }
    }

    /// Has the next fetch give the object again although it did not change, because it was refused.
    pub fn refuse(&mut self) {
        self.given = None;
    }

    async fn get(&mut self) -> Result<Answer, RemoteError> {
        let bound = Bound { name: self.name(), limit: self.limit };
        let known = self.given.as_ref().map(|given| &given.validator);
        match &mut self.transport {
            Transport::Https(object) => object.get(known, &bound).await,
            #[cfg(feature = "s3")]
            Transport::S3(object) => object.get(known, &bound).await,
        }
    }
}

/// How much an object may be, and what errors call it.
#[derive(Debug)]
struct Bound {
    name: String,
    limit: usize,
}

impl Bound {
    fn too_large(&self) -> RemoteError {
        RemoteError::TooLarge { name: self.name.clone(), limit: self.limit }
    }

    fn unreachable(&self, error: &dyn std::error::Error) -> RemoteError {
        RemoteError::Unreachable { name: self.name.clone(), cause: crate::error::with_causes(error) }
    }
}
