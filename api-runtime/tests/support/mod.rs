//! A runtime with everything around it, as a test needs it: certificates, files, callers, an upstream.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_debug_implementations,
    reason = "test code, each test file needs a part"
)]

#[path = "../../src/test_authority.rs"]
pub mod authority;
pub mod client;
pub mod frames;
pub mod lines;
pub mod strict;
pub mod upstream;

use api_runtime::{Config, Drain, Listener};
use authority::{CertificateContent, CrlContent, TestAuthority, TestCertificate};
use serde_json::Value;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

pub const ORDERS: &str = "spiffe://internal.example/prod/orders-api";
pub const STRANGER: &str = "spiffe://internal.example/prod/stranger";
pub const SERIAL: &str = "a1b2c";
/// Nothing in these tests takes longer, unless it never comes.
pub const SOON: Duration = Duration::from_secs(10);

pub const POLICY: &str = r#"
version: 1
trustDomain: internal.example
endpoints: { unlisted: reject, consumers: [] }
callers:
  - identity: spiffe://internal.example/prod/orders-api
    permit:
      - { id: read, methods: [GET, HEAD], paths: ["/v1/{*rest}"] }
      - { id: write, methods: [POST, PUT], paths: ["/v1/uploads/{*rest}", "/grpc.Service/{method}"] }
    forbid:
      - { id: no-secrets, paths: ["/v1/secret/{*rest}"] }
"#;

/// The files of a runtime, before it starts. Several may share them.
#[derive(Clone)]
pub struct Setup {
    pub dir: Arc<TempDir>,
    pub authority: Arc<TestAuthority>,
    /// Below `identity:`, `tls:`, `policy:` and at the top of the configuration.
    identity: String,
    tls: String,
    policy: String,
    top: String,
    source: String,
}

impl Setup {
    pub fn new() -> Self {
        let setup = Self {
            dir: Arc::new(tempfile::tempdir().unwrap()),
            authority: Arc::new(TestAuthority::root("Test CA")),
            identity: String::new(),
            tls: String::new(),
            policy: String::new(),
            top: String::new(),
            source: "file:access.yaml".into(),
        };
        let server = setup.authority.issue(&CertificateContent::server());
        setup.write("server.crt", &server.pem);
        setup.write("server.key", &server.key_pem);
        setup.write("ca.crt", &setup.authority.pem);
        setup.write("access.yaml", POLICY);
        setup
    }

    pub fn tls(mut self, yaml: &str) -> Self {
        self.tls += &format!("  {yaml}\n");
        self
    }

    pub fn identity(mut self, yaml: &str) -> Self {
        self.identity += &format!("  {yaml}\n");
        self
    }

    pub fn policy(mut self, yaml: &str) -> Self {
        self.policy += &format!("  {yaml}\n");
        self
    }

    /// Another source of the policy.
    pub fn source(self, uri: &str) -> Self {
        Self { source: uri.to_owned(), ..self }
    }

    pub fn top(mut self, yaml: &str) -> Self {
        self.top += &format!("{yaml}\n");
        self
    }

    pub fn upstream(self, address: SocketAddr) -> Self {
        self.top(&format!("upstream: http://{address}"))
    }

    /// An empty deny list, read again at once when it changes.
    pub fn deny_list(self) -> Self {
        self.write("deny.yaml", "entries: []\n");
        self.top("denyList: { source: \"file:deny.yaml\", refresh: 50ms }")
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        replace(&self.path(name), text);
    }

    pub fn crl(self, content: &CrlContent) -> Self {
        self.write("ca.crl", &self.authority.crl_pem(content));
        self.tls("crls: [ca.crl]")
    }

    pub fn yaml(&self) -> String {
        let Self { identity, tls, policy, top, source, .. } = self;
        let log = if top.contains("telemetry:") { "" } else { "telemetry: { accessLog: access.log }\n" };
        format!(
            "listen: 127.0.0.1:0\nadminListen: 127.0.0.1:0\n{log}identity:\n  trustDomain: internal.example\n{identity}\
             tls:\n  certificateChain: server.crt\n  privateKey: server.key\n  clientTrustAnchors: ca.crt\n  refresh: 50ms\n{tls}\
             policy:\n  source: \"{source}\"\n  refresh: 50ms\n{policy}{top}"
        )
    }

