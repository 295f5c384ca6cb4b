//! Both sides of a TLS connection, each with the certificate of a secret.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rcgen::{CertificateParams, IsCa, KeyPair};
use rustls::crypto::aws_lc_rs;
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{TlsAcceptor, TlsConnector};

/// A server that greets every caller whose certificate it accepts.
pub(crate) struct Listening {
    pub(crate) port: u16,
    callers: Arc<AtomicUsize>,
}

impl Listening {
    pub(crate) fn callers(&self) -> usize {
        self.callers.load(Ordering::Relaxed)
    }
}

/// With the certificate of a secret; it trusts the callers' root alone.
pub(crate) async fn listen(own: &Value, callers_root: &str) -> Listening {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let verifier =
        WebPkiClientVerifier::builder_with_provider(roots(callers_root).into(), provider.clone()).build().unwrap();
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_client_cert_verifier(verifier).with_single_cert(chain(own), key(own)).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let callers = Arc::<AtomicUsize>::default();
    let counted = Arc::clone(&callers);
    let acceptor = TlsAcceptor::from(Arc::new(config));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, counted) = (acceptor.clone(), Arc::clone(&counted));
            tokio::spawn(async move {
                let mut stream = acceptor.accept(stream).await?;
                counted.fetch_add(1, Ordering::Relaxed);
                let _asked = stream.read(&mut [0; 1024]).await?;
                stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await?;
                stream.shutdown().await
            });
        }
    });
    Listening { port, callers }
}

/// Calls with the certificate of a secret; the first line of the answer.
pub(crate) async fn call(server: &Listening, own: &Value) -> io::Result<String> {
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    let config = config.with_safe_default_protocol_versions().unwrap();
    let config = config.with_root_certificates(roots(own["chain"].as_str().unwrap()));
    let config = config.with_client_auth_cert(chain(own), key(own)).unwrap();
    let stream = TcpStream::connect(("127.0.0.1", server.port)).await?;
    let name = ServerName::try_from("localhost").unwrap();
    let mut stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await?;
    stream.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer.lines().next().unwrap_or_default().to_owned())
}

/// A certificate authority that issued nothing here.
pub(crate) fn another_root() -> String {
    let mut parameters = CertificateParams::default();
    parameters.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    parameters.self_signed(&KeyPair::generate().unwrap()).unwrap().pem()
}

fn roots(pem: &str) -> RootCertStore {
    let mut roots = RootCertStore::empty();
    CertificateDer::pem_slice_iter(pem.as_bytes()).for_each(|root| roots.add(root.unwrap()).unwrap());
    roots
}

fn chain(secret: &Value) -> Vec<CertificateDer<'static>> {
    let pem = format!("{}\n{}", secret["certificate"].as_str().unwrap(), secret["chain"].as_str().unwrap());
    CertificateDer::pem_slice_iter(pem.as_bytes()).collect::<Result<_, _>>().unwrap()
}

fn key(secret: &Value) -> PrivateKeyDer<'static> {
    PrivateKeyDer::from_pem_slice(secret["privateKey"].as_str().unwrap().as_bytes()).unwrap()
}
