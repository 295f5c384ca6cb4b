//! A runtime as it is deployed, a process of its own, and callers of it. The bench in `examples/sources` includes it too.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, reason = "test code, each user needs a part")]

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::sync::OnceCell;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::authority::{CertificateContent, TestAuthority, TestCertificate};

/// Nothing takes longer, unless it never comes.
const LONG: Duration = Duration::from_secs(120);
static BINARY: OnceCell<PathBuf> = OnceCell::const_new();

/// What a runtime needs on its disk, and who issues certificates.
pub(crate) struct Ground {
    pub(crate) folder: TempDir,
    pub(crate) authority: TestAuthority,
}

impl Ground {
    pub(crate) fn new() -> Self {
        let ground = Self { folder: tempfile::tempdir().unwrap(), authority: TestAuthority::root("Test CA") };
        let server = ground.authority.issue(&CertificateContent::server());
        ground.write("server.crt", &server.pem);
        ground.write("server.key", &server.key_pem);
        ground.write("ca.crt", &ground.authority.pem);
        ground
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Whole, as a careful tool does.
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        std::fs::write(self.path("new"), content).unwrap();
        std::fs::rename(self.path("new"), self.path(name)).unwrap();
    }

    /// A caller of this name, with this serial number.
    pub(crate) fn caller(&self, name: &str, serial: u32) -> TestCertificate {
        let content = CertificateContent::caller(&[&format!("spiffe://a.example/{name}")]);
        self.authority.issue(&CertificateContent { serial: serial.to_be_bytes().to_vec(), ..content })
    }
}

/// A runtime that serves. Dropped, it is killed.
pub(crate) struct Gate {
    child: Child,
    address: SocketAddr,
    admin: SocketAddr,
    anchors: String,
    pub(crate) ready_after: Duration,
}

/// The usual certificate; `rest` begins with what else goes below `tls:`.
pub(crate) fn with_files(rest: &str) -> String {
    format!("  certificateChain: server.crt\n  privateKey: server.key\n  clientTrustAnchors: ca.crt\n{rest}")
}

/// The binary, built with this process's profile.
pub(crate) async fn binary() -> PathBuf {
    let build = async || {
        let mut built =
            local_stack::build::binaries(&["api-runtime"], &local_stack::Progress::default()).await.unwrap();
        built.remove("api-runtime").unwrap()
    };
    BINARY.get_or_init(build).await.clone()
}

impl Gate {
    /// Starts a runtime whose configuration goes on with `tls` below `tls:`.
    ///
    /// # Errors
    /// What it said when it would not.
    pub(crate) async fn start(ground: &Ground, tls: &str, env: &[(String, String)]) -> Result<Self, String> {
        Self::of(&binary().await, ground, tls, env).await
    }

    pub(crate) async fn of(
        binary: &Path,
        ground: &Ground,
        tls: &str,
        env: &[(String, String)],
    ) -> Result<Self, String> {
        let began = Instant::now();
        let yaml = format!(
            "listen: 127.0.0.1:0\nadminListen: 127.0.0.1:0\ntelemetry: {{ accessLog: off }}\n\
             identity: {{ trustDomain: a.example }}\ntls:\n{tls}"
        );
        ground.write("runtime.yaml", yaml);
        let mut command = Command::new(binary);
        command.arg("--config").arg(ground.path("runtime.yaml")).envs(env.iter().cloned()).kill_on_drop(true);
        command.stdin(Stdio::null()).stdout(written::file("api-runtime")).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
        let (mut said, mut listening, mut kept) = (String::new(), None, written::Lines::of("api-runtime"));
        while listening.is_none() {
            let Ok(Some(line)) = tokio::time::timeout(LONG * 5, log.next_line()).await.unwrap() else {
                return Err(said);
            };
            kept.keep(&line);
            let line_of = serde_json::from_str::<Value>(&line).unwrap_or_default();
            let address = |key: &str| line_of.get(key).and_then(Value::as_str).and_then(|text| text.parse().ok());
            listening = address("callers").zip(address("admin"));
            said = format!("{said}{line}\n");
        }
        tokio::spawn(async move {
            while let Ok(Some(line)) = log.next_line().await {
                kept.keep(&line);
            }
        });
        let (address, admin) = listening.unwrap();
        Ok(Self { child, address, admin, anchors: ground.authority.pem.clone(), ready_after: began.elapsed() })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id().unwrap()
    }

