//! Whatever servers, functions and tools write while they are tested comes here: it is searched for secrets at once, and
//! kept in the folder `written` of the target folder, or where `LINKWARD_WRITTEN` says: there `.ci/run` searches it again,
//! with the log of all tests and those of the local AWS.
//!
//! What a process wrote goes through [`output`]; a stream that is read while the process runs, through [`Lines`]; one that
//! nobody reads is a [`file()`] of that folder.
//!
//! A test plants secrets by [`CANARY`]; keys and certificates are known by their form.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use regex::bytes::{Regex, RegexSet};

/// What planted secrets begin with: nobody may write it.
pub const CANARY: &str = "canary-Zx81q";

/// What must not be written, each with its name. The same patterns are in `.ci/secrets`.
pub const SECRETS: &[(&str, &str)] = &[
    ("a planted secret", "canary-Zx81q"),
    ("a private key in PEM", "-----BEGIN [A-Z ]*PRIVATE KEY-----"),
    ("a certificate in PEM", "-----BEGIN [A-Z0-9 ]*CERTIFICATE-----"),
    (
        "a private key of PKCS#8 in base64",
        "M(IG[A-Za-z0-9+/]AgEAM[A-Za-z0-9+/]{2}GByqGSM49|C4CAQAwBQYDK2Vw|IIE[a-z][A-Za-z0-9+/]{2}BADANBgkqhkiG9w0BAQE)",
    ),
    ("a private key of SEC 1 in base64", "M(HcCAQEEI|IGkAgEBBDA)[A-Za-z0-9+/]{20}"),
    ("a certificate or RSA key in base64", "MII[A-J][A-Za-z0-9+/]{120}"),
    ("a certificate or key in hex", "3082[0-9a-f]{4}(3082|020100)[0-9a-f]{80}"),
    ("a bearer token", "(?i)bearer [a-z0-9._~+/-]{16}"),
    ("credentials of basic authentication", "(?i)authorization[\"' ]*[:=][\"' ]*basic [a-z0-9+/=]{8}"),
    ("a signature of AWS", "AWS4-HMAC-SHA256 Credential="),
    ("a session token of AWS", "(?i)(security-token|session_?token)[\"']?[:=] ?[\"']?[A-Za-z0-9/+]{16}"),
    ("a secret key of AWS", "(?i)secret_?access_?key[\"']?[:=] ?[\"']?[A-Za-z0-9/+]{16}"),
];

static FORBIDDEN: LazyLock<RegexSet> =
    LazyLock::new(|| RegexSet::new(SECRETS.iter().map(|(_, pattern)| pattern)).unwrap_or_else(|_| RegexSet::empty()));

/// The secret that this holds, by its name, and where it begins.
#[must_use]
pub fn secret(bytes: &[u8]) -> Option<(&'static str, usize)> {
    let at = FORBIDDEN.matches(bytes).into_iter().next()?;
    let (name, pattern) = SECRETS.get(at)?;
    let start = Regex::new(pattern).ok()?.find(bytes)?.start();
    Some((name, start))
}

/// Keeps what `what` wrote, and searches it.
///
/// # Panics
/// There is a secret in it. The message does not repeat it.
#[track_caller]
#[expect(clippy::panic, reason = "this is how a test fails")]
pub fn check(what: &str, bytes: impl AsRef<[u8]>) {
    let bytes = bytes.as_ref();
    let kept = keep(what, bytes);
    // A test that fails already says why; two panics would hide both.
    if let Some((secret, at)) = secret(bytes).filter(|_| !std::thread::panicking()) {
        panic!("{what} wrote {secret}, at byte {at} of {}", kept.display());
    }
}

/// The same for a file, or for each file of a folder, as far as they are there.
#[track_caller]
pub fn check_path(path: &Path) {
    if let Ok(entries) = std::fs::read_dir(path) {
        entries.flatten().for_each(|entry| check_path(&entry.path()));
    } else if let Ok(bytes) = std::fs::read(path) {
        check(&path.file_name().unwrap_or_default().to_string_lossy(), bytes);
    }
}

/// The same for both streams of a process that has ended.
#[track_caller]
#[must_use]
pub fn output(what: &str, output: Output) -> Output {
    check(what, &output.stdout);
    check(what, &output.stderr);
    output
}

/// For a stream that no test reads: `.ci/run` searches it.
#[must_use]
pub fn file(what: &str) -> Stdio {
    File::create(place(what)).map_or_else(|_| Stdio::null(), Stdio::from)
}

/// A stream that a test reads line by line, kept as it comes: whoever reads it last may do so when the test has ended.
#[derive(Debug)]
pub struct Lines {
    path: PathBuf,
    file: Option<File>,
}

impl Lines {
    /// Nothing yet.
    #[must_use]
    pub fn of(what: &str) -> Self {
        let path = place(what);
        let file = File::create(&path).ok();
        Self { path, file }
    }

    /// Keeps a line, and searches it.
    ///
    /// # Panics
    /// There is a secret in it.
    #[track_caller]
    #[expect(clippy::panic, reason = "this is how a test fails")]
    pub fn keep(&mut self, line: &str) {
        if let Some(file) = &mut self.file {
            let _ = writeln!(file, "{line}");
        }
        if let Some((secret, _)) = secret(line.as_bytes()).filter(|_| !std::thread::panicking()) {
            panic!("{secret} was written, see {}", self.path.display());
        }
    }
}

/// What cannot be kept was searched all the same.
fn keep(what: &str, bytes: &[u8]) -> PathBuf {
    let path = place(what);
    if let Ok(mut file) = File::create(&path) {
        let _ = file.write_all(bytes);
    }
    path
}

/// A name of its own in the folder, for a file of this process.
fn place(what: &str) -> PathBuf {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let test = std::env::current_exe().unwrap_or_default();
    // target/debug/deps/TEST-HASH
    let folder = std::env::var_os("LINKWARD_WRITTEN").map(PathBuf::from);
    let folder = folder.unwrap_or_else(|| test.ancestors().nth(3).unwrap_or(Path::new(".")).join("written"));
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let name = test.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let what: String = what.chars().map(|c| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' }).collect();
    let path = folder.join(format!("{name}-{}-{number}-{what}", std::process::id()));
    let _ = std::fs::create_dir_all(&folder);
    path
}

#[cfg(test)]
mod tests;
