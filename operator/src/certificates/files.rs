//! Certificate and key as files.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

/// Where they go; neither exists yet.
#[derive(Debug)]
pub(super) struct Files {
    /// The certificate and the chain up to the root, in PEM.
    pub(super) chain: PathBuf,
    /// The private key in PEM, for its owner's eyes only.
    pub(super) key: PathBuf,
}

impl Files {
    /// Looks before anything is issued: a certificate that cannot be kept must not come about.
    pub(super) fn new(folder: &Path, name: &str) -> anyhow::Result<Self> {
        if name.is_empty() || name.contains('/') || name.starts_with('.') {
            bail!("`{name}` is no name for files; add `--name NAME`");
        }
        std::fs::create_dir_all(folder).with_context(|| format!("cannot make the folder `{}`", folder.display()))?;
        let files = Self { chain: folder.join(format!("{name}.crt")), key: folder.join(format!("{name}.key")) };
        if let Some(there) = [&files.chain, &files.key].into_iter().find(|file| file.exists()) {
            bail!("`{}` is there already; move it away or choose another `--name`", there.display());
        }
        Ok(files)
    }

    /// The key first: a certificate without it is of no use, and a key without a certificate does no harm.
    pub(super) fn write(&self, chain: &str, key: &str) -> anyhow::Result<()> {
        write(&self.key, key, 0o600)?;
        write(&self.chain, chain, 0o644)
    }
}

fn write(file: &Path, text: &str, mode: u32) -> anyhow::Result<()> {
    let written = OpenOptions::new().write(true).create_new(true).mode(mode).open(file).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()
    });
    written.with_context(|| format!("cannot write `{}`", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn the_key_is_for_its_owner_and_nothing_is_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let files = Files::new(&folder.path().join("new"), "alice").unwrap();
        files.write("chain", "key").unwrap();
        assert_eq!(std::fs::metadata(&files.key).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_to_string(&files.chain).unwrap(), "chain");
        let error = Files::new(&folder.path().join("new"), "alice").unwrap_err().to_string();
        assert!(error.contains("is there already"), "{error}");
        assert!(files.write("other", "other").is_err());
        for name in ["", "a/b", "..", ".key"] {
            assert!(Files::new(folder.path(), name).is_err(), "{name}");
        }
    }
}
