//! `linkward demo` from outside: that it does what it says, that it says when it cannot, and that it leaves nothing behind, however it ends.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "test code")]

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, LazyLock, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::Value;

/// The steps, in the order in which they are told. A step that is missing here was not promised; one that is missing there was not done.
const STEPS: [&str; 26] = [
    "machine",
    "localAws",
    "binaries",
    "endpointService",
    "certificateAuthority",
    "tables",
    "functions",
    "events",
    "endpointAccepted",
    "secondEndpointAccepted",
    "endpointRejected",
    "certificates",
    "runtime",
    "callPermitted",
    "callForbidden",
    "foreignCertificate",
    "stolenCertificate",
    "openConnections",
    "revocation",
    "newConnectionRefused",
    "bystander",
    "authorityRevoked",
    "crlInForce",
    "rotation",
    "rotatedCall",
    "posture",
];

/// What follows them.
const LAST_STEP: &str = "metrics";

/// How long whatever a run started may take to be gone.
const GONE_WITHIN: Duration = Duration::from_secs(20);

/// A run of the demo with a temporary folder of its own, by which everything it starts is known.
struct Run {
    child: Child,
    told: Arc<Mutex<String>>,
    reader: Option<JoinHandle<()>>,
    temporary: tempfile::TempDir,
}

struct Ended {
    status: ExitStatus,
    document: Option<Value>,
    told: String,
}

static LINKWARD: LazyLock<PathBuf> = LazyLock::new(|| {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let built =
        runtime.block_on(local_stack::build::binaries(&["linkward"], &local_stack::Progress::default())).unwrap();
    built["linkward"].clone()
});

impl Run {
    fn start() -> Self {
        Self::with(|_| {})
    }

    fn with(adjust: impl FnOnce(&mut Command)) -> Self {
        let temporary = tempfile::Builder::new().prefix("story-").tempdir().unwrap();
        let mut command = Command::new(&*LINKWARD);
        command.args(["demo", "--output", "json"]).env("TMPDIR", temporary.path());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        adjust(&mut command);
        let mut child = command.spawn().unwrap();
        let (told, stderr) = (Arc::default(), BufReader::new(child.stderr.take().unwrap()));
        let collected: Arc<Mutex<String>> = Arc::clone(&told);
        let reader = std::thread::spawn(move || {
            stderr.lines().for_each(|line| collected.lock().unwrap().push_str(&format!("{}\n", line.unwrap())));
        });
        Self { child, told, reader: Some(reader), temporary }
    }

    /// Waits until it has told of this.
    fn until_told(&mut self, words: &str) {
        while !self.told.lock().unwrap().contains(words) {
            assert!(
                self.child.try_wait().unwrap().is_none(),
                "ended before it told of `{words}`: {}",
                self.told.lock().unwrap()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("sh").arg("-c").arg(format!("kill -{name} {}", self.child.id())).status().unwrap();
        assert!(sent.success());
    }

    /// Waits for its end and for that of everything it started, and looks for what it left.
    fn end(mut self) -> Ended {
        let mut text = String::new();
        self.child.stdout.take().unwrap().read_to_string(&mut text).unwrap();
        let status = self.child.wait().unwrap();
        self.reader.take().unwrap().join().unwrap();
        written::check("demo", &text);
        written::check("demo", self.told.lock().unwrap().as_bytes());
        let ended =
            Ended { status, document: serde_json::from_str(&text).ok(), told: self.told.lock().unwrap().clone() };
        let began = Instant::now();
        while !left_behind(self.temporary.path()).is_empty() {
            assert!(
                began.elapsed() < GONE_WITHIN,
                "left behind: {:#?}\n{}",
                left_behind(self.temporary.path()),
                ended.told
            );
            std::thread::sleep(Duration::from_millis(100));
        }
        ended
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        drop(self.child.kill());
    }
}

/// Processes that know the run's temporary folder, and files in it.
fn left_behind(temporary: &Path) -> Vec<String> {
    let mark = temporary.to_str().unwrap();
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten().filter_map(|process| {
        let about = |what: &str| {
            String::from_utf8_lossy(&std::fs::read(process.path().join(what)).unwrap_or_default()).into_owned()
        };
        let place =
            |what: &str| std::fs::read_link(process.path().join(what)).unwrap_or_default().display().to_string();
        let knows =
            [about("environ"), about("cmdline"), place("cwd"), place("exe")].iter().any(|text| text.contains(mark));
        knows.then(|| format!("process {} {}", process.file_name().display(), about("cmdline").replace('\0', " ")))
    });
    let files = std::fs::read_dir(temporary).unwrap().flatten().map(|entry| format!("file {}", entry.path().display()));
    processes.chain(files).collect()
}

fn assert_played(ended: &Ended) {
    assert_eq!(ended.status.code(), Some(0), "{}", ended.told);
    let document = ended.document.as_ref().expect("one JSON document on standard output");
    assert_eq!(document["ok"], true);
    let steps = document["steps"].as_array().unwrap();
    let names: Vec<&str> = steps.iter().map(|step| step["name"].as_str().unwrap()).collect();
    assert_eq!(names, [&STEPS[..], &[LAST_STEP]].concat());
    for step in steps {
        assert!(
            step["ok"] == true && step["seconds"].is_f64() && !step["detail"].as_str().unwrap().is_empty(),
            "{step}"
        );
    }
    let metrics = document["metrics"].as_array().unwrap();
    assert!(metrics.iter().any(|metric| metric["sum"] != "0"), "{metrics:?}");
    for (metric, function) in [
        ("ConnectionsAccepted", "endpoint-approver"),
        ("CertificatesRevoked", "certificate-revoker"),
        ("CertificatesRotated", "certificate-rotator"),
        ("DenyListSize", "posture-reporter"),
    ] {
        let published = |row: &&Value| row["metric"] == metric && row["function"] == function;
        assert!(metrics.iter().find(published).is_some_and(|row| row["sum"] != "0"), "{metric}: {metrics:?}");
    }
}

fn detail<'a>(ended: &'a Ended, name: &str) -> &'a str {
    let steps = ended.document.as_ref().unwrap()["steps"].as_array().unwrap();
    steps.iter().find(|step| step["name"] == name).unwrap()["detail"].as_str().unwrap()
}

