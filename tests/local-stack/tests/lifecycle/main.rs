//! How stacks begin and end: together, interrupted, killed; and that nothing is left.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "test code")]
#![cfg(target_os = "linux")]

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use local_stack::{LocalStack, LocalStackOptions};
use tempfile::TempDir;

const GONE_WITHIN: Duration = Duration::from_secs(10);

/// `local-stack` as a process, with a folder for temporary files by which everything it starts is known.
struct Running {
    child: Child,
    temporary: TempDir,
}

impl Running {
    fn start(arguments: &[&str]) -> Self {
        let temporary = tempfile::Builder::new().prefix("lifecycle-").tempdir().unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_local-stack"));
        command.args(arguments).env("TMPDIR", temporary.path()).stdin(Stdio::null());
        let child = command.stdout(Stdio::piped()).stderr(written::file("local-stack")).spawn().unwrap();
        Self { child, temporary }
    }

    /// The variables that it prints when it is ready.
    fn variables(&mut self) -> BTreeMap<String, String> {
        let stdout = BufReader::new(self.child.stdout.take().unwrap());
        let lines = stdout.lines().map(Result::unwrap).take_while(|line| !line.starts_with("# logs"));
        let exports = lines.filter_map(|line| line.strip_prefix("export ")?.split_once('=').map(owned));
        exports.collect()
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("sh").arg("-c").arg(format!("kill -{name} {}", self.child.id())).status().unwrap();
        assert!(sent.success());
    }

    /// Waits for its end, and looks for what it left.
    fn leaves_nothing(mut self) {
        self.child.wait().unwrap();
        let began = Instant::now();
        loop {
            let (processes, files) = left(self.temporary.path());
            if processes.is_empty() && files.is_empty() {
                return;
            }
            assert!(began.elapsed() < GONE_WITHIN, "left behind: {processes:?} {files:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

fn owned((name, value): (&str, &str)) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

/// Command lines of the processes whose environment names the folder, and the files in it.
fn left(folder: &Path) -> (Vec<String>, Vec<String>) {
    let needle = folder.as_os_str().as_bytes();
    let known = |process: &Path| {
        let environment = std::fs::read(process.join("environ")).unwrap_or_default();
        environment.windows(needle.len()).any(|window| window == needle)
    };
    let processes = std::fs::read_dir("/proc").unwrap().map(|entry| entry.unwrap().path());
    let processes = processes.filter(|process| known(process));
    let command = |process: std::path::PathBuf| std::fs::read_to_string(process.join("cmdline")).unwrap_or_default();
    let files =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
    (processes.map(command).collect(), files.collect())
}

/// A function process below ministack: the grandchild that an emulator's end must not leave alone.
fn start_function(variables: &BTreeMap<String, String>, folder: &Path) {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/lifecycle/start_function.py");
    let done = Command::new("python3").args([script, &variables["AWS_ENDPOINT_URL"]]).status().unwrap();
    assert!(done.success());
    let began = Instant::now();
    while !left(folder).0.iter().any(|command| command.contains("bootstrap")) {
        assert!(began.elapsed() < GONE_WITHIN, "the function did not start");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_killed_parent_takes_emulators_and_functions_with_it() {
    let mut running = Running::start(&[]);
    let variables = running.variables();
    start_function(&variables, running.temporary.path());
    assert!(left(running.temporary.path()).0.len() >= 5, "two emulators, their watchdogs, a function");
    running.child.kill().unwrap();
    running.leaves_nothing();
}

#[test]
fn an_interrupt_ends_a_running_stack() {
    let mut running = Running::start(&[]);
    let variables = running.variables();
    assert!(variables.contains_key("AWS_ENDPOINT_URL_ACM_PCA"), "{variables:?}");
    running.signal("INT");
    running.leaves_nothing();
}

#[test]
fn an_interrupt_ends_a_stack_that_is_starting() {
    for milliseconds in [50, 300, 900] {
        let running = Running::start(&[]);
        std::thread::sleep(Duration::from_millis(milliseconds));
        running.signal("INT");
        running.leaves_nothing();
    }
}

#[test]
fn a_command_runs_in_the_stack_which_ends_with_it() {
    let mut running = Running::start(&["sh", "-c", "test -n \"$AWS_ENDPOINT_URL_EC2\" && exit 7"]);
    assert_eq!(running.child.wait().unwrap().code(), Some(7));
    running.leaves_nothing();
}

#[test]
fn a_machine_without_python_is_told_what_to_install() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_local-stack"));
    let output = written::output("local-stack", command.env("PATH", "/nonexistent").output().unwrap());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("`python3` is missing: install Python 3.10"), "{said}");
}

#[tokio::test]
async fn two_stacks_at_once_know_nothing_of_each_other() {
    let logs = tempfile::tempdir().unwrap();
    let options = LocalStackOptions { logs: Some(logs.path().to_owned()), ..LocalStackOptions::default() };
    let (one, other) = tokio::join!(LocalStack::start(options), LocalStack::start(LocalStackOptions::default()));
    let (one, other) = (one.unwrap(), other.unwrap());
    one.create_bucket("mine").await.unwrap();
    one.put_object("mine", "key", b"x".to_vec()).await.unwrap();
    other.object("mine", "key").await.expect_err("the other stack has its own S3");
    let service = one.ec2(&one.provider()).create_endpoint_service().await.unwrap();
    let foreign = other.ec2(&other.provider()).create_vpc_endpoint(&service.name).await.unwrap_err();
    assert_eq!(foreign.code(), Some("InvalidServiceName"));
    let temporary = other.folder().to_owned();
    assert!(temporary.exists());
    tokio::join!(one.stop(), other.stop());
    assert!(!temporary.exists());
    let kept: Vec<_> = std::fs::read_dir(logs.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(kept.len(), 2, "logs that were asked for stay: {kept:?}");
}
