//! From an accepted socket to an authenticated connection, within one deadline.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use policy::{SerialNumber, VpcEndpointId};
use rustls::{CertificateError, Error, ProtocolVersion};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::config::{Config, ProxyProtocol};
use crate::proxy_protocol::{self, Origin, ProxyError};
use crate::snapshots::Snapshots;
use crate::socket::Socket;
use crate::trust::{Peer, Presented, observe};

/// An authenticated connection.
#[derive(Debug)]
pub(crate) struct Established {
    /// Speaks HTTP next. Boxed: it is large, and handed on from future to future.
    pub(crate) stream: Box<TlsStream<Socket>>,
    /// Who it is; `None` only with `clientAuth: optional`.
    pub(crate) peer: Option<Arc<Peer>>,
    /// Whether the caller chose HTTP/2.
    pub(crate) alpn_h2: bool,
    /// The VPC endpoint it came through.
    pub(crate) endpoint: Option<VpcEndpointId>,
    /// `TLSv1.3` or `TLSv1.2`.
    pub(crate) tls_version: &'static str,
    /// The caller's address: the PROXY header's, else the socket's.
    pub(crate) source: SocketAddr,
}

/// What the handshake established.
#[derive(Debug)]
pub(crate) struct Facts {
    /// None if the client showed no certificate, where that is allowed.
    pub(crate) peer: Option<Arc<Peer>>,
    pub(crate) endpoint: Option<VpcEndpointId>,
    pub(crate) source: SocketAddr,
    pub(crate) tls_version: &'static str,
    pub(crate) http2: bool,
}

/// Why there is no connection.
#[derive(Debug)]
pub(crate) struct HandshakeFailure {
    /// Of the closed list.
    pub(crate) cause: HandshakeCause,
    /// For the log alone.
    pub(crate) detail: String,
    /// The VPC endpoint it came through.
    pub(crate) endpoint: Option<VpcEndpointId>,
    /// The caller's address: the PROXY header's, else the socket's.
    pub(crate) source: SocketAddr,
    /// Serial number and subject of the certificate that was refused: what the caller claims, not who it is.
    pub(crate) claimed: Option<(SerialNumber, String)>,
}

/// The closed list of causes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum HandshakeCause {
    /// None was presented.
    NoCertificate,
    /// No path to a trust anchor.
    UnknownIssuer,
    /// A certificate of the path has expired.
    Expired,
    /// A certificate of the path is not valid yet.
    NotYetValid,
    /// A certificate of the path is revoked.
    Revoked,
    /// The CRL has passed its nextUpdate.
    CrlStale,
    /// There are CRLs, but none that covers a certificate of the path.
    RevocationUnknown,
    /// The certificate is not for clients.
    BadPurpose,
    /// The certificate cannot be read. One that can, and names nobody of the trust domain, is answered 401
    /// `badIdentity` instead, which says more to the caller.
    BadIdentity,
    /// No PROXY header, or one that may not be believed.
    BadProxyHeader,
    /// Not TLS, or not as we speak it.
    Protocol,
    /// It took too long.
    Timeout,
}

impl HandshakeCause {
    /// Each cause, in the order of the list.
    pub(crate) const ALL: [Self; 12] = [
        Self::NoCertificate,
        Self::UnknownIssuer,
        Self::Expired,
        Self::NotYetValid,
        Self::Revoked,
        Self::CrlStale,
        Self::RevocationUnknown,
        Self::BadPurpose,
        Self::BadIdentity,
        Self::BadProxyHeader,
        Self::Protocol,
        Self::Timeout,
    ];

    /// As logs and metrics write it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::NoCertificate => "noCertificate",
            Self::UnknownIssuer => "unknownIssuer",
            Self::Expired => "expired",
            Self::NotYetValid => "notYetValid",
            Self::Revoked => "revoked",
            Self::CrlStale => "crlStale",
            Self::RevocationUnknown => "revocationUnknown",
            Self::BadPurpose => "badPurpose",
            Self::BadIdentity => "badIdentity",
            Self::BadProxyHeader => "badProxyHeader",
            Self::Protocol => "protocol",
            Self::Timeout => "timeout",
        }
    }

    /// The one place where rustls's words become ours.
    fn of(error: &Error) -> Self {
        use CertificateError as C;
        let Error::InvalidCertificate(certificate) = error else {
            return if *error == Error::NoCertificatesPresented { Self::NoCertificate } else { Self::Protocol };
        };
        match certificate {
            C::UnknownIssuer => Self::UnknownIssuer,
            C::Expired | C::ExpiredContext { .. } => Self::Expired,
            C::NotValidYet | C::NotValidYetContext { .. } => Self::NotYetValid,
            C::Revoked => Self::Revoked,
            C::ExpiredRevocationList | C::ExpiredRevocationListContext { .. } => Self::CrlStale,
            C::UnknownRevocationStatus => Self::RevocationUnknown,
            C::InvalidPurpose | C::InvalidPurposeContext { .. } => Self::BadPurpose,
            C::BadEncoding => Self::BadIdentity,
            // A signature made by another key than the certificate's among them.
            _ => Self::Protocol,
        }
    }
}

