//! `.manifest`: which bundle it is, and which part of `data` is its own.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::BundleError;

/// The manifest of a bundle, as far as it concerns us; see "Bundle File Format" in the documentation of OPA.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Manifest {
    #[serde(default)]
    pub(super) revision: String,
    #[serde(default)]
    roots: Option<Vec<String>>,
    #[serde(default)]
    wasm: Vec<Value>,
    #[serde(default)]
    rego_version: Option<u8>,
    #[serde(default)]
    file_rego_versions: BTreeMap<String, u8>,
}

impl Manifest {
    /// Of the file's bytes; without the file everything is this bundle's own.
    pub(super) fn read(bytes: Option<&[u8]>) -> Result<Self, BundleError> {
        let Some(bytes) = bytes else { return Ok(Self::default()) };
        let mut manifest: Self =
            serde_json::from_slice(bytes).map_err(|error| BundleError::file(".manifest", error))?;
        if !manifest.wasm.is_empty() {
            return Err(BundleError::Target { file: ".manifest".to_owned(), what: "a WebAssembly module" });
        }
        manifest.check_rego_versions()?;
        if let Some(roots) = &mut manifest.roots {
            for root in roots.iter_mut() {
                *root = root.trim_matches('/').to_owned();
            }
            check_overlap(roots)?;
        }
        Ok(manifest)
    }

    fn check_rego_versions(&self) -> Result<(), BundleError> {
        let versions = self.rego_version.iter().chain(self.file_rego_versions.values());
        if let Some(version) = versions.into_iter().find(|version| **version > 1) {
            return Err(BundleError::file(".manifest", format!("Rego version {version} is not known; it is 0 or 1")));
        }
        match self.file_rego_versions.keys().find(|path| path.contains(['*', '?', '[', '{'])) {
            Some(path) => Err(BundleError::file(
                ".manifest",
                format!("`{path}` in `file_rego_versions` is a pattern; name the files one by one"),
            )),
            None => Ok(()),
        }
    }

    /// The parts of `data`, as paths with slashes, that the bundle may define; the empty path is all of it.
    pub(super) fn roots(&self) -> Vec<String> {
        self.roots.clone().unwrap_or_else(|| vec![String::new()])
    }

    /// Whether a file is written in Rego as it was before OPA 1.0.
    pub(super) fn is_v0(&self, path: &str) -> bool {
        let of_file = self.file_rego_versions.iter().find(|(file, _)| file.trim_start_matches('/') == path);
        of_file.map(|(_, version)| *version).or(self.rego_version) == Some(0)
    }
}

fn check_overlap(roots: &[String]) -> Result<(), BundleError> {
    for (index, one) in roots.iter().enumerate() {
        let overlapping = roots.iter().skip(index + 1).find(|other| is_below(one, other) || is_below(other, one));
        if let Some(other) = overlapping {
            return Err(BundleError::Roots(format!("the roots `{one}` and `{other}` overlap")));
        }
    }
    Ok(())
}

/// Whether a path is a root or below it.
pub(super) fn is_below(path: &str, root: &str) -> bool {
    root.is_empty() || path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
