//! The Python environment of the emulators: made once, kept under the target folder, shared by all runs.

use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use sha2::{Digest, Sha256};
use tokio::process::Command;

use crate::embedded::REQUIREMENTS;
use crate::progress::Progress;

const OLDEST_PYTHON: (u32, u32) = (3, 10);

/// What is asked of `python3` before anything is made with it.
const QUESTIONS: &str = "import sys, importlib.util as u
print(sys.version_info[0]); print(sys.version_info[1])
print(all(u.find_spec(m) for m in ('venv', 'ensurepip')))
print(sys.version.replace(chr(10), ' '), sys.base_prefix)";

/// Why there is no Python environment.
#[derive(Debug, thiserror::Error)]
pub enum EnvironmentError {
    #[error("`python3` is missing: install Python 3.10 or newer and put it on the path")]
    NoPython(#[source] io::Error),
    #[error("`python3` does not run: {said}")]
    BrokenPython { said: String },
    #[error("`python3` is Python {found}, which is too old: install 3.10 or newer")]
    TooOld { found: String },
    #[error(
        "`python3` cannot make virtual environments: install its `venv` and `ensurepip` modules (Debian, Ubuntu: `apt-get install python3-venv`)"
    )]
    NoVenv,
    #[error("`{command}` failed; pip needs the package index once (PIP_INDEX_URL, HTTPS_PROXY are honoured): {said}")]
    Install { command: String, said: String },
    #[error("cannot write the Python environment to `{}`", folder.display())]
    Folder { folder: PathBuf, source: io::Error },
}

/// A virtual environment with both emulators in it.
#[derive(Debug, Clone)]
pub(crate) struct Environment {
    /// Its interpreter.
    pub(crate) python: PathBuf,
}

impl Environment {
    /// The environment for the embedded requirements and the machine's Python below `root`; makes it when it is not there.
    /// Runs may overlap: one makes it, the others wait.
    pub(crate) async fn prepare(root: &Path, progress: &Progress) -> Result<Self, EnvironmentError> {
        let interpreter = ask_python().await?;
        let folder = root.join(format!("python-{}", key(&interpreter)));
        if let Some(ready) = ready(&folder) {
            return Ok(ready);
        }
        std::fs::create_dir_all(&folder).map_err(|source| unwritable(&folder, source))?;
        let _lock = lock(&folder, progress).await?;
        if let Some(ready) = ready(&folder) {
            return Ok(ready);
        }
        remove_unfinished(&folder);
        make(&folder, progress).await
    }
}

/// The marker is written last and names the finished environment. Environments cannot be moved, and one whose maker was
/// killed may still be written to by its pip: so each attempt has a folder of its own.
fn ready(folder: &Path) -> Option<Environment> {
    let name = std::fs::read_to_string(folder.join("ready")).ok()?;
    let python = folder.join(name).join("bin/python");
    python.exists().then_some(Environment { python })
}

fn remove_unfinished(folder: &Path) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with("venv-") {
            // What cannot be removed is only a waste of space.
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

async fn make(folder: &Path, progress: &Progress) -> Result<Environment, EnvironmentError> {
    let unwritable = |source| unwritable(folder, source);
    let venv = tempfile::Builder::new().prefix("venv-").tempdir_in(folder).map_err(unwritable)?;
    let requirements = folder.join("requirements.txt");
    std::fs::write(&requirements, REQUIREMENTS).map_err(unwritable)?;
    progress.say("making a Python environment (once)");
    run(Command::new("python3").args(["-m", "venv"]).arg(venv.path())).await?;
    progress.say("installing moto and ministack into it (once, about 20 s)");
    let pip = [
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-input",
        "--disable-pip-version-check",
        "--only-binary",
        ":all:",
        "-r",
    ];
    run(Command::new(venv.path().join("bin/python")).args(pip).arg(&requirements)).await?;
    let name = venv.path().file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let marker = folder.join("ready.new");
    std::fs::write(&marker, name).and_then(|()| std::fs::rename(&marker, folder.join("ready"))).map_err(unwritable)?;
    Ok(Environment { python: venv.keep().join("bin/python") })
}

async fn run(command: &mut Command) -> Result<String, EnvironmentError> {
    let shown = shown(command);
    // An interrupted start leaves no pip behind.
    let output = command.stdin(Stdio::null()).kill_on_drop(true).output().await.map_err(EnvironmentError::NoPython)?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(EnvironmentError::Install { command: shown, said })
}

fn shown(command: &Command) -> String {
    let command = command.as_std();
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

/// The interpreter's version and home, when it will do.
async fn ask_python() -> Result<String, EnvironmentError> {
    let answer = match run(Command::new("python3").args(["-c", QUESTIONS])).await {
        Err(EnvironmentError::Install { said, .. }) => return Err(EnvironmentError::BrokenPython { said }),
        other => other?,
    };
    judge(&answer)
}

fn judge(answer: &str) -> Result<String, EnvironmentError> {
    let mut lines = answer.lines();
    let mut number = || lines.next().and_then(|line| line.parse::<u32>().ok()).unwrap_or(0);
    let version = (number(), number());
    if version < OLDEST_PYTHON {
        return Err(EnvironmentError::TooOld { found: format!("{}.{}", version.0, version.1) });
    }
    if lines.next() != Some("True") {
        return Err(EnvironmentError::NoVenv);
    }
    Ok(lines.next().unwrap_or_default().to_owned())
}

fn key(interpreter: &str) -> String {
    let digest = Sha256::new().chain_update(REQUIREMENTS).chain_update("\0").chain_update(interpreter).finalize();
    digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

async fn lock(folder: &Path, progress: &Progress) -> Result<File, EnvironmentError> {
    let file = File::create(folder.join("lock")).map_err(|source| unwritable(folder, source))?;
    let mut said = false;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::Error(source)) => return Err(unwritable(folder, source)),
            Err(TryLockError::WouldBlock) => {}
        }
        if !said {
            progress.say("waiting for another run that makes the Python environment");
            said = true;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn unwritable(folder: &Path, source: io::Error) -> EnvironmentError {
    EnvironmentError::Folder { folder: folder.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_good_python_is_known_by_its_version_and_home() {
        assert_eq!(judge("3\n12\nTrue\n3.12.1 (main) /usr\n").unwrap(), "3.12.1 (main) /usr");
    }

    #[test]
    fn an_old_python_or_one_without_venv_is_refused_with_the_remedy() {
        let old = judge("3\n9\nTrue\n3.9.18 /usr\n").unwrap_err().to_string();
        assert!(old.contains("3.9") && old.contains("3.10 or newer"), "{old}");
        let bare = judge("3\n12\nFalse\n3.12.1 /usr\n").unwrap_err().to_string();
        assert!(bare.contains("python3-venv"), "{bare}");
    }

    #[test]
    fn only_a_marked_environment_is_used() {
        let folder = tempfile::tempdir().unwrap();
        let venv = folder.path().join("venv-1/bin");
        std::fs::create_dir_all(&venv).unwrap();
        std::fs::write(venv.join("python"), "").unwrap();
        assert!(ready(folder.path()).is_none(), "half made");
        std::fs::write(folder.path().join("ready"), "venv-1").unwrap();
        assert!(ready(folder.path()).is_some());
        std::fs::write(folder.path().join("ready"), "venv-2").unwrap();
        assert!(ready(folder.path()).is_none(), "removed since");
    }

    #[test]
    fn what_another_run_left_unfinished_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("venv-1/bin")).unwrap();
        std::fs::write(folder.path().join("lock"), "").unwrap();
        remove_unfinished(folder.path());
        let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, ["lock"]);
    }
}
