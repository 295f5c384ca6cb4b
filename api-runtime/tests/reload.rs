//! Files are replaced while callers are served: in every way people replace files, by good ones and by bad ones.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "test code")]

mod support;

use serde_json::Value;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use support::authority::{CertificateContent, CrlContent, TestAuthority};
use support::client::get;
use support::{ORDERS, Runtime, SOON, Setup};
use tokio::task::JoinHandle;
use tokio::time::sleep;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Certificate,
    Anchors,
    Crls,
    Policy,
    DenyList,
    Inventory,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Manner {
    Rename,
    Symlink,
    InPlace,
    HalfFirst,
}

impl Kind {
    const ALL: [Self; 6] =
        [Self::Certificate, Self::Anchors, Self::Crls, Self::Policy, Self::DenyList, Self::Inventory];

    /// Under this name metrics and status know it.
    fn snapshot(self) -> &'static str {
        match self {
            Self::Certificate | Self::Anchors | Self::Crls => "trust",
            Self::Policy => "policy",
            Self::DenyList => "denyList",
            Self::Inventory => "endpoints",
        }
    }

    /// Without so many of its last bytes, a file ends in the middle of something.
    fn end(self) -> usize {
        match self {
            Self::Certificate | Self::Anchors | Self::Crls => 20,
            Self::Policy | Self::DenyList | Self::Inventory => 3,
        }
    }
}

impl Manner {
    const ALL: [Self; 4] = [Self::Rename, Self::Symlink, Self::InPlace, Self::HalfFirst];

    fn replace(self, path: &Path, text: &str, number: usize) {
        let beside = path.with_file_name(format!("{}-{number}", path.file_name().unwrap().display()));
        match self {
            Self::Rename => {
                fs::write(&beside, text).unwrap();
                fs::rename(beside, path).unwrap();
            }
            Self::Symlink => {
                fs::write(&beside, text).unwrap();
                let link = path.with_extension("link");
                std::os::unix::fs::symlink(&beside, &link).unwrap();
                fs::rename(link, path).unwrap();
            }
            Self::InPlace => fs::write(path, text).unwrap(),
            Self::HalfFirst => {
                let (first, second) = text.split_at(text.len() / 2);
                fs::write(path, first).unwrap();
                std::thread::sleep(Duration::from_millis(20));
                fs::OpenOptions::new().append(true).open(path).unwrap().write_all(second.as_bytes()).unwrap();
            }
        }
    }
}

/// What the process says of itself.
#[derive(Clone, Default)]
struct Said(Arc<Mutex<Vec<u8>>>);

impl Write for Said {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Said {
    fn listen() -> Self {
        let said = Self::default();
        let ours = said.clone();
        tracing_subscriber::fmt().with_ansi(false).with_writer(move || ours.clone()).init();
        said
    }

    fn take(&self) -> String {
        String::from_utf8(std::mem::take(&mut *self.0.lock().unwrap())).unwrap()
    }
}

struct Bench {
    runtime: Runtime,
    next: TestAuthority,
    said: Said,
}

const BALANCER: &str = "vpce-0a";

impl Bench {
    async fn new() -> Self {
        let said = Said::listen();
        let setup = Setup::new().crl(&CrlContent::new(1, &[])).deny_list().top("proxyProtocol: required");
        setup.write("endpoints.yaml", "endpoints: []\n");
        let setup = setup.top("endpoints: { source: \"file:endpoints.yaml\", refresh: 50ms }");
        Self { runtime: setup.start().await, next: TestAuthority::root("The next CA"), said }
    }

    /// The `number`th good content of each file of a kind.
    fn good(&self, kind: Kind, number: usize) -> Vec<(&'static str, String)> {
        let authority = &self.runtime.setup.authority;
        let serials: Vec<Vec<u8>> = (0..number).map(|each| vec![0x33, each as u8]).collect();
        let many = |each: &dyn Fn(usize) -> String| (0..number).map(each).collect::<String>();
        match kind {
            Kind::Certificate => {
                let certificate = authority
                    .issue(&CertificateContent { serial: vec![0x55, number as u8], ..CertificateContent::server() });
                vec![("server.crt", certificate.pem), ("server.key", certificate.key_pem)]
            }
            Kind::Anchors => {
                let next = if number % 2 == 1 { &*self.next.pem } else { "" };
                vec![("ca.crt", format!("{}{next}", authority.pem))]
            }
            Kind::Crls => {
                let content = CrlContent { serials, ..CrlContent::new(number as u64 + 1, &[]) };
                vec![("ca.crl", authority.crl_pem(&content))]
            }
            Kind::Policy => {
                let more = many(&|each| {
                    format!("  - identity: spiffe://internal.example/extra/n{each}\n    permit: [{{ paths: [/x] }}]\n")
                });
                vec![("access.yaml", support::POLICY.trim_start().to_owned() + &more)]
            }
            Kind::DenyList => {
                let entries =
                    many(&|each| format!("  - {{ serialNumber: \"44{each:02x}\", reason: KEY_COMPROMISE }}\n"));
                vec![("deny.yaml", format!("entries:\n{entries}"))]
            }
            Kind::Inventory => {
                let entries =
                    many(&|each| format!("  - {{ endpointId: vpce-0b{each:02x}, account: \"123456789012\" }}\n"));
                vec![("endpoints.yaml", format!("endpoints:\n{entries}"))]
            }
        }
    }

