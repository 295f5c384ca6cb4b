//! A real TLS connection with the pending certificate.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustls::client::ResolvesClientCert;
use rustls::sign::SingleCertAndKey;
use rustls::{ClientConfig, Error as TlsError};
use telemetry::Deadline;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::TestAddress;
use crate::certificate::{Mismatch, certified_key, provider, trust_anchors};
use crate::document::Complete;

/// For the connection, the handshake and the answer together.
const TIME: Duration = Duration::from_secs(10);

/// Why the certificate is not used.
#[derive(Debug, thiserror::Error)]
pub enum HandshakeError {
    /// It cannot be presented.
    #[error(transparent)]
    Certificate(#[from] Mismatch),
    /// It cannot be presented.
    #[error("no TLS connection can be configured")]
    Configuration(#[source] TlsError),
    /// Nobody is there.
    #[error("cannot connect to `{address}`: {cause}")]
    Connect { address: TestAddress, cause: io::Error },
    /// The handshake failed, on one of the two sides.
    #[error("the handshake with `{address}` failed: {cause}")]
    Handshake { address: TestAddress, cause: io::Error },
    /// Authentication failed.
    #[error("`{address}` answers 401: it does not know the certificate, or not the identity")]
    Unauthorized { address: TestAddress },
    /// It is not HTTP.
    #[error("`{address}` does not answer in HTTP/1.1")]
    NotHttp { address: TestAddress },
    /// It takes too long.
    #[error("`{address}` does not answer in time")]
    TimedOut { address: TestAddress },
}

/// Connects as a caller. With TLS 1.3 a server may refuse a certificate after the client's side of the handshake has ended:
/// only its answer to a request says that it has not. Whether the caller may do anything there is not asked.
pub(crate) async fn test(address: &TestAddress, complete: &Complete, by: Deadline) -> Result<(), HandshakeError> {
    let connector = connector(complete)?;
    let time = tokio::time::timeout(TIME, converse(address, &connector));
    match by.limit(time).await {
        Some(Ok(outcome)) => outcome,
        _ => Err(HandshakeError::TimedOut { address: address.clone() }),
    }
}

fn connector(complete: &Complete) -> Result<TlsConnector, HandshakeError> {
    let key = certified_key(&complete.certificate, &complete.chain, &complete.private_key)?;
    let resolver: Arc<dyn ResolvesClientCert> = Arc::new(SingleCertAndKey::from(key));
    let mut config = ClientConfig::builder_with_provider(Arc::new(provider()))
        .with_safe_default_protocol_versions()
        .map_err(HandshakeError::Configuration)?
        .with_root_certificates(trust_anchors(&complete.chain)?)
        .with_client_cert_resolver(resolver);
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsConnector::from(Arc::new(config)))
}

async fn converse(address: &TestAddress, connector: &TlsConnector) -> Result<(), HandshakeError> {
    let failed = |cause| HandshakeError::Handshake { address: address.clone(), cause };
    let stream = TcpStream::connect(address.host_and_port()).await;
    let stream = stream.map_err(|cause| HandshakeError::Connect { address: address.clone(), cause })?;
    let mut stream = connector.connect(address.server_name(), stream).await.map_err(failed)?;
    let request = format!(
        "GET /linkward-rotation-test HTTP/1.1\r\nhost: {address}\r\nuser-agent: linkward-certificate-rotator\r\nconnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.map_err(failed)?;
    let mut status = [0; b"HTTP/1.1 200".len()];
    stream.read_exact(&mut status).await.map_err(failed)?;
    match status.strip_prefix(b"HTTP/1.1 ") {
        None => Err(HandshakeError::NotHttp { address: address.clone() }),
        Some(b"401") => Err(HandshakeError::Unauthorized { address: address.clone() }),
        Some(_) => Ok(()),
    }
}
