//! What the demo needs of the machine: a checkout to build from, and two programs.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

/// The root of the checkout: the nearest one above the current folder, or the one this binary was built from.
pub(crate) fn root() -> anyhow::Result<PathBuf> {
    let here = std::env::current_dir().context("the current folder is not there any more")?;
    let built = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = here.ancestors().chain(built.ancestors()).find(|folder| is_checkout(folder));
    root.map(Path::to_path_buf).with_context(|| {
        format!("`{}` is not in a checkout of linkward, and the demo builds its binaries from one: clone it and run the demo there", here.display())
    })
}

fn is_checkout(folder: &Path) -> bool {
    ["Cargo.toml", "events", "api-runtime/Cargo.toml", "operator/Cargo.toml"]
        .iter()
        .all(|part| folder.join(part).exists())
}

/// The version of a program that the demo needs; or what to do.
pub(crate) async fn program(name: &OsStr, remedy: &str) -> anyhow::Result<String> {
    let output = tokio::process::Command::new(name).arg("--version").kill_on_drop(true).output().await;
    let name = name.display();
    match output {
        Ok(output) if output.status.success() => Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned()),
        Ok(output) => bail!("`{name} --version` failed: {}", String::from_utf8_lossy(&output.stderr).trim()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => bail!("`{name}` is not in PATH: {remedy}"),
        Err(error) => Err(error).with_context(|| format!("`{name}` cannot be run")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checkout_is_found_from_any_folder_in_it() {
        assert!(root().unwrap().join("operator/src/demo/workspace.rs").exists());
        assert!(!is_checkout(Path::new("/")));
    }

    #[tokio::test]
    async fn a_program_that_is_missing_is_named_with_its_remedy() {
        let error = program("no-such-python3".as_ref(), "install it").await.unwrap_err();
        assert_eq!(error.to_string(), "`no-such-python3` is not in PATH: install it");
    }
}
