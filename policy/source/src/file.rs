//! A file, known by the hash of its content.
//!
//! Every check reads the whole file: size and times cannot tell a rewrite of the same length within one tick of the
//! clock, a rename or a symlink swap keeps them, and a link is followed anew each time.

use std::fmt::Write;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use policy::{Revision, Timestamp};
use sha2::{Digest, Sha256};

use crate::SourceError;
use crate::error::off_thread;

/// A file modified longer ago than this is not being written. Longer than any file system's clock tick.
const REST: Duration = Duration::from_secs(1);
/// Between two readings that must agree, when the file was modified just now.
const SETTLE: Duration = Duration::from_millis(50);
/// After two seconds of change we keep what we have and look again at the next refresh.
const READINGS: usize = 40;

#[derive(Debug)]
pub(crate) struct FileSource {
    path: PathBuf,
    last: Option<[u8; 32]>,
    /// Whether any content was given.
    given: bool,
    /// When the content given last took its place, if another one had been given before.
    news: Option<Timestamp>,
}

#[derive(Debug)]
struct Reading {
    bytes: Vec<u8>,
    digest: [u8; 32],
    at_rest: bool,
    /// When the file got this content, or its name: a rename keeps the time of the content.
    changed: Option<Timestamp>,
}

impl FileSource {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path, last: None, given: false, news: None }
    }

    /// The path, as messages show it.
    pub(crate) fn name(&self) -> String {
        self.path.display().to_string()
    }

    /// The content if it is not the one given last.
    pub(crate) async fn fetch(&mut self) -> Result<Option<(Revision, Vec<u8>)>, SourceError> {
        let reading = self.settled().await?;
        if self.last == Some(reading.digest) {
            return Ok(None);
        }
        if reading.bytes.is_empty() {
            return Err(SourceError::Empty(self.path.clone()));
        }
        self.last = Some(reading.digest);
        let known_before = std::mem::replace(&mut self.given, true);
        self.news = reading.changed.filter(|_| known_before);
        Ok(Some((revision(&reading.digest), reading.bytes)))
    }

    /// Gives the same content again at the next fetch, because its check refused it: a refused document must not
    /// pass for an unchanged one.
    pub(crate) fn refuse(&mut self) {
        self.last = None;
    }

    /// When the content given last took its place, told once; nothing of the first, which is as old as it is.
    pub(crate) fn take_news(&mut self) -> Option<Timestamp> {
        self.news.take()
    }

    /// The content once it holds still: half of a document can be a valid one that says less.
    async fn settled(&self) -> Result<Reading, SourceError> {
        let mut reading = self.read().await?;
        for _ in 0..READINGS {
            if reading.at_rest || self.last == Some(reading.digest) {
                return Ok(reading);
            }
            tokio::time::sleep(SETTLE).await;
            let before = std::mem::replace(&mut reading, self.read().await?);
            if before.digest == reading.digest {
                return Ok(reading);
            }
        }
        Err(SourceError::Changing(self.path.clone()))
    }

    async fn read(&self) -> Result<Reading, SourceError> {
        let path = self.path.clone();
        off_thread(move || read(&path)).await
    }
}

fn read(path: &Path) -> Result<Reading, SourceError> {
    let unreadable = |cause| SourceError::Unreadable { path: path.to_owned(), cause };
    // Asked before opening: opening a pipe waits for its writer.
    if !fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err(SourceError::NotAFile(path.to_owned()));
    }
    let bytes = fs::read(path).map_err(unreadable)?;
    let metadata = fs::metadata(path).map_err(unreadable)?;
    let modified = metadata.modified().map_err(unreadable)?;
    let nanos = i32::try_from(metadata.ctime_nsec()).unwrap_or(0);
    let changed = Timestamp::new(metadata.ctime(), nanos).ok();
    // A time in the future gives an error, and is not at rest.
    let at_rest = modified.elapsed().is_ok_and(|age| age > REST);
    Ok(Reading { digest: Sha256::digest(&bytes).into(), bytes, at_rest, changed })
}

/// `sha256:` and the first 16 hex digits.
pub(crate) fn revision(digest: &[u8; 32]) -> Revision {
    let mut text = String::from("sha256:");
    for byte in digest.iter().take(8) {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    Revision::from(text)
}
