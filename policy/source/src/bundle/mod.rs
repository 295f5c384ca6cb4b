//! OPA bundles: a `.tar.gz` with `.manifest`, `data.json`, `*.rego` and perhaps `.signatures.json`, as `opa build` makes
//! them, read without writing a file and within bounds.
//!
//! The formats are those of the documentation of OPA, "Bundles" and "Signature Format". Of a bundle only the target
//! `rego` is used; a bundle of patches ("delta bundle") is refused.

mod archive;
mod cache;
mod data;
mod digest;
mod error;
mod manifest;
mod revision;
mod signature;
mod source;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use policy_rego::Module;
use serde_json::Value;

pub use error::BundleError;
use manifest::Manifest;
pub use signature::{VerificationKey, VerificationKeyError};
pub(crate) use source::BundleSource;

/// Larger bundles, as stored, are refused.
pub const MAX_BYTES: usize = 64 * 1024 * 1024;

/// What the configuration says of bundles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BundleSettings {
    /// A PEM file with the public key that bundles must be signed by; none: signatures are not checked.
    pub verification_key: Option<PathBuf>,
    /// How long the evaluation of one request may take.
    pub budget: Duration,
    /// A folder for the last good bundle, so that a restart survives an outage of its source.
    pub cache_directory: Option<PathBuf>,
}

impl Default for BundleSettings {
    fn default() -> Self {
        Self { verification_key: None, budget: policy_rego::DEFAULT_BUDGET, cache_directory: None }
    }
}

/// What a bundle holds, unpacked and put together; its Rego is not parsed yet.
#[derive(Clone, Debug, PartialEq)]
pub struct Bundle {
    /// As its manifest says; empty if it does not.
    pub revision: String,
    /// The paths that it may define.
    pub roots: Vec<String>,
    /// Its `.rego` files.
    pub modules: Vec<Module>,
    /// Its data, an object.
    pub data: Value,
    /// Whether it has a signature, verified or not.
    pub is_signed: bool,
}

impl Bundle {
    /// Unpacks an archive; with a key, verifies its signature first.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn read(archive: &[u8], key: Option<&VerificationKey>) -> Result<Self, BundleError> {
        Self::read_within(archive, key, &archive::LIMITS)
    }

    fn read_within(
        archive: &[u8],
        key: Option<&VerificationKey>,
        limits: &archive::Limits,
    ) -> Result<Self, BundleError> {
        let tar = archive::expand(archive, limits)?;
        let files = archive::files(&tar, limits)?;
        if let Some(key) = key {
            signature::verify(&files, key)?;
        }
        check_target(&files)?;
        let manifest = Manifest::read(files.get(".manifest").copied())?;
        let roots = manifest.roots();
        let data = data::read(&files, &roots)?;
        let is_rego = |path: &str| path.ends_with(".rego");
        let modules =
            files.iter().filter(|(path, _)| is_rego(path)).map(|(path, bytes)| module(path, bytes, &manifest));
        Ok(Self {
            modules: modules.collect::<Result<_, _>>()?,
            data,
            roots,
            is_signed: signature::is_signed(&files),
            revision: manifest.revision,
        })
    }
}

fn module(path: &str, bytes: &[u8], manifest: &Manifest) -> Result<Module, BundleError> {
    let text = str::from_utf8(bytes).map_err(|error| BundleError::file(path, error))?;
    Ok(Module { path: path.to_owned(), text: text.to_owned(), v0: manifest.is_v0(path) })
}

/// Where the decisions would be in something we do not run, nothing must look as if it was all.
fn check_target(files: &BTreeMap<String, &[u8]>) -> Result<(), BundleError> {
    let name = |path: &str| path.rsplit('/').next().unwrap_or(path).to_owned();
    for path in files.keys() {
        let what = match name(path).as_str() {
            "policy.wasm" => "a WebAssembly module",
            "plan.json" => "a plan",
            "patch.json" => "a bundle of patches",
            _ => continue,
        };
        return Err(BundleError::Target { file: path.clone(), what });
    }
    Ok(())
}