#[test]
fn the_story_is_played_twice_at_once_and_a_kept_one_stays_until_ctrl_c() {
    let mut kept = Run::with(|command| {
        command.arg("--keep");
    });
    let ended = Run::start().end();
    assert_played(&ended);
    assert_each_step_says_what_happened(&ended);
    kept.until_told("Still running; Ctrl-C ends it");
    std::thread::sleep(Duration::from_secs(1));
    kept.signal("INT");
    let ended = kept.end();
    assert_played(&ended);
    assert_each_step_says_what_happened(&ended);
    assert!(ended.told.contains("curl -sS --resolve api.internal.example:"), "{}", ended.told);
}

fn assert_each_step_says_what_happened(ended: &Ended) {
    for (step, words) in [
        ("endpointAccepted", "available"),
        ("endpointRejected", "unlisted"),
        ("callPermitted", "spiffe://internal.example/prod/orders-api"),
        ("callForbidden", "403 forbidden"),
        ("foreignCertificate", "unknownIssuer"),
        ("stolenCertificate", "403 accountMismatch"),
        ("newConnectionRefused", "401 certificateRevoked"),
        ("rotation", "createSecret: created, setSecret: nothingToSet, testSecret: tested, finishSecret: finished"),
        ("rotatedCall", "200"),
        ("posture", "endpoints, certificates, denyList"),
    ] {
        assert!(detail(ended, step).contains(words), "{step}: {}", detail(ended, step));
    }
}

#[test]
fn ctrl_c_leaves_nothing_wherever_it_comes() {
    for title in ["what this machine must have", "a local AWS", "api-runtime starts", "has connections open"] {
        let mut run = Run::start();
        run.until_told(title);
        run.signal("INT");
        let ended = run.end();
        assert_eq!(ended.status.code(), Some(130), "{title}: {}", ended.told);
        assert_eq!(ended.document.expect("a document also then")["ok"], false);
    }
}

#[test]
fn a_killed_demo_takes_everything_with_it() {
    let mut run = Run::start();
    run.until_told("has connections open");
    let running = left_behind(run.temporary.path()).join("\n");
    for known in ["api-runtime", "serve_ministack", "serve_moto", "bootstrap"] {
        assert!(running.contains(known), "no {known} among what could be left: {running}");
    }
    run.signal("KILL");
    assert_eq!(run.end().status.code(), None);
}

#[test]
fn without_python_it_says_so_before_it_begins() {
    let run = Run::with(|command| {
        let cargo = PathBuf::from(env!("CARGO"));
        command.env("PATH", cargo.parent().unwrap());
    });
    let ended = run.end();
    assert_eq!(ended.status.code(), Some(2), "{}", ended.told);
    assert!(ended.told.contains("`python3` is not in PATH: install Python 3.10 or newer"), "{}", ended.told);
    assert_eq!(ended.document.unwrap()["ok"], false);
}
