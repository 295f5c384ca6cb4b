//! Several files that make sense only together, read as one.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use policy::Timestamp;
use sha2::{Digest, Sha256};

/// A file changed longer ago than this is not being written; longer than any file system's clock tick.
const REST: i64 = 1;
/// Between two readings that must agree, when a file was changed just now.
const SETTLE: Duration = Duration::from_millis(50);
/// After two seconds of change we keep what we have and look again at the next refresh.
const READINGS: usize = 40;

/// The files, and what was last seen of them.
#[derive(Debug)]
pub(crate) struct FileSet {
    paths: Vec<PathBuf>,
    seen: Option<Seen>,
}

#[derive(Debug)]
struct Seen {
    /// What the system said of each file, if all of them were at rest: as long as it says the same, their contents are
    /// the same, and large ones need not be read to know that.
    states: Option<Vec<FileState>>,
    digest: [u8; 32],
}

/// Changes whenever a file is written, replaced, or another one is linked in its place.
#[derive(Debug, PartialEq, Eq)]
struct FileState {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
    /// Cannot be set back, as the time of modification can.
    changed: (i64, i64),
}

/// What the files hold, in the order of their paths.
#[derive(Debug)]
pub(crate) struct Contents {
    pub(crate) files: Vec<Vec<u8>>,
    seen: Seen,
}

/// Why the files are not used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FileSetError {
    #[error("cannot read `{}`: {cause}; check the path, and that this process may read it", path.display())]
    Unreadable { path: PathBuf, cause: std::io::Error },
    #[error("`{}` is not a file", .0.display())]
    NotAFile(PathBuf),
    #[error("`{}` changes while it is read; write a new file beside it and rename it into place", .0.display())]
    Changing(PathBuf),
}

impl FileSet {
    pub(crate) fn new(paths: Vec<PathBuf>) -> Self {
        Self { paths, seen: None }
    }

    /// The contents if they are not those [accepted](Self::accept) last. Blocks, two seconds at most besides reading.
    pub(crate) fn read(&mut self) -> Result<Option<Contents>, FileSetError> {
        let mut before = None;
        for _ in 0..READINGS {
            let states: Vec<FileState> = self.paths.iter().map(|path| state(path)).collect::<Result<_, _>>()?;
            let unchanged = self.seen.as_ref().is_some_and(|seen| seen.states.as_ref() == Some(&states));
            if unchanged {
                return Ok(None);
            }
            let at_rest = states.iter().all(FileState::is_at_rest);
            let contents = self.contents(at_rest.then_some(states))?;
            let digest = contents.seen.digest;
            if at_rest || before == Some(digest) {
                return Ok(self.if_new(contents));
            }
            before = Some(digest);
            std::thread::sleep(SETTLE);
        }
        Err(FileSetError::Changing(self.paths.first().cloned().unwrap_or_default()))
    }

    /// Has the next reading give the contents although they did not change.
    pub(crate) fn forget(&mut self) {
        self.seen = None;
    }

    /// What was read is in force now.
    pub(crate) fn accept(&mut self, contents: Contents) {
        self.seen = Some(contents.seen);
    }

    fn contents(&self, states: Option<Vec<FileState>>) -> Result<Contents, FileSetError> {
        let mut digest = Sha256::new();
        let mut files = Vec::with_capacity(self.paths.len());
        for path in &self.paths {
            let file = fs::read(path).map_err(|cause| FileSetError::Unreadable { path: path.clone(), cause })?;
            digest.update(Sha256::digest(&file));
            files.push(file);
        }
        Ok(Contents { files, seen: Seen { states, digest: digest.finalize().into() } })
    }

    /// Files that were only touched are not new; what is said of them now is remembered.
    fn if_new(&mut self, contents: Contents) -> Option<Contents> {
        match &mut self.seen {
            Some(seen) if seen.digest == contents.seen.digest => {
                *seen = contents.seen;
                None
            }
            _ => Some(contents),
        }
    }
}

fn state(path: &Path) -> Result<FileState, FileSetError> {
    let metadata = fs::metadata(path).map_err(|cause| FileSetError::Unreadable { path: path.to_owned(), cause })?;
    // Asked before opening: opening a pipe waits for its writer.
    if !metadata.is_file() {
        return Err(FileSetError::NotAFile(path.to_owned()));
    }
    Ok(FileState {
        device: metadata.dev(),
        inode: metadata.ino(),
        size: metadata.size(),
        modified: (metadata.mtime(), metadata.mtime_nsec()),
        changed: (metadata.ctime(), metadata.ctime_nsec()),
    })
}

impl FileState {
    /// A time in the future is not at rest.
    fn is_at_rest(&self) -> bool {
        Timestamp::now().as_second() - self.changed.0.max(self.modified.0) > REST
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(path: &Path, text: &str) {
        fs::write(path, text).unwrap();
    }

    /// Reads until something is new; `None` if nothing is.
    fn next(files: &mut FileSet) -> Option<Vec<String>> {
        let contents = files.read().unwrap()?;
        let texts = contents.files.iter().map(|file| String::from_utf8(file.clone()).unwrap()).collect();
        files.accept(contents);
        Some(texts)
    }

    #[test]
    fn every_way_of_replacing_a_file_is_seen_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        write(&path("a"), "a1");
        write(&path("b"), "b1");
        let mut files = FileSet::new(vec![path("a"), path("b")]);
        assert_eq!(next(&mut files).unwrap(), ["a1", "b1"]);
        assert_eq!(next(&mut files), None);
        // In place, with the same length, within one tick of the clock.
        write(&path("a"), "a2");
        assert_eq!(next(&mut files).unwrap(), ["a2", "b1"]);
        // By rename.
        write(&path("new"), "b2");
        fs::rename(path("new"), path("b")).unwrap();
        assert_eq!(next(&mut files).unwrap(), ["a2", "b2"]);
        // By swapping a symbolic link.
        write(&path("target"), "a3");
        std::os::unix::fs::symlink(path("target"), path("link")).unwrap();
        fs::rename(path("link"), path("a")).unwrap();
        assert_eq!(next(&mut files).unwrap(), ["a3", "b2"]);
        // Touched only.
        write(&path("b"), "b2");
        assert_eq!(next(&mut files), None);
    }

    #[test]
    fn what_was_not_accepted_is_given_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        write(&path, "half");
        let mut files = FileSet::new(vec![path]);
        assert!(files.read().unwrap().is_some());
        assert!(files.read().unwrap().is_some());
    }

    #[test]
    fn what_is_no_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let missing = FileSet::new(vec![folder.path().join("none")]).read().unwrap_err().to_string();
        assert!(missing.contains("none") && missing.contains("check the path"), "{missing}");
        let error = FileSet::new(vec![folder.path().to_owned()]).read().unwrap_err();
        assert!(matches!(error, FileSetError::NotAFile(_)), "{error}");
    }
}
