//! The last good bundle, when its source last confirmed it, and the revisions before it, on disk.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use policy::{Revision, Timestamp};

use super::{BundleError, revision};

/// A revision is known to be an earlier one for as long as so many came after it.
const HISTORY: usize = 256;
/// That a source confirmed the bundle is written down at most this often.
const NOTE_EVERY: Duration = Duration::from_secs(1);

/// What is kept of one source, in a folder or, without one, in memory.
#[derive(Debug)]
pub(super) struct Cache {
    /// The folder, and what its files of this source are called.
    place: Option<(PathBuf, String)>,
    /// The revisions that were in force, the last one last.
    history: Vec<String>,
    noted: Option<Instant>,
}

impl Cache {
    /// `source` tells the bundles of one source from those of others in the same folder.
    pub(super) fn open(directory: Option<&Path>, source: &Revision) -> io::Result<Self> {
        let stem = format!("bundle-{}", source.as_str().trim_start_matches("sha256:"));
        let mut cache =
            Self { place: directory.map(|directory| (directory.to_owned(), stem)), history: Vec::new(), noted: None };
        if let Some(text) = cache.read("revisions.json")? {
            cache.history = serde_json::from_slice(&text).map_err(io::Error::from)?;
        }
        Ok(cache)
    }

    /// The last good bundle.
    pub(super) fn bundle(&self) -> io::Result<Option<Vec<u8>>> {
        self.read("tar.gz")
    }

    /// Notes that the source has just confirmed the bundle. A note that is lost makes it look older, never younger.
    pub(super) fn confirm(&mut self) -> io::Result<()> {
        if self.noted.is_some_and(|noted| noted.elapsed() < NOTE_EVERY) {
            return Ok(());
        }
        self.noted = Some(Instant::now());
        self.write("confirmed", Timestamp::now().to_string().as_bytes(), false)
    }

    /// How long ago the source last confirmed the bundle; for as long as it lies here, where there is no note of it.
    pub(super) fn age(&self) -> Duration {
        let noted = self.read("confirmed").ok().flatten();
        let noted = noted.and_then(|text| String::from_utf8(text).ok()?.parse::<Timestamp>().ok());
        let since = noted.and_then(|noted| Duration::try_from(Timestamp::now().duration_since(noted)).ok());
        since.or_else(|| self.written()?.elapsed().ok()).unwrap_or_default()
    }

    fn written(&self) -> Option<std::time::SystemTime> {
        let (directory, stem) = self.place.as_ref()?;
        fs::metadata(directory.join(format!("{stem}.tar.gz"))).and_then(|metadata| metadata.modified()).ok()
    }

    /// Whether a bundle may follow those that were in force: its revision must not be earlier than one of them, by what
    /// [`revision::compare`] makes of them, and not one that another has followed already.
    pub(super) fn check(&self, revision: &str) -> Result<(), BundleError> {
        let earlier = |seen: &&String| revision::compare(revision, seen).is_some_and(|order| order.is_lt());
        let followed = |seen: &&String| *seen == revision && self.history.last() != Some(*seen);
        let lost = |seen: &&String| revision.is_empty() && !seen.is_empty();
        match self.history.iter().rev().find(|seen| earlier(seen) || followed(seen) || lost(seen)) {
            Some(seen) => Err(BundleError::GoesBack { revision: revision.to_owned(), seen: seen.clone() }),
            None => Ok(()),
        }
    }

    /// Keeps a bundle that came into force.
    pub(super) fn keep(&mut self, revision: &str, archive: &[u8]) -> io::Result<()> {
        if !revision.is_empty() && self.history.last().map(String::as_str) != Some(revision) {
            self.history.push(revision.to_owned());
            let surplus = self.history.len().saturating_sub(HISTORY);
            self.history.drain(..surplus);
        }
        // In this order: a bundle later than the history is still taken, a history later than the bundle would refuse it.
        self.write("tar.gz", archive, true)?;
        self.write("revisions.json", &serde_json::to_vec(&self.history)?, true)
    }