    pub(crate) async fn connect(&self, caller: &TestCertificate) -> Open {
        let mut roots = RootCertStore::empty();
        CertificateDer::pem_slice_iter(self.anchors.as_bytes()).for_each(|root| roots.add(root.unwrap()).unwrap());
        let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
        let config = config.with_safe_default_protocol_versions().unwrap().with_root_certificates(roots);
        let chain = vec![CertificateDer::from(caller.der.clone())];
        let key = PrivateKeyDer::from_pem_slice(caller.key_pem.as_bytes()).unwrap();
        let config = config.with_client_auth_cert(chain, key).unwrap();
        let tcp = TcpStream::connect(self.address).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        let stream = TlsConnector::from(Arc::new(config)).connect(name, tcp);
        Open(tokio::time::timeout(LONG, stream).await.unwrap().unwrap())
    }

    /// The status of a GET on a new connection, and the reason if it was denied.
    pub(crate) async fn get(&self, caller: &TestCertificate, path: &str) -> (u16, String) {
        self.connect(caller).await.get(path).await
    }

    /// A page for operators.
    pub(crate) async fn page(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(self.admin).await.unwrap();
        stream
            .write_all(format!("GET {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").as_bytes())
            .await
            .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer.split_once("\r\n\r\n").unwrap().1.to_owned()
    }

    pub(crate) async fn status(&self) -> Value {
        serde_json::from_str(&self.page("/status").await).unwrap()
    }

    /// The samples of `/metrics`, by name with labels.
    pub(crate) async fn metrics(&self) -> HashMap<String, f64> {
        let text = self.page("/metrics").await;
        let samples = text.lines().filter_map(|line| line.rsplit_once(' '));
        samples.filter_map(|(name, value)| Some((name.to_owned(), value.parse().ok()?))).collect()
    }
}

/// A connection of a caller.
pub(crate) struct Open(TlsStream<TcpStream>);

impl Open {
    pub(crate) async fn get(&mut self, path: &str) -> (u16, String) {
        self.0.write_all(format!("GET {path} HTTP/1.1\r\nhost: a\r\n\r\n").as_bytes()).await.unwrap();
        tokio::time::timeout(LONG, self.answer()).await.unwrap()
    }

    async fn answer(&mut self) -> (u16, String) {
        let mut said = Vec::new();
        loop {
            let text = String::from_utf8_lossy(&said).into_owned();
            if let Some((head, body)) = text.split_once("\r\n\r\n") {
                let head = head.to_lowercase();
                let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
                if body.len() >= length.unwrap_or(0) {
                    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
                    let body = serde_json::from_str::<Value>(body).unwrap_or_default();
                    return (status, body.get("reason").and_then(Value::as_str).unwrap_or_default().to_owned());
                }
            }
            let mut buffer = [0; 4096];
            let count = self.0.read(&mut buffer).await.unwrap();
            assert!(count > 0, "closed within an answer: {text}");
            said.extend(buffer.iter().take(count));
        }
    }

    /// When it is closed, though it asks for nothing.
    pub(crate) async fn closed(&mut self) -> Instant {
        let read = tokio::time::timeout(LONG, self.0.read(&mut [0; 64])).await.expect("it stays open");
        assert!(!matches!(read, Ok(1..)), "it was answered");
        Instant::now()
    }

    /// The server's certificate, in DER.
    pub(crate) fn server_certificate(&self) -> Vec<u8> {
        self.0.get_ref().1.peer_certificates().unwrap().first().unwrap().to_vec()
    }
}
