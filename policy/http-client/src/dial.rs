//! The way to a server: TCP, and TLS over it.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::origin::Origin;

/// For an address of a host that has others as well: a network without IPv6 must not cost the whole time.
const ONE_OF_MANY: Duration = Duration::from_secs(1);

/// Bytes both ways. Erased: what speaks over it is compiled once for TLS and plain text.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// How connections are opened.
pub(crate) struct Dialer {
    tls: TlsConnector,
}

impl Dialer {
    /// # Errors
    /// The cryptography provider lacks a protocol version; ours has all.
    pub(crate) fn new(authorities: RootCertStore) -> Result<Self, rustls::Error> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(authorities)
            .with_no_client_auth();
        tls.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { tls: TlsConnector::from(Arc::new(tls)) })
    }

    pub(crate) async fn connect(&self, origin: &Origin) -> io::Result<Box<dyn Stream>> {
        let tcp = tcp(&origin.host, origin.port).await?;
        tcp.set_nodelay(true)?;
        if !origin.encrypted {
            return Ok(Box::new(tcp));
        }
        let name = ServerName::try_from(origin.host.clone());
        let name = name.map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        Ok(Box::new(self.tls.connect(name, tcp).await?))
    }
}

async fn tcp(host: &str, port: u16) -> io::Result<TcpStream> {
    let mut addresses: Vec<SocketAddr> = tokio::net::lookup_host((host, port)).await?.collect();
    other_family_second(&mut addresses);
    let Some((last, others)) = addresses.split_last() else {
        return Err(io::Error::new(io::ErrorKind::NotFound, "the name has no address"));
    };
    for address in others {
        match timeout(ONE_OF_MANY, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => tracing::debug!(%address, %error, "tries the next address"),
            Err(_) => tracing::debug!(%address, "does not answer; tries the next address"),
        }
    }
    TcpStream::connect(last).await
}

/// Many silent addresses of one family would take all the time there is.
fn other_family_second(addresses: &mut Vec<SocketAddr>) {
    let is_ipv6 = addresses.first().is_some_and(SocketAddr::is_ipv6);
    if let Some(other) = addresses.iter().position(|address| address.is_ipv6() != is_ipv6) {
        let address = addresses.remove(other);
        addresses.insert(1, address);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_address_is_of_the_other_family() {
        for (found, tried) in [
            (&[][..], &[][..]),
            (&["[::1]:1"], &["[::1]:1"]),
            (
                &["[::1]:1", "[::2]:1", "[::3]:1", "10.0.0.1:1", "10.0.0.2:1"],
                &["[::1]:1", "10.0.0.1:1", "[::2]:1", "[::3]:1", "10.0.0.2:1"],
            ),
            (&["10.0.0.1:1", "[::1]:1"], &["10.0.0.1:1", "[::1]:1"]),
        ] {
            let mut addresses: Vec<SocketAddr> = found.iter().map(|address| address.parse().unwrap()).collect();
            other_family_second(&mut addresses);
            assert_eq!(addresses.iter().map(ToString::to_string).collect::<Vec<_>>(), tried);
        }
    }
}
