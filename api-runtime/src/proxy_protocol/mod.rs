//! PROXY protocol, version 2, as a Network Load Balancer speaks it.
//!
//! <https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt>, section 2.2. A caller can send a header of its own
//! after the balancer's, so exactly one is read, to the byte, and what follows must be TLS.

mod crc32c;

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use policy::VpcEndpointId;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::net::TcpStream;

use self::crc32c::crc32c;

const SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";
/// Signature, version and command, family, length.
const PREFIX: usize = 16;
/// An NLB's header has 84 bytes after its prefix; this leaves room for what others add.
const LONGEST: usize = 4096;

const CRC32C: u8 = 0x03;
const AWS: u8 = 0xea;
const AWS_VPC_ENDPOINT_ID: u8 = 0x01;
const TLS_HANDSHAKE: u8 = 0x16;

/// What a header says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Header {
    /// The balancer speaks for itself, as in a health check.
    Local,
    /// A caller's connection.
    Proxied(Origin),
}

/// Where a caller's connection comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    /// The caller's address; `None` when the sender does not know it.
    pub(crate) source: Option<SocketAddr>,
    /// The VPC endpoint it came through; none inside the VPC.
    pub(crate) endpoint: Option<VpcEndpointId>,
}

/// Why a connection is refused at its header.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProxyError {
    #[error("closed before the end of its PROXY header")]
    Closed(#[source] std::io::Error),
    #[error("it does not begin with a PROXY v2 header; is proxy protocol v2 on in the target group?")]
    NoHeader,
    #[error("version or command {0:#04x} of the PROXY header is unknown")]
    Command(u8),
    #[error("the PROXY header is LOCAL, which is for health checks on the admin and health ports")]
    Local,
    #[error("the PROXY header is not about TCP over IPv4 or IPv6 (family {0:#04x})")]
    Family(u8),
    #[error("the PROXY header claims {0} bytes; at most 4096 are read")]
    TooLong(usize),
    #[error("the PROXY header is shorter than its parts")]
    Truncated,
    #[error("the PROXY header's checksum is wrong")]
    Checksum,
    #[error("the PROXY header says something twice (type {0:#04x})")]
    Twice(u8),
    #[error("the PROXY header's VPC endpoint id is not one")]
    EndpointId,
    #[error("what follows the PROXY header is not TLS; only one header is read")]
    NotTls,
    #[error("`{0}` may not send a PROXY header; it is not in `proxyProtocol.from`")]
    Sender(std::net::IpAddr),
}

/// Reads the header of a caller's connection, and makes sure that TLS follows.
pub(crate) async fn read_required(stream: &mut TcpStream) -> Result<Origin, ProxyError> {
    let origin = match read(stream).await? {
        Header::Local => return Err(ProxyError::Local),
        Header::Proxied(Origin { source: None, .. }) => return Err(ProxyError::Family(0)),
        Header::Proxied(origin) => origin,
    };
    let mut first = [0];
    match stream.peek(&mut first).await.map_err(ProxyError::Closed)? {
        1 if first == [TLS_HANDSHAKE] => Ok(origin),
        _ => Err(ProxyError::NotTls),
    }
}

/// For the admin and health ports: takes away the header that a balancer's health check begins with, if there is one.
///
/// # Errors
/// It begins like a header and is none; the connection is of no use.
pub(crate) async fn read_optional(stream: &mut TcpStream) -> Result<(), ProxyError> {
    let mut first = [0];
    let length = stream.peek(&mut first).await.map_err(ProxyError::Closed)?;
    // No request begins with a carriage return.
    match length == 1 && SIGNATURE.starts_with(&first) {
        true => read(stream).await.map(drop),
        false => Ok(()),
    }
}

/// Reads one header and not a byte more.
async fn read(stream: &mut (impl AsyncRead + Unpin)) -> Result<Header, ProxyError> {
    let mut prefix = [0; PREFIX];
    stream.read_exact(&mut prefix).await.map_err(ProxyError::Closed)?;
    let length = length(&prefix)?;
    let mut header = prefix.to_vec();
    header.resize(PREFIX + length, 0);
    let (_, rest) = header.split_at_mut(PREFIX);
    stream.read_exact(rest).await.map_err(ProxyError::Closed)?;
    parse(&header)
}

