//! One part of our trust that lies behind a network.

use std::time::Duration;

use policy_source::remote::{Fetched, RemoteObject, RemoteUri};
use policy_source::{KeyPair, Pace, Secret, SecretId};

/// Two million serials and more.
const LARGEST_CRL: usize = 128 * 1024 * 1024;

/// A secret or a CRL, asked at its own pace: one that fails is asked less often and holds up none of the others.
#[derive(Debug)]
pub(super) struct RemotePart {
    place: Place,
    source: Option<Source>,
    pace: Pace,
    held: Option<Held>,
    /// What is held was not accepted yet.
    is_new: bool,
    error: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Secret(SecretId),
    Crl(RemoteUri),
}

#[derive(Debug)]
enum Source {
    Secret(Secret),
    Crl(Box<RemoteObject>),
}

/// What was fetched last.
#[derive(Debug)]
pub(super) enum Held {
    Pair(KeyPair),
    Crl(Vec<u8>),
}

impl Held {
    pub(super) fn pair(&self) -> Option<&KeyPair> {
        match self {
            Self::Pair(pair) => Some(pair),
            Self::Crl(_) => None,
        }
    }

    pub(super) fn crl(&self) -> Option<&[u8]> {
        match self {
            Self::Crl(bytes) => Some(bytes),
            Self::Pair(_) => None,
        }
    }
}

impl RemotePart {
    pub(super) fn new(place: Place, refresh: Duration) -> Self {
        Self { place, source: None, pace: Pace::new(refresh), held: None, is_new: false, error: None }
    }

    pub(super) fn is_at(&self, place: &Place) -> bool {
        self.place == *place
    }

    /// Asks, if it is time.
    pub(super) async fn refresh(&mut self) {
        if !self.pace.is_due() {
            return;
        }
        match self.fetch().await {
            Ok(fetched) => {
                self.pace.succeeded();
                self.error = None;
                if fetched.is_some() {
                    self.held = fetched;
                    self.is_new = true;
                }
            }
            Err(error) => {
                self.pace.failed();
                self.error = Some(error);
            }
        }
    }

    async fn fetch(&mut self) -> Result<Option<Held>, String> {
        let source = match &mut self.source {
            Some(source) => source,
            empty => empty.insert(open(&self.place).await?),
        };
        match source {
            Source::Secret(secret) => {
                let pair = secret.fetch().await.map_err(|error| error.to_string())?;
                Ok(pair.map(Held::Pair))
            }
            Source::Crl(object) => match object.fetch().await.map_err(|error| error.to_string())? {
                Fetched::Unchanged => Ok(None),
                Fetched::Changed { bytes, .. } => Ok(Some(Held::Crl(bytes))),
            },
        }
    }

    pub(super) fn held(&self) -> Option<&Held> {
        self.held.as_ref()
    }

    pub(super) fn is_new(&self) -> bool {
        self.is_new
    }

    pub(super) fn accept(&mut self) {
        self.is_new = false;
    }

    /// Why the last question was not answered, until one is.
    pub(super) fn error(&self) -> Option<&str> {
        self.error.as_deref()
    }
}

async fn open(place: &Place) -> Result<Source, String> {
    match place {
        Place::Secret(id) => Ok(Source::Secret(Secret::open(id).await)),
        Place::Crl(uri) => {
            let object = RemoteObject::open(uri, LARGEST_CRL).await.map_err(|error| error.to_string())?;
            Ok(Source::Crl(Box::new(object)))
        }
    }
}