    async fn status(&self) -> Value {
        serde_json::from_str(&self.runtime.admin("/status").await.1).unwrap()
    }

    async fn until(&self, kind: Kind, what: impl Fn(&Value) -> bool) -> Value {
        let started = Instant::now();
        loop {
            let snapshot = self.status().await["snapshots"][kind.snapshot()].take();
            if what(&snapshot) {
                return snapshot;
            }
            assert!(started.elapsed() < SOON, "{kind:?} stays at {snapshot}; {}", self.said.take());
            sleep(Duration::from_millis(10)).await;
        }
    }

    /// Whether the `number`th content is what the runtime goes by.
    async fn check_effect(&self, kind: Kind, number: usize) {
        let status = self.status().await;
        match kind {
            Kind::Certificate => {
                let raw = self.runtime.orders().through(BALANCER).raw().await;
                let certificate = raw.0.get_ref().1.peer_certificates().unwrap()[0].to_vec();
                assert!(certificate.windows(4).any(|four| four == [2, 2, 0x55, number as u8]), "the old certificate");
            }
            Kind::Anchors => {
                let certificate =
                    self.next.issue(&CertificateContent { serial: vec![7], ..CertificateContent::caller(&[ORDERS]) });
                let answered = self.runtime.caller(&certificate).through(BALANCER).connect().await;
                assert!(answered.is_ok(), "a client hears of a refusal later");
                self.until(kind, |snapshot| snapshot["error"].is_null()).await;
            }
            Kind::Crls => assert_eq!(status["crlEntries"], number),
            Kind::Policy => assert_eq!(status["policyCallers"], number + 1),
            Kind::DenyList => assert_eq!(status["denyListEntries"], number),
            Kind::Inventory => {
                let endpoint = format!("vpce-0b{:02x}", number - 1);
                self.runtime.orders().through(&endpoint).get("/v1/a").await;
                let line = self.runtime.log_line(|line| line["endpointId"] == *endpoint).await;
                assert_eq!(line["account"], "123456789012");
            }
        }
    }

    async fn replace(&self, kind: Kind, manner: Manner, number: usize) {
        let path = |name: &str| self.runtime.setup.path(name);
        let before = self.until(kind, |snapshot| snapshot["error"].is_null()).await["revision"].take();
        let good = self.good(kind, number);
        // The last of the files ends in the middle of something.
        let (name, text) = good.last().unwrap();
        self.said.take();
        manner.replace(&path(name), text[..text.len() - kind.end()].trim_end(), 2 * number);
        let refused = self.until(kind, |snapshot| snapshot["error"].is_string()).await;
        assert_eq!(refused["revision"], before, "{kind:?} {manner:?}: the last good one stays");
        let (reason, failing) = (refused["error"].as_str().unwrap(), format!("{{kind=\"{}\"}}", kind.snapshot()));
        assert!(reason.contains(name), "{kind:?}: {reason}");
        self.runtime.until_metric(&format!("linkward_snapshot_failing{failing}"), 1.0).await;
        let said = self.said.take();
        assert!(said.contains("the last good snapshot stays") && said.contains(name), "{kind:?}: {said}");
        for (name, text) in &good {
            manner.replace(&path(name), text, 2 * number + 1);
        }
        let now = self.until(kind, |snapshot| snapshot["error"].is_null() && snapshot["revision"] != before).await;
        assert_ne!(now["revision"], before);
        self.check_effect(kind, number).await;
    }
}

/// Callers that never pause, each on one connection; how often they were served.
fn load(runtime: &Runtime, over: &Arc<AtomicBool>) -> (Vec<JoinHandle<()>>, Arc<AtomicU64>) {
    let served = Arc::new(AtomicU64::new(0));
    let tasks = (0..4).map(|number| {
        let (caller, over, served) = (runtime.orders().through(BALANCER), Arc::clone(over), Arc::clone(&served));
        tokio::spawn(async move {
            if number % 2 == 0 {
                let mut raw = caller.raw().await;
                while !over.load(Ordering::Relaxed) {
                    let answer = raw.get("/v1/a").await;
                    assert_eq!((answer.status, answer.header("connection")), (200, None));
                    served.fetch_add(1, Ordering::Relaxed);
                }
            } else {
                let (mut sender, _connection) = caller.hyper2().await;
                while !over.load(Ordering::Relaxed) {
                    assert_eq!(sender.send_request(get("/v1/a")).await.unwrap().status(), 200);
                    served.fetch_add(1, Ordering::Relaxed);
                }
            }
        })
    });
    (tasks.collect(), served)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_way_of_replacing_every_file_drops_no_connection_and_a_bad_file_changes_nothing() {
    let bench = Bench::new().await;
    let over = Arc::new(AtomicBool::new(false));
    let (callers, served) = load(&bench.runtime, &over);
    for kind in Kind::ALL {
        for (number, manner) in Manner::ALL.into_iter().enumerate() {
            let before = served.load(Ordering::Relaxed);
            bench.replace(kind, manner, number + 1).await;
            assert!(served.load(Ordering::Relaxed) > before, "nobody was served meanwhile");
        }
    }
    over.store(true, Ordering::Relaxed);
    for caller in callers {
        caller.await.expect("a caller was let down");
    }
}
