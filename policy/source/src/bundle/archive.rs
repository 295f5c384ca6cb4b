//! The files of a `.tar.gz`, bounded in every direction. Nothing is written to disk.

use std::collections::BTreeMap;
use std::io::{self, Read};

use flate2::read::MultiGzDecoder;
use tar::{Archive, Entry};

use super::BundleError;

/// What a bundle may be at most.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Bytes as stored.
    pub(super) packed: usize,
    /// Bytes of the archive once expanded.
    pub(super) expanded: usize,
    /// Files and folders.
    pub(super) entries: usize,
    /// Bytes of a path.
    pub(super) path: usize,
}

/// A million callers as JSON are some 150 MB, and a tenth of that compressed.
pub(super) const LIMITS: Limits =
    Limits { packed: super::MAX_BYTES, expanded: 256 * 1024 * 1024, entries: 4_096, path: 512 };

/// The archive without its compression.
pub(super) fn expand(packed: &[u8], limits: &Limits) -> Result<Vec<u8>, BundleError> {
    if packed.len() > limits.packed {
        return Err(BundleError::TooLarge { what: "the bundle's bytes", limit: limits.packed });
    }
    let mut tar = Vec::new();
    let bound = u64::try_from(limits.expanded).unwrap_or(u64::MAX).saturating_add(1);
    // To the end, so that the checksum is verified and half of an archive is not a smaller one.
    MultiGzDecoder::new(packed).take(bound).read_to_end(&mut tar).map_err(BundleError::Archive)?;
    match tar.len() > limits.expanded {
        true => Err(BundleError::TooLarge { what: "the bundle's bytes, once expanded,", limit: limits.expanded }),
        false => Ok(tar),
    }
}

/// Its files by their paths, without a slash in front.
pub(super) fn files<'t>(tar: &'t [u8], limits: &Limits) -> Result<BTreeMap<String, &'t [u8]>, BundleError> {
    let mut files = BTreeMap::new();
    let mut archive = Archive::new(tar);
    for (index, entry) in archive.entries().map_err(BundleError::Archive)?.enumerate() {
        if index >= limits.entries {
            return Err(BundleError::Entries(limits.entries));
        }
        let entry = entry.map_err(BundleError::Archive)?;
        let kind = entry.header().entry_type();
        if kind.is_pax_global_extensions() {
            continue;
        }
        let path = plain_path(&entry, limits.path)?;
        if kind.is_dir() {
            continue;
        }
        if !kind.is_file() {
            return Err(BundleError::Kind(path));
        }
        let content = content(&entry, tar).ok_or_else(|| BundleError::Archive(io::ErrorKind::UnexpectedEof.into()))?;
        if files.insert(path.clone(), content).is_some() {
            return Err(BundleError::Duplicate(path));
        }
    }
    Ok(files)
}

fn content<'t, R: Read>(entry: &Entry<'_, R>, tar: &'t [u8]) -> Option<&'t [u8]> {
    let start = usize::try_from(entry.raw_file_position()).ok()?;
    let size = usize::try_from(entry.size()).ok()?;
    tar.get(start..start.checked_add(size)?)
}

/// `a/b.rego` of `/a/b.rego`, as `opa build` writes it, and of `./a/b.rego`, as `tar` does.
fn plain_path<R: Read>(entry: &Entry<'_, R>, limit: usize) -> Result<String, BundleError> {
    let bytes = entry.path_bytes();
    let written = String::from_utf8_lossy(&bytes);
    let path = written.strip_prefix('.').filter(|rest| rest.starts_with('/')).unwrap_or(&written);
    let path = path.strip_prefix('/').unwrap_or(path);
    let path = if entry.header().entry_type().is_dir() { path.strip_suffix('/').unwrap_or(path) } else { path };
    let is_plain = |segment: &str| !matches!(segment, "" | "." | "..");
    let root = entry.header().entry_type().is_dir() && matches!(path, "" | ".");
    let plain = bytes.len() <= limit
        && !path.contains(|character: char| character.is_control() || matches!(character, '\\' | '\u{fffd}'))
        && (root || path.split('/').all(is_plain));
    match plain {
        true => Ok(path.to_owned()),
        false => Err(BundleError::Path { path: written.chars().take(limit).collect(), limit }),
    }
}
