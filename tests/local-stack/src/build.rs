//! The workspace's binaries, built by cargo once and found where cargo put them.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde::Deserialize;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStderr, Command};

use crate::places;
use crate::progress::Progress;

/// Why the binaries are not there.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    #[error("`cargo` is missing: install Rust from https://rustup.rs")]
    NoCargo(#[source] io::Error),
    #[error("no workspace at `{}` or above the current folder: run this from a checkout", built_from.display())]
    NoWorkspace { built_from: PathBuf },
    #[error("`cargo build` broke off")]
    Broken(#[source] io::Error),
    #[error("`cargo build` failed:\n{said}")]
    Failed { said: String },
    #[error("cargo did not say where it put the binary `{name}`")]
    Unsaid { name: String },
}

/// What cargo says of each thing it built or found built.
#[derive(Debug, Deserialize)]
struct Message {
    reason: String,
    executable: Option<PathBuf>,
    target: Option<Target>,
}

#[derive(Debug, Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
}

/// Builds binaries of the workspace, with the profile of this process and into its target folder, and returns the path of each of
/// `names`. What is built already costs a second.
pub async fn binaries(names: &[&str], progress: &Progress) -> Result<BTreeMap<String, PathBuf>, BuildError> {
    let mut cargo = command(names)?;
    let mut child = cargo.spawn().map_err(BuildError::NoCargo)?;
    let said = tokio::spawn(collect(child.stderr.take(), progress.clone()));
    let mut built = read(&mut child).await.map_err(BuildError::Broken)?;
    let status = child.wait().await.map_err(BuildError::Broken)?;
    if !status.success() {
        return Err(BuildError::Failed { said: said.await.unwrap_or_default() });
    }
    let found = |name: &&str| {
        let path = built.remove(*name).ok_or_else(|| BuildError::Unsaid { name: (*name).to_owned() })?;
        Ok(((*name).to_owned(), path))
    };
    names.iter().map(found).collect()
}

fn command(names: &[&str]) -> Result<Command, BuildError> {
    let exe = std::env::current_exe().unwrap_or_default();
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo")));
    // Of the whole workspace, though only these are built: features are then the same whatever is asked for.
    cargo.args(["build", "--workspace", "--message-format=json-render-diagnostics"]);
    cargo.args(names.iter().flat_map(|name| ["--bin", name]));
    cargo.current_dir(workspace()?);
    if let Some(target) = places::target_folder(&exe) {
        cargo.args(["--profile", &profile(&exe, &target)]).arg("--target-dir").arg(target);
    }
    // An interrupted build starts nothing more; a compiler that runs already finishes what it is at.
    cargo.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    Ok(cargo)
}

/// Where this was built from, or the checkout that the current folder lies in: an installed tool may outlive the first.
fn workspace() -> Result<PathBuf, BuildError> {
    let is_workspace = |folder: &Path| folder.join("tests/local-stack/Cargo.toml").exists();
    let built_from = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap_or(Path::new("/"));
    let current = std::env::current_dir().unwrap_or_default();
    let found = std::iter::once(built_from).chain(current.ancestors()).find(|folder| is_workspace(folder));
    found.map(Path::to_owned).ok_or_else(|| BuildError::NoWorkspace { built_from: built_from.to_owned() })
}

/// Of `TARGET/debug/deps/tests-0a1b` the profile is `dev`; other folders are named like their profile. With `--target` the
/// platform's folder stands between.
fn profile(exe: &Path, target: &Path) -> String {
    let inside = exe.strip_prefix(target).unwrap_or(exe).parent().unwrap_or(Path::new(""));
    let folder = inside.iter().rfind(|part| *part != "deps" && *part != "examples");
    match folder.and_then(|name| name.to_str()) {
        None | Some("debug") => "dev".to_owned(),
        Some(name) => name.to_owned(),
    }
}

async fn read(child: &mut Child) -> io::Result<BTreeMap<String, PathBuf>> {
    let mut built = BTreeMap::new();
    let Some(stdout) = child.stdout.take() else { return Ok(built) };
    let mut lines = BufReader::new(stdout).lines();
    while let Some(line) = lines.next_line().await? {
        let Ok(message) = serde_json::from_str::<Message>(&line) else { continue };
        let Some(target) = message.target.filter(|_| message.reason == "compiler-artifact") else { continue };
        if let Some(executable) = message.executable.filter(|_| target.kind.iter().any(|kind| kind == "bin")) {
            built.insert(target.name, executable);
        }
    }
    Ok(built)
}

/// Tells what cargo is at, and keeps what it complains of.
async fn collect(stderr: Option<ChildStderr>, progress: Progress) -> String {
    let mut said = String::new();
    let Some(stderr) = stderr else { return said };
    let mut lines = BufReader::new(stderr).lines();
    // What was read before it broke off is all there is to show.
    while let Ok(Some(line)) = lines.next_line().await {
        match status(&line) {
            Some(status) => progress.say(status),
            None => said.extend([line.as_str(), "\n"]),
        }
    }
    said.trim().to_owned()
}

/// Cargo says what it is at with one word, right-aligned at the twelfth column, and then what with.
fn status(line: &str) -> Option<&str> {
    let (word, with) = line.split_at_checked(12)?;
    let is_word =
        word.trim_start().starts_with(char::is_uppercase) && word.trim_start().chars().all(char::is_alphabetic);
    // The folder of a crate of ours says nothing new.
    let status = line.split(" (/").next().unwrap_or(line).trim();
    (is_word && with.starts_with(' ')).then_some(status)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_profile_is_read_from_where_this_binary_lies() {
        let target = Path::new("/t");
        for (exe, expected) in [
            ("/t/debug/deps/tests-0a1b", "dev"),
            ("/t/debug/linkward", "dev"),
            ("/t/release/linkward", "release"),
            ("/t/x86_64-unknown-linux-gnu/lambda/deps/tests-0a", "lambda"),
        ] {
            assert_eq!(profile(Path::new(exe), target), expected, "{exe}");
        }
    }

    #[test]
    fn what_cargo_is_at_is_told_from_what_it_complains_of() {
        for (line, told) in [
            ("   Compiling policy v0.1.0 (/checkout/policy/core)", Some("Compiling policy v0.1.0")),
            (
                "    Blocking waiting for file lock on build directory",
                Some("Blocking waiting for file lock on build directory"),
            ),
            ("error[E0425]: cannot find function `of` in this scope", None),
            ("  --> operator/src/main.rs:31:57", None),
            ("12 |         .all(|function| of(function))", None),
        ] {
            assert_eq!(status(line), told, "{line}");
        }
    }

    #[test]
    fn the_workspace_is_found() {
        assert!(workspace().unwrap().join("tests/local-stack/src/build.rs").exists());
    }
}
