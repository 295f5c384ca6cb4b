//! Everything a snapshot of our trust is made of, wherever it comes from, read as one.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::file_set::{Contents, FileSet, FileSetError};
use super::remote_part::{Held, Place, RemotePart};
use crate::config::{CrlPart, OwnPart, Tls};

/// The parts in their order: our certificate chain, its key, the trust anchors, the CRLs.
#[derive(Debug)]
pub(super) struct Material {
    parts: Vec<Part>,
    files: FileSet,
    remotes: Vec<RemotePart>,
}

#[derive(Clone, Copy, Debug)]
enum Part {
    /// By its place among the files.
    File(usize),
    /// By its place among the remote ones.
    Chain(usize),
    Key(usize),
    Crl(usize),
}

/// What was read.
#[derive(Debug)]
pub(super) struct Parts {
    /// In their order.
    pub(super) bytes: Vec<Vec<u8>>,
    files: Contents,
}

/// Why nothing is read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MaterialError {
    #[error(transparent)]
    Files(#[from] FileSetError),
    #[error("{0}")]
    Remote(String),
    #[error("there are not as many files as were read; this is a fault of ours")]
    Lost,
}

impl Material {
    pub(super) fn new(tls: &Tls) -> Self {
        let (mut paths, mut remotes) = (Vec::new(), Vec::new());
        let (chain, key) = (&tls.certificate_chain, &tls.private_key);
        let mut parts = vec![
            own(chain, Part::Chain, &mut paths, &mut remotes, tls.refresh),
            own(key, Part::Key, &mut paths, &mut remotes, tls.refresh),
            file(&tls.client_trust_anchors, &mut paths),
        ];
        for crl in &tls.crls {
            parts.push(match crl {
                CrlPart::File(path) => file(path, &mut paths),
                CrlPart::Remote(uri) => Part::Crl(remote(Place::Crl(uri.clone()), &mut remotes, tls.refresh)),
            });
        }
        Self { parts, files: FileSet::new(paths), remotes }
    }

    /// Asks those behind a network whose time it is. Bounded in time.
    pub(super) async fn refresh(&mut self) {
        for remote in &mut self.remotes {
            remote.refresh().await;
        }
    }

    /// All parts, if any of them is not the one [accepted](Self::accept) last. A part that cannot be had is no reason not
    /// to use a new one of the others, but then an error until it can. Blocks.
    pub(super) fn read(&mut self) -> Result<Option<Parts>, MaterialError> {
        let error = self.remotes.iter().find_map(RemotePart::error).map(str::to_owned);
        if let (Some(error), true) = (&error, self.remotes.iter().any(|remote| remote.held().is_none())) {
            return Err(MaterialError::Remote(error.clone()));
        }
        if self.remotes.iter().any(RemotePart::is_new) {
            self.files.forget();
        }
        match (self.files.read()?, error) {
            (Some(files), _) => self.assemble(files).map(Some),
            (None, Some(error)) => Err(MaterialError::Remote(error)),
            (None, None) => Ok(None),
        }
    }

    /// What was read is in force now.
    pub(super) fn accept(&mut self, parts: Parts) {
        self.files.accept(parts.files);
        self.remotes.iter_mut().for_each(RemotePart::accept);
    }

    fn assemble(&self, mut files: Contents) -> Result<Parts, MaterialError> {
        let mut bytes = Vec::with_capacity(self.parts.len());
        for part in &self.parts {
            let held = |place: usize| self.remotes.get(place).and_then(RemotePart::held);
            let part = match *part {
                Part::File(place) => files.files.get_mut(place).map(std::mem::take),
                Part::Chain(place) => held(place).and_then(Held::pair).map(|pair| pair.certificate_chain.clone()),
                Part::Key(place) => held(place).and_then(Held::pair).map(|pair| pair.private_key.clone()),
                Part::Crl(place) => held(place).and_then(Held::crl).map(<[u8]>::to_vec),
            };
            bytes.push(part.ok_or(MaterialError::Lost)?);
        }
        Ok(Parts { bytes, files })
    }
}

fn own(
    part: &OwnPart,
    of_secret: fn(usize) -> Part,
    paths: &mut Vec<PathBuf>,
    remotes: &mut Vec<RemotePart>,
    refresh: Duration,
) -> Part {
    match part {
        OwnPart::File(path) => file(path, paths),
        OwnPart::Secret(id) => of_secret(remote(Place::Secret(id.clone()), remotes, refresh)),
    }
}

fn file(path: &Path, paths: &mut Vec<PathBuf>) -> Part {
    paths.push(path.to_owned());
    Part::File(paths.len() - 1)
}

/// Certificate and key of one secret are of one version of it, so it is asked once.
fn remote(place: Place, remotes: &mut Vec<RemotePart>, refresh: Duration) -> usize {
    remotes.iter().position(|remote| remote.is_at(&place)).unwrap_or_else(|| {
        remotes.push(RemotePart::new(place, refresh));
        remotes.len() - 1
    })
}
