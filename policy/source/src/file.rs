//! A file, known by the hash of its content.
//!
//! A check reads the whole file, unless it was at rest when it was read last and has not been touched since: size and
//! times alone cannot tell a rewrite of the same length within one tick of the clock, and a rename keeps the time of the
//! content. A link is followed anew each time. To read and hash a list of a million entries each second would cost a
//! tenth of a core.

use std::fmt::Write;
use std::fs::{self, File, Metadata};
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

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
/// So long the file system is believed that a file was not touched. It may lie on another machine, with a clock of its own.
const BELIEVED: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(crate) struct FileSource {
    path: PathBuf,
    last: Option<[u8; 32]>,
    /// What the file that held it looked like, and when it was read.
    seen: Option<(Stamp, Instant)>,
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
    /// If nothing that happens to the file from now on leaves it the same.
    stamp: Option<Stamp>,
    /// When the file got this content, or its name: a rename keeps the time of the content.
    changed: Option<Timestamp>,
}

/// What changes with every write, rename and replacement; the second time even when somebody sets the first back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    device: u64,
    inode: u64,
    length: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl FileSource {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path, last: None, seen: None, given: false, news: None }
    }

    /// The path, as messages show it.
    pub(crate) fn name(&self) -> String {
        self.path.display().to_string()
    }

    /// The content if it is not the one given last.
    pub(crate) async fn fetch(&mut self) -> Result<Option<(Revision, Vec<u8>)>, SourceError> {
        if self.is_untouched().await {
            return Ok(None);
        }
        // Until it has given what it holds, or held it before: an error must come again each time.
        self.seen = None;
        let reading = self.settled().await?;
        let seen = reading.stamp.map(|stamp| (stamp, Instant::now()));
        if self.last == Some(reading.digest) {
            self.seen = seen;
            return Ok(None);
        }
        if reading.bytes.is_empty() {
            return Err(SourceError::Empty(self.path.clone()));
        }
        (self.seen, self.last) = (seen, Some(reading.digest));
        let known_before = std::mem::replace(&mut self.given, true);
        self.news = reading.changed.filter(|_| known_before);
        Ok(Some((revision(&reading.digest), reading.bytes)))
    }

    /// Gives the same content again at the next fetch, because its check refused it: a refused document must not
    /// pass for an unchanged one.
    pub(crate) fn refuse(&mut self) {
        self.last = None;
        self.seen = None;
    }

    /// When the content given last took its place, told once; nothing of the first, which is as old as it is.
    pub(crate) fn take_news(&mut self) -> Option<Timestamp> {
        self.news.take()
    }

    async fn is_untouched(&self) -> bool {
        let Some((seen, _)) = self.seen.filter(|(_, read)| read.elapsed() < BELIEVED) else { return false };
        let path = self.path.clone();
        // By opening it: a network file system may answer for a name from memory, and asks its server when a file is opened.
        let now = off_thread(move || Ok(open(&path).map(|(_, metadata)| Stamp::of(&metadata)).ok())).await;
        self.last.is_some() && now.is_ok_and(|now| now == Some(seen))
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

fn open(path: &Path) -> Result<(File, Metadata), SourceError> {
    let unreadable = |cause| SourceError::Unreadable { path: path.to_owned(), cause };
    // Asked before opening: opening a pipe waits for its writer.
    if !fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err(SourceError::NotAFile(path.to_owned()));
    }
    let file = File::open(path).map_err(unreadable)?;
    let metadata = file.metadata().map_err(unreadable)?;
    Ok((file, metadata))
}

fn read(path: &Path) -> Result<Reading, SourceError> {
    let unreadable = |cause| SourceError::Unreadable { path: path.to_owned(), cause };
    let (mut file, before) = open(path)?;
    let mut bytes = Vec::with_capacity(usize::try_from(before.len()).unwrap_or_default());
    file.read_to_end(&mut bytes).map_err(unreadable)?;
    let metadata = file.metadata().map_err(unreadable)?;
    let modified = metadata.modified().map_err(unreadable)?;
    let nanos = i32::try_from(metadata.ctime_nsec()).unwrap_or(0);
    let changed = Timestamp::new(metadata.ctime(), nanos).ok();
    // A time in the future gives an error, and is not at rest.
    let at_rest = modified.elapsed().is_ok_and(|age| age > REST);
    let stamp = Stamp::of(&metadata);
    let stays = at_rest && changed.is_some_and(is_past) && stamp == Stamp::of(&before);
    Ok(Reading { digest: Sha256::digest(&bytes).into(), bytes, at_rest, stamp: stays.then_some(stamp), changed })
}

/// Whether it was longer ago than a file takes to come to rest.
fn is_past(changed: Timestamp) -> bool {
    Timestamp::now().duration_since(changed).as_secs_f64() > REST.as_secs_f64()
}

impl Stamp {
    fn of(metadata: &fs::Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            length: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A source that has given what is in the file, and knows it at rest.
    async fn at_rest(folder: &Path) -> FileSource {
        let path = folder.join("file");
        fs::write(&path, "first").unwrap();
        let mut source = FileSource::new(path);
        assert!(source.fetch().await.unwrap().is_some());
        assert!(source.seen.is_none(), "it was written just now");
        tokio::time::sleep(REST + SETTLE * 2).await;
        assert!(source.fetch().await.unwrap().is_none() && source.seen.is_some());
        source
    }

    #[tokio::test]
    async fn a_file_at_rest_is_not_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let mut source = at_rest(folder.path()).await;
        // Whoever reads finds that this was not what was given.
        source.last = Some([0; 32]);
        assert!(source.fetch().await.unwrap().is_none());
        source.seen = source.seen.map(|(stamp, read)| (stamp, read.checked_sub(BELIEVED).unwrap()));
        assert!(source.fetch().await.unwrap().is_some(), "it is not believed for ever");
    }

    #[tokio::test]
    async fn whatever_touches_a_file_lets_it_be_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let mut source = at_rest(folder.path()).await;
        let modified = fs::metadata(&source.path).unwrap().modified().unwrap();
        // As long, and with the old time put back.
        fs::write(&source.path, "other").unwrap();
        fs::File::options().write(true).open(&source.path).unwrap().set_modified(modified).unwrap();
        assert_eq!(source.fetch().await.unwrap().unwrap().1, b"other");
        let mut source = at_rest(folder.path()).await;
        fs::write(folder.path().join("new"), "third").unwrap();
        fs::rename(folder.path().join("new"), &source.path).unwrap();
        assert_eq!(source.fetch().await.unwrap().unwrap().1, b"third");
        let mut source = at_rest(folder.path()).await;
        fs::remove_file(&source.path).unwrap();
        assert!(source.fetch().await.is_err());
    }

    #[tokio::test]
    async fn an_emptied_file_is_an_error_each_time() {
        let folder = tempfile::tempdir().unwrap();
        let mut source = at_rest(folder.path()).await;
        fs::write(&source.path, "").unwrap();
        assert!(source.fetch().await.is_err());
        tokio::time::sleep(REST + SETTLE * 2).await;
        for _ in 0..3 {
            assert!(matches!(source.fetch().await, Err(SourceError::Empty(_))));
        }
    }

    #[tokio::test]
    async fn what_was_refused_is_given_again_though_nobody_touched_it() {
        let folder = tempfile::tempdir().unwrap();
        let mut source = at_rest(folder.path()).await;
        source.refuse();
        assert!(source.fetch().await.unwrap().is_some());
    }
}