    pub fn config(&self) -> Config {
        Config::parse(&self.yaml(), "runtime.yaml", self.dir.path()).unwrap()
    }

    pub fn caller(&self, identity: &str) -> TestCertificate {
        self.authority.issue(&CertificateContent::caller(&[identity]))
    }

    pub async fn start(self) -> Runtime {
        let listener = Listener::bind(self.config()).await.unwrap();
        let (addr, admin) = (listener.local_addr(), listener.admin_addr());
        let (stop, stopped) = oneshot::channel::<Drain>();
        let task = tokio::spawn(api_runtime::run(listener, async { stopped.await.unwrap_or(Drain::AtOnce) }));
        let log = Log(self.path("access.log"));
        Runtime { _log: log, setup: self, addr, admin, stop: Some(stop), task }
    }
}

/// A runtime that serves. Dropped, it ends at once.
pub struct Runtime {
    /// Dropped before the folder is.
    _log: Log,
    pub setup: Setup,
    pub addr: SocketAddr,
    pub admin: SocketAddr,
    stop: Option<oneshot::Sender<Drain>>,
    pub task: JoinHandle<()>,
}

impl Runtime {
    pub fn stop(&mut self, drain: Drain) {
        self.stop.take().unwrap().send(drain).unwrap();
    }

    /// A caller of the policy.
    pub fn orders(&self) -> client::Caller {
        self.caller(&self.setup.caller(ORDERS))
    }

    pub fn caller(&self, certificate: &TestCertificate) -> client::Caller {
        client::Caller::new(self.addr, &self.setup.authority.pem, Some(certificate))
    }

    pub fn log_text(&self) -> String {
        std::fs::read_to_string(self.setup.path("access.log")).unwrap_or_default()
    }

    pub fn log(&self) -> Vec<Value> {
        self.log_text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The first line of which this is true; it may take a moment to be written.
    pub async fn log_line(&self, wanted: impl Fn(&Value) -> bool) -> Value {
        eventually(|| self.log().into_iter().find(&wanted)).await
    }

    pub async fn access_line(&self) -> Value {
        self.log_line(|line| line["event"] == "access").await
    }

    pub async fn admin(&self, path: &str) -> (u16, String) {
        client::plain_get(self.admin, path).await
    }

    pub async fn metrics(&self) -> String {
        self.admin("/metrics").await.1
    }

    /// The value of a sample of `/metrics`, by its name with labels.
    pub async fn metric(&self, sample: &str) -> f64 {
        let text = self.metrics().await;
        let line = text.lines().find_map(|line| line.strip_prefix(sample)?.strip_prefix(' '));
        line.map_or(0.0, |value| value.parse().unwrap())
    }

    pub async fn until_metric(&self, sample: &str, value: f64) {
        let started = Instant::now();
        while (self.metric(sample).await - value).abs() > 1e-9 {
            assert!(started.elapsed() < SOON, "{sample} never came to {value}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

/// The access log of a runtime.
struct Log(PathBuf);

impl Drop for Log {
    /// Every line of every test is one that is documented, and none tells a secret.
    fn drop(&mut self) {
        let log = std::fs::read_to_string(&self.0).unwrap_or_default();
        written::check("access.log", &log);
        lines::check(&log);
    }
}

/// Asks again until there is something.
pub async fn eventually<T>(mut look: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(started.elapsed() < SOON, "it never came");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// The same for what takes time to ask.
pub async fn eventually_async<T>(look: impl AsyncFn() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(started.elapsed() < SOON, "it never came");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Replaces a file whole, as a careful tool does.
pub fn replace(path: &Path, text: &str) {
    let new = path.with_extension("new");
    std::fs::write(&new, text).unwrap();
    std::fs::rename(new, path).unwrap();
}