    fn read(&self, ending: &str) -> io::Result<Option<Vec<u8>>> {
        let Some((directory, stem)) = &self.place else { return Ok(None) };
        match fs::read(directory.join(format!("{stem}.{ending}"))) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whole or not at all, whoever else writes to the folder.
    fn write(&self, ending: &str, bytes: &[u8], durable: bool) -> io::Result<()> {
        let Some((directory, stem)) = &self.place else { return Ok(()) };
        fs::create_dir_all(directory)?;
        let part = directory.join(format!(".{stem}.{ending}.{}", std::process::id()));
        let mut file = File::create(&part)?;
        file.write_all(bytes)?;
        if durable {
            file.sync_all()?;
        }
        fs::rename(&part, directory.join(format!("{stem}.{ending}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cache(directory: Option<&Path>) -> Cache {
        Cache::open(directory, &Revision::from("sha256:0123")).unwrap()
    }

    #[test]
    fn what_was_kept_is_there_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let directory = folder.path().join("new/cache");
        let mut before = cache(Some(&directory));
        assert_eq!(before.bundle().unwrap(), None);
        before.keep("2", b"second").unwrap();
        before.keep("3", b"third").unwrap();
        let after = cache(Some(&directory));
        assert_eq!(after.bundle().unwrap().as_deref(), Some(&b"third"[..]));
        assert!(after.check("2").is_err());
        assert!(after.check("3").is_ok() && after.check("4").is_ok());
        let other = Cache::open(Some(&directory), &Revision::from("sha256:4567")).unwrap();
        assert!(other.bundle().unwrap().is_none() && other.check("1").is_ok());
        assert_eq!(fs::read_dir(&directory).unwrap().count(), 2, "nothing half is left behind");
    }

    #[test]
    fn its_age_counts_from_when_it_was_confirmed_last_whoever_asks() {
        let folder = tempfile::tempdir().unwrap();
        let mut before = cache(Some(folder.path()));
        before.keep("1", b"first").unwrap();
        assert!(before.age() < Duration::from_secs(60), "by the file's own time");
        before.confirm().unwrap();
        let note = folder.path().join("bundle-0123.confirmed");
        let hours_ago = Timestamp::now() - Duration::from_secs(2 * 3600);
        fs::write(&note, hours_ago.to_string()).unwrap();
        let age = cache(Some(folder.path())).age();
        assert!(age >= Duration::from_secs(2 * 3600) && age < Duration::from_secs(3 * 3600), "{age:?}");
        before.noted = None;
        before.confirm().unwrap();
        assert!(cache(Some(folder.path())).age() < Duration::from_secs(60));
        assert_eq!(cache(None).age(), Duration::ZERO);
    }

    #[test]
    fn a_revision_without_order_goes_back_if_another_followed_it() {
        let mut cache = cache(None);
        for revision in ["d1f0", "a7b3", "c9"] {
            assert!(cache.check(revision).is_ok(), "{revision}");
            cache.keep(revision, b"").unwrap();
        }
        assert!(cache.check("c9").is_ok() && cache.check("e5").is_ok());
        for revision in ["d1f0", "a7b3", ""] {
            let error = cache.check(revision).unwrap_err().to_string();
            assert!(error.starts_with(&format!("its revision `{revision}` goes back")), "{error}");
        }
    }

    #[test]
    fn bundles_without_revisions_come_in_any_order() {
        let mut cache = cache(None);
        cache.keep("", b"").unwrap();
        assert!(cache.check("").is_ok() && cache.check("1").is_ok());
    }

    #[test]
    fn the_history_is_bounded() {
        let mut cache = cache(None);
        for revision in 0..2 * HISTORY {
            cache.keep(&revision.to_string(), b"").unwrap();
        }
        assert_eq!(cache.history.len(), HISTORY);
        assert!(cache.check("0").is_err());
    }

    #[test]
    fn a_history_that_cannot_be_read_is_an_error_and_not_none() {
        let folder = tempfile::tempdir().unwrap();
        cache(Some(folder.path())).keep("1", b"x").unwrap();
        fs::write(folder.path().join("bundle-0123.revisions.json"), "[1").unwrap();
        assert!(Cache::open(Some(folder.path()), &Revision::from("sha256:0123")).is_err());
    }
}
