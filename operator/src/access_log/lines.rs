//! The lines of files, plain or gzip, one after the other and never all in memory.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Context as _;
use flate2::bufread::MultiGzDecoder;

const BUFFER: usize = 256 * 1024;
/// A longer line is no line of ours; the runtime's are a few KB at most, by its limit on headers.
const LONGEST: u64 = 1024 * 1024;

/// Reads logs. `-` is standard input.
#[derive(Debug)]
pub(crate) struct Lines<'f> {
    files: &'f [PathBuf],
    /// Bytes read from the files so far, before they are unpacked.
    read: Arc<AtomicU64>,
    total: u64,
}

/// Where a line stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'f> {
    pub(crate) file: &'f Path,
    /// Counted from 1.
    pub(crate) line: u64,
    /// Bytes read so far, of all files.
    pub(crate) read: u64,
    /// Bytes of all files; 0 when one of them does not say.
    pub(crate) total: u64,
}

impl<'f> Lines<'f> {
    pub(crate) fn new(files: &'f [PathBuf]) -> Self {
        let sizes: Option<Vec<u64>> =
            files.iter().map(|file| file.metadata().ok().filter(|m| m.is_file()).map(|m| m.len())).collect();
        let total = sizes.map_or(0, |sizes| sizes.iter().sum());
        Self { files, read: Arc::default(), total }
    }

    /// Gives every line that is not empty, without its end, to `each`; a line that is too long as `None`.
    pub(crate) fn for_each(&self, mut each: impl FnMut(Place<'f>, Option<&[u8]>)) -> anyhow::Result<()> {
        for file in self.files {
            let mut reader = self.open(file).with_context(|| format!("cannot read `{}`", file.display()))?;
            let mut place = Place { file, line: 0, read: 0, total: self.total };
            let mut buffer = Vec::with_capacity(4096);
            loop {
                let found =
                    next(&mut *reader, &mut buffer).with_context(|| format!("cannot read `{}`", file.display()))?;
                place.line += 1;
                place.read = self.read.load(Ordering::Relaxed);
                match found {
                    Found::End => break,
                    Found::Line => {
                        let line = buffer.trim_ascii();
                        if !line.is_empty() {
                            each(place, Some(line));
                        }
                    }
                    Found::TooLong => each(place, None),
                }
            }
        }
        Ok(())
    }

    fn open(&self, file: &Path) -> io::Result<Box<dyn BufRead>> {
        let source: Box<dyn Read> =
            if file == Path::new("-") { Box::new(io::stdin()) } else { Box::new(File::open(file)?) };
        let counted = Counted { source, read: Arc::clone(&self.read) };
        let mut reader = BufReader::with_capacity(BUFFER, counted);
        if reader.fill_buf()?.starts_with(&[0x1f, 0x8b]) {
            return Ok(Box::new(BufReader::with_capacity(BUFFER, MultiGzDecoder::new(reader))));
        }
        Ok(Box::new(reader))
    }
}

enum Found {
    Line,
    TooLong,
    End,
}

fn next(reader: &mut dyn BufRead, buffer: &mut Vec<u8>) -> io::Result<Found> {
    buffer.clear();
    if reader.take(LONGEST).read_until(b'\n', buffer)? == 0 {
        return Ok(Found::End);
    }
    if buffer.len() as u64 == LONGEST && buffer.last() != Some(&b'\n') {
        reader.skip_until(b'\n')?;
        return Ok(Found::TooLong);
    }
    Ok(Found::Line)
}

/// Counts what it gives.
struct Counted {
    source: Box<dyn Read>,
    read: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.source.read(buffer)?;
        self.read.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    fn lines(files: &[PathBuf]) -> Vec<(u64, Option<usize>)> {
        let mut found = Vec::new();
        Lines::new(files).for_each(|place, line| found.push((place.line, line.map(<[u8]>::len)))).unwrap();
        found
    }

    #[test]
    fn plain_and_packed_files_give_the_same_lines() {
        let folder = tempfile::tempdir().unwrap();
        let (plain, packed) = (folder.path().join("a.log"), folder.path().join("a.log.gz"));
        let text = b"one\n\nthree\r\nlast";
        std::fs::write(&plain, text).unwrap();
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(text).unwrap();
        std::fs::write(&packed, encoder.finish().unwrap()).unwrap();
        let expected = vec![(1, Some(3)), (3, Some(5)), (4, Some(4))];
        assert_eq!(lines(std::slice::from_ref(&plain)), expected);
        assert_eq!(lines(&[packed]), expected);
        assert_eq!(lines(&[plain.clone(), plain]).len(), 6);
    }

    #[test]
    fn a_line_without_end_takes_no_memory_without_end() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.log");
        let mut text = vec![b'x'; 3 * 1024 * 1024];
        text.extend_from_slice(b"\nnext\n");
        std::fs::write(&file, text).unwrap();
        assert_eq!(lines(&[file]), [(1, None), (2, Some(4))]);
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = Lines::new(&["/no/such.log".into()]).for_each(|_, _| ()).unwrap_err();
        assert!(format!("{error:#}").starts_with("cannot read `/no/such.log`: "), "{error:#}");
    }
}
