//! Calls as a consumer makes them: TLS through the load balancer, with a client certificate or without.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context as _, bail};
use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::certificates::{Credentials, SERVER_NAME};

/// How long one call may take before it counts as unanswered.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// An answer, read whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: serde_json::Value,
}

impl Answer {
    /// A text of the body, empty when it is not there.
    pub(crate) fn text(&self, field: &str) -> &str {
        self.body.get(field).and_then(serde_json::Value::as_str).unwrap_or_default()
    }
}

/// Somebody who calls: trusts the demo's root, shows a certificate.
#[derive(Clone)]
pub(crate) struct Caller {
    config: Arc<ClientConfig>,
    /// The name under which the API is known.
    host: Arc<str>,
}

impl std::fmt::Debug for Caller {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Caller")
    }
}

impl Caller {
    pub(crate) fn new(root_pem: &str, credentials: &Credentials) -> anyhow::Result<Self> {
        Self::of(SERVER_NAME, root_pem, credentials)
    }

    /// Of an API that is known by another name.
    pub(crate) fn of(host: &str, root_pem: &str, credentials: &Credentials) -> anyhow::Result<Self> {
        let mut roots = RootCertStore::empty();
        for root in CertificateDer::pem_slice_iter(root_pem.as_bytes()) {
            roots.add(root?)?;
        }
        let chain = CertificateDer::pem_file_iter(&credentials.chain)?.collect::<Result<Vec<_>, _>>()?;
        let key = PrivateKeyDer::from_pem_file(&credentials.key)?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
        let config = config.with_root_certificates(roots).with_client_auth_cert(chain, key)?;
        Ok(Self { config: Arc::new(config), host: host.into() })
    }

    /// One call on a connection of its own.
    pub(crate) async fn call(&self, through: SocketAddr, path: &str) -> anyhow::Result<Answer> {
        self.open(through).await?.call(path).await
    }

    /// A connection that stays open, over HTTP/1.1. TLS 1.3 lets a client believe in a handshake that the server refuses a moment later: then
    /// it ends soon.
    pub(crate) async fn open(&self, through: SocketAddr) -> anyhow::Result<Connection> {
        let stream = self.handshake(through, b"http/1.1").await?;
        let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        Ok(Connection { sender, host: Arc::clone(&self.host), ended: tokio::spawn(connection) })
    }

    /// A response over HTTP/2 whose body is still coming.
    pub(crate) async fn stream(&self, through: SocketAddr, path: &str) -> anyhow::Result<Stream> {
        let stream = self.handshake(through, b"h2").await?;
        let (mut sender, connection) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        let uri = format!("https://{}{path}", self.host);
        let answered =
            tokio::time::timeout(PATIENCE, sender.send_request(Request::get(uri).body(Empty::<Bytes>::new())?));
        let response = answered.await.context("no answer")??;
        if response.status() != 200 {
            bail!("{} instead of 200", response.status());
        }
        Ok(Stream::of(response.into_body()))
    }

    async fn handshake(&self, through: SocketAddr, protocol: &[u8]) -> anyhow::Result<TlsStream<TcpStream>> {
        let mut config = ClientConfig::clone(&self.config);
        config.alpn_protocols = vec![protocol.to_vec()];
        let connect = async {
            let stream = TcpStream::connect(through).await?;
            // The name is the API's, the address the endpoint's: as DNS in the consumer's VPC would have it.
            TlsConnector::from(Arc::new(config))
                .connect(ServerName::try_from(self.host.to_string())?, stream)
                .await
                .map_err(anyhow::Error::from)
        };
        tokio::time::timeout(PATIENCE, connect).await.context("no handshake")?
    }
}

/// An open connection of HTTP/1.1.
#[derive(Debug)]
pub(crate) struct Connection {
    sender: hyper::client::conn::http1::SendRequest<Empty<Bytes>>,
    host: Arc<str>,
    /// Resolves when the connection is over, whoever ended it, and tells how.
    pub(crate) ended: JoinHandle<hyper::Result<()>>,
}

impl Connection {
    pub(crate) async fn call(&mut self, path: &str) -> anyhow::Result<Answer> {
        let request = Request::get(path).header(http::header::HOST, &*self.host).body(Empty::new())?;
        let call = async {
            let response = self.sender.send_request(request).await?;
            let status = response.status().as_u16();
            let body = response.into_body().collect().await?.to_bytes();
            anyhow::Ok(Answer { status, body: serde_json::from_slice(&body).unwrap_or_default() })
        };
        tokio::time::timeout(PATIENCE, call).await.context("no answer")?
    }
}

/// A body that is being read.
#[derive(Debug)]
pub(crate) struct Stream {
    frames: Arc<AtomicU64>,
    /// Resolves when nothing more will come, whoever ended it.
    pub(crate) ended: JoinHandle<()>,
}

impl Stream {
    fn of(mut body: Incoming) -> Self {
        let frames = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&frames);
        let ended = tokio::spawn(async move {
            while let Some(Ok(_)) = body.frame().await {
                counted.fetch_add(1, Ordering::Relaxed);
            }
        });
        Self { frames, ended }
    }

    /// How much has arrived so far.
    pub(crate) fn frames(&self) -> u64 {
        self.frames.load(Ordering::Relaxed)
    }
}

/// The TLS alert by which the server refused, if that is what ended a call.
pub(crate) fn alert(error: &anyhow::Error) -> Option<rustls::AlertDescription> {
    let tls = |cause: &(dyn std::error::Error + 'static)| {
        let io = cause
            .downcast_ref::<std::io::Error>()
            .and_then(std::io::Error::get_ref)
            .and_then(|inner| inner.downcast_ref());
        match io.or_else(|| cause.downcast_ref::<rustls::Error>()) {
            Some(rustls::Error::AlertReceived(alert)) => Some(*alert),
            _ => None,
        }
    };
    error.chain().find_map(tls)
}

/// The status of a plain HTTP `GET`: for the runtime's own ports.
pub(crate) async fn plain(address: SocketAddr, path: &str) -> anyhow::Result<u16> {
    let call = async {
        let stream = TcpStream::connect(address).await?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        let driver = tokio::spawn(connection);
        let request = Request::get(path).header(http::header::HOST, address.to_string()).body(Empty::<Bytes>::new())?;
        let status = sender.send_request(request).await?.status().as_u16();
        driver.abort();
        anyhow::Ok(status)
    };
    tokio::time::timeout(PATIENCE, call).await.context("no answer")?
}
