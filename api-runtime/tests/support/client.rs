//! Callers: raw bytes over TLS, or hyper.

use super::SOON;
use super::authority::TestCertificate;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::client::WantsClientCert;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ConfigBuilder, RootCertStore};
use serde_json::Value;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Somebody with a certificate, or without.
#[derive(Clone)]
pub struct Caller {
    pub addr: SocketAddr,
    pub config: ClientConfig,
    /// Sent before TLS.
    pub prologue: Vec<u8>,
}

impl Caller {
    pub fn new(addr: SocketAddr, authority: &str, certificate: Option<&TestCertificate>) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(authority.as_bytes()).unwrap()).unwrap();
        let builder = ClientConfig::builder().with_root_certificates(roots);
        Self { addr, config: authenticated(builder, certificate), prologue: Vec::new() }
    }

    /// One that speaks this version of TLS alone.
    pub fn of_version(
        addr: SocketAddr,
        authority: &str,
        certificate: &TestCertificate,
        version: &'static rustls::SupportedProtocolVersion,
    ) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(authority.as_bytes()).unwrap()).unwrap();
        let builder = ClientConfig::builder_with_protocol_versions(&[version]).with_root_certificates(roots);
        Self { addr, config: authenticated(builder, Some(certificate)), prologue: Vec::new() }
    }

    /// Comes through a VPC endpoint, as a network load balancer says.
    pub fn through(mut self, endpoint: &str) -> Self {
        self.prologue = proxy_header(Some(endpoint));
        self
    }

    pub fn http2(mut self) -> Self {
        self.config.alpn_protocols = vec![b"h2".to_vec()];
        self
    }

    pub async fn connect(&self) -> io::Result<TlsStream<TcpStream>> {
        let mut tcp = TcpStream::connect(self.addr).await?;
        tcp.write_all(&self.prologue).await?;
        let connector = TlsConnector::from(Arc::new(self.config.clone()));
        timeout(SOON, connector.connect(ServerName::try_from("localhost").unwrap(), tcp)).await.unwrap()
    }

    /// A connection for bytes as they are.
    pub async fn raw(&self) -> Raw<TlsStream<TcpStream>> {
        Raw(self.connect().await.unwrap())
    }

    /// What the runtime says to a GET on a new connection.
    pub async fn get(&self, path: &str) -> Answer {
        self.raw().await.get(path).await
    }

    /// The error of a caller who is refused: in TLS 1.3 the client believes in the handshake until it reads.
    pub async fn refusal(&self) -> io::Error {
        match self.connect().await {
            Err(error) => error,
            Ok(mut stream) => {
                let _ = stream.write_all(b"GET /v1/a HTTP/1.1\r\nhost: a\r\n\r\n").await;
                let read = timeout(SOON, stream.read(&mut [0; 64])).await.unwrap();
                match read {
                    Ok(count) => {
                        assert_eq!(count, 0, "the caller was answered");
                        io::ErrorKind::UnexpectedEof.into()
                    }
                    Err(error) => error,
                }
            }
        }
    }

    pub async fn hyper1(&self) -> http1::SendRequest<Full<Bytes>> {
        let (sender, connection) = http1::handshake(TokioIo::new(self.connect().await.unwrap())).await.unwrap();
        tokio::spawn(connection.with_upgrades());
        sender
    }

    pub async fn hyper2(&self) -> (http2::SendRequest<Full<Bytes>>, tokio::task::JoinHandle<hyper::Result<()>>) {
        self.hyper2_with().await
    }

    pub async fn hyper2_with<B>(&self) -> (http2::SendRequest<B>, tokio::task::JoinHandle<hyper::Result<()>>)
    where
        B: http_body::Body<Data = Bytes> + Unpin + Send + 'static,
        B::Error: Into<api_runtime::BodyError>,
    {
        let io = TokioIo::new(self.clone().http2().connect().await.unwrap());
        let (sender, connection) = http2::handshake(TokioExecutor::new(), io).await.unwrap();
        (sender, tokio::spawn(connection))
    }
}