/// How many bytes follow the prefix.
fn length(prefix: &[u8; PREFIX]) -> Result<usize, ProxyError> {
    let [.., high, low] = *prefix;
    let length = usize::from(u16::from_be_bytes([high, low]));
    match (prefix.starts_with(&SIGNATURE), length <= LONGEST) {
        (false, _) => Err(ProxyError::NoHeader),
        (true, false) => Err(ProxyError::TooLong(length)),
        (true, true) => Ok(length),
    }
}

pub(crate) fn parse(header: &[u8]) -> Result<Header, ProxyError> {
    let (prefix, rest) = header.split_first_chunk::<PREFIX>().ok_or(ProxyError::Truncated)?;
    if length(prefix)? != rest.len() {
        return Err(ProxyError::Truncated);
    }
    let [.., command, family, _, _] = *prefix;
    match command {
        0x20 => Ok(Header::Local),
        0x21 => {
            let (source, parts) = source(family, rest)?;
            let endpoint = endpoint(header, parts)?;
            Ok(Header::Proxied(Origin { source, endpoint }))
        }
        _ => Err(ProxyError::Command(command)),
    }
}

/// The caller's address, and what follows the addresses.
fn source(family: u8, rest: &[u8]) -> Result<(Option<SocketAddr>, &[u8]), ProxyError> {
    match family {
        0x00 => Ok((None, rest)),
        0x11 => {
            let (addresses, rest) = rest.split_first_chunk::<12>().ok_or(ProxyError::Truncated)?;
            let [a, b, c, d, _, _, _, _, high, low, _, _] = *addresses;
            let source = SocketAddr::from((Ipv4Addr::new(a, b, c, d), u16::from_be_bytes([high, low])));
            Ok((Some(source), rest))
        }
        0x21 => {
            let (address, rest) = rest.split_first_chunk::<16>().ok_or(ProxyError::Truncated)?;
            let (_destination, rest) = rest.split_first_chunk::<16>().ok_or(ProxyError::Truncated)?;
            let ([high, low, _, _], rest) = rest.split_first_chunk::<4>().ok_or(ProxyError::Truncated)?;
            let source = SocketAddr::from((Ipv6Addr::from(*address), u16::from_be_bytes([*high, *low])));
            Ok((Some(source), rest))
        }
        _ => Err(ProxyError::Family(family)),
    }
}

/// The VPC endpoint among the parts after the addresses (type, length, value); checks the checksum if there is one.
fn endpoint(header: &[u8], mut parts: &[u8]) -> Result<Option<VpcEndpointId>, ProxyError> {
    let (mut endpoint, mut checked) = (None, false);
    while let Some((&[kind, high, low], rest)) = parts.split_first_chunk::<3>() {
        let length = usize::from(u16::from_be_bytes([high, low]));
        let (value, rest) = rest.split_at_checked(length).ok_or(ProxyError::Truncated)?;
        match (kind, value) {
            (CRC32C, _) if checked => return Err(ProxyError::Twice(kind)),
            (CRC32C, _) => {
                check(header, header.len() - rest.len(), value)?;
                checked = true;
            }
            (AWS, [AWS_VPC_ENDPOINT_ID, ..]) if endpoint.is_some() => return Err(ProxyError::Twice(kind)),
            (AWS, [AWS_VPC_ENDPOINT_ID, id @ ..]) => endpoint = Some(endpoint_id(id)?),
            _ => {}
        }
        parts = rest;
    }
    match parts.is_empty() {
        true => Ok(endpoint),
        false => Err(ProxyError::Truncated),
    }
}

fn endpoint_id(id: &[u8]) -> Result<VpcEndpointId, ProxyError> {
    std::str::from_utf8(id).ok().and_then(|id| id.parse().ok()).ok_or(ProxyError::EndpointId)
}

/// The checksum is over the whole header with its own four bytes as zeros; they end at `end`.
fn check(header: &[u8], end: usize, value: &[u8]) -> Result<(), ProxyError> {
    let expected: [u8; 4] = value.try_into().map_err(|_| ProxyError::Checksum)?;
    let (before, rest) = header.split_at_checked(end.saturating_sub(4)).ok_or(ProxyError::Truncated)?;
    let after = rest.get(4..).ok_or(ProxyError::Truncated)?;
    match crc32c(before.iter().chain(&[0; 4]).chain(after)) == u32::from_be_bytes(expected) {
        true => Ok(()),
        false => Err(ProxyError::Checksum),
    }
}

#[cfg(test)]
mod tests;