impl fmt::Display for HandshakeCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Reads the PROXY header if there must be one, and speaks TLS, all by the `deadline`.
///
/// # Errors
/// The connection is refused, and closed.
pub(crate) async fn accept(
    mut tcp: TcpStream,
    remote: SocketAddr,
    snapshots: &Snapshots,
    config: &Config,
    deadline: Instant,
) -> Result<Established, HandshakeFailure> {
    let failure = |origin: &Origin, cause, detail: String, claimed| HandshakeFailure {
        cause,
        detail,
        endpoint: origin.endpoint.clone(),
        source: origin.source.unwrap_or(remote),
        claimed,
    };
    let nowhere = Origin { source: None, endpoint: None };
    let origin = match timeout_at(deadline, origin(&mut tcp, remote, &config.proxy_protocol)).await {
        Ok(Ok(origin)) => origin,
        Ok(Err(error)) => return Err(failure(&nowhere, HandshakeCause::BadProxyHeader, error.to_string(), None)),
        Err(_) => return Err(failure(&nowhere, HandshakeCause::Timeout, "no PROXY header in time".to_owned(), None)),
    };
    let server_config = Arc::clone(snapshots.trust.load().value.server_config());
    // Boxed: it is large, and gone when the connection is served.
    let handshake = Box::pin(observe(TlsAcceptor::from(server_config).accept(Socket::from(tcp)).into_fallible()));
    match timeout_at(deadline, handshake).await {
        Ok((Ok(stream), presented)) => Ok(established(Box::new(stream), presented, origin, remote)),
        Ok((Err((error, tcp)), presented)) => {
            say_farewell(tcp).await;
            let (cause, detail) = cause(&error);
            Err(failure(&origin, cause, detail, claimed(presented)))
        }
        Err(_) => Err(failure(&origin, HandshakeCause::Timeout, "no TLS handshake in time".to_owned(), None)),
    }
}

async fn origin(tcp: &mut TcpStream, remote: SocketAddr, mode: &ProxyProtocol) -> Result<Origin, ProxyError> {
    match mode {
        ProxyProtocol::Off => Ok(Origin { source: None, endpoint: None }),
        ProxyProtocol::Required { from } if from.is_empty() || from.iter().any(|each| each.contains(remote.ip())) => {
            proxy_protocol::read_required(tcp).await
        }
        ProxyProtocol::Required { .. } => Err(ProxyError::Sender(remote.ip())),
    }
}

/// How long a refused caller may take to read why.
const FAREWELL: Duration = Duration::from_millis(200);

/// Reads what the caller still sends: with something unread, closing would reset the connection, and the alert might
/// never be seen.
async fn say_farewell(mut tcp: Socket) {
    let read_on = async {
        let _ = tcp.shutdown().await;
        let mut rest = [0; 1024];
        while matches!(tcp.read(&mut rest).await, Ok(1..)) {}
    };
    let _ = timeout(FAREWELL, read_on).await;
}

fn established(
    stream: Box<TlsStream<Socket>>,
    presented: Option<Presented>,
    origin: Origin,
    remote: SocketAddr,
) -> Established {
    let (_, session) = stream.get_ref();
    let peer = match presented {
        Some(Presented::Verified(peer)) => Some(peer),
        Some(Presented::Refused(_)) | None => None,
    };
    Established {
        peer,
        alpn_h2: session.alpn_protocol() == Some(b"h2"),
        tls_version: if session.protocol_version() == Some(ProtocolVersion::TLSv1_3) { "TLSv1.3" } else { "TLSv1.2" },
        endpoint: origin.endpoint,
        source: origin.source.unwrap_or(remote),
        stream,
    }
}

fn cause(error: &io::Error) -> (HandshakeCause, String) {
    let rustls = error.get_ref().and_then(|error| error.downcast_ref::<Error>());
    (rustls.map_or(HandshakeCause::Protocol, HandshakeCause::of), error.to_string())
}

fn claimed(presented: Option<Presented>) -> Option<(SerialNumber, String)> {
    match presented? {
        Presented::Verified(peer) => Some((peer.serial().clone(), peer.subject().to_owned())),
        Presented::Refused(claimed) => claimed,
    }
}

#[cfg(test)]
mod tests;