fn authenticated(
    builder: ConfigBuilder<ClientConfig, WantsClientCert>,
    certificate: Option<&TestCertificate>,
) -> ClientConfig {
    let Some(certificate) = certificate else { return builder.with_no_client_auth() };
    let chain = CertificateDer::pem_slice_iter(certificate.pem.as_bytes()).map(Result::unwrap).collect();
    let key = PrivateKeyDer::from_pem_slice(certificate.key_pem.as_bytes()).unwrap();
    builder.with_client_auth_cert(chain, key).unwrap()
}

/// A connection for bytes as they are.
pub struct Raw<S>(pub S);

/// An answer as it came.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.filter(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value).next()
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Raw<S> {
    pub async fn get(&mut self, path: &str) -> Answer {
        self.send(&format!("GET {path} HTTP/1.1\r\nhost: api.internal\r\n\r\n")).await;
        self.answer().await
    }

    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.write_all(bytes.as_ref()).await.unwrap();
        self.0.flush().await.unwrap();
    }

    /// Reads the head of an answer.
    pub async fn head(&mut self) -> Vec<u8> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(timeout(SOON, self.0.read_u8()).await.expect("no answer").expect("no answer"));
        }
        head
    }

    /// Reads one answer with a Content-Length, or without a body.
    pub async fn answer(&mut self) -> Answer {
        let head = String::from_utf8(self.head().await).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let mut answer = Answer { status, head, body: Vec::new() };
        let length = answer.header("content-length").map_or(0, |length| length.parse().unwrap());
        answer.body = vec![0; length];
        timeout(SOON, self.0.read_exact(&mut answer.body)).await.unwrap().unwrap();
        answer
    }

    /// What comes until the other side closes, and how long that takes.
    pub async fn rest(&mut self) -> (Vec<u8>, Duration) {
        let (started, mut rest) = (Instant::now(), Vec::new());
        // A socket that was cut is as good as closed.
        let _ = timeout(SOON, self.0.read_to_end(&mut rest)).await.expect("the connection stays open");
        (rest, started.elapsed())
    }
}

/// For HTTP/1, where the host is a header.
pub fn get1(path: &str) -> Request<Full<Bytes>> {
    Request::get(path).header("host", "api.internal").body(Full::default()).unwrap()
}

/// For HTTP/2, where the host is part of the target.
pub fn get(path: &str) -> Request<Full<Bytes>> {
    Request::get(format!("https://api.internal{path}")).body(Full::default()).unwrap()
}

pub async fn json(response: Response<Incoming>) -> Value {
    serde_json::from_slice(&response.into_body().collect().await.unwrap().to_bytes()).unwrap()
}

pub async fn plain_get(addr: SocketAddr, path: &str) -> (u16, String) {
    let mut raw = Raw(TcpStream::connect(addr).await.unwrap());
    raw.send(format!("GET {path} HTTP/1.1\r\nhost: a\r\n\r\n")).await;
    let answer = raw.answer().await;
    (answer.status, String::from_utf8(answer.body).unwrap())
}

/// The header of a network load balancer: PROXY v2 over IPv4, the endpoint in an AWS TLV.
pub fn proxy_header(endpoint: Option<&str>) -> Vec<u8> {
    let mut rest = vec![192, 0, 2, 7, 10, 0, 0, 1, 0xc8, 0xf2, 0x20, 0xfb];
    if let Some(endpoint) = endpoint {
        rest.push(0xea);
        rest.extend(u16::try_from(endpoint.len() + 1).unwrap().to_be_bytes());
        rest.push(1);
        rest.extend(endpoint.as_bytes());
    }
    let mut header = b"\r\n\r\n\0\r\nQUIT\n\x21\x11".to_vec();
    header.extend(u16::try_from(rest.len()).unwrap().to_be_bytes());
    header.extend(rest);
    header
}
