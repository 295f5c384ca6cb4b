//! A stand-in for what AWS does between a VPC endpoint and the runtime: a TCP forwarder that puts the PROXY v2 header of a Network Load
//! Balancer in front, with the endpoint's id. One listener per VPC endpoint, as over PrivateLink the header alone tells who called.

use std::net::{Ipv4Addr, SocketAddr};

use anyhow::Context as _;
use policy::VpcEndpointId;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

const SIGNATURE: [u8; 12] = [0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a];
const VERSION_2_PROXY: u8 = 0x21;
const TCP_OVER_IPV4: u8 = 0x11;
const TYPE_CRC32C: u8 = 0x03;
const TYPE_AWS: u8 = 0xea;
const AWS_VPC_ENDPOINT_ID: u8 = 0x01;

/// The load balancer as one VPC endpoint sees it. Dropping it cuts its connections.
#[derive(Debug)]
pub(crate) struct Nlb {
    /// Where the endpoint's network interface would listen.
    pub(crate) address: SocketAddr,
    _task: JoinSet<()>,
}

impl Nlb {
    /// Listens on a free port for what comes through `endpoint`, and forwards to `target`.
    pub(crate) async fn listen(endpoint: &VpcEndpointId, target: SocketAddr) -> anyhow::Result<Self> {
        let listener =
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("no free port for the load balancer")?;
        let address = listener.local_addr()?;
        let mut task = JoinSet::new();
        task.spawn(accept(listener, endpoint.clone(), target));
        Ok(Self { address, _task: task })
    }
}

async fn accept(listener: TcpListener, endpoint: VpcEndpointId, target: SocketAddr) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                if let Ok((client, _)) = accepted {
                    connections.spawn(forward(client, endpoint.clone(), target));
                }
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

/// A target that is away or cuts the connection is the client's to see: its side ends too.
async fn forward(mut client: TcpStream, endpoint: VpcEndpointId, target: SocketAddr) -> std::io::Result<()> {
    let header = header(client.peer_addr()?, client.local_addr()?, &endpoint);
    let mut server = TcpStream::connect(target).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    server.write_all(&header).await?;
    tokio::io::copy_bidirectional(&mut client, &mut server).await?;
    Ok(())
}

/// The header, <https://www.haproxy.org/download/2.9/doc/proxy-protocol.txt> §2.2, with AWS's TLV
/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/network/load-balancer-target-groups.html#custom-tlv>.
fn header(source: SocketAddr, destination: SocketAddr, endpoint: &VpcEndpointId) -> Vec<u8> {
    let mut body = Vec::new();
    for address in [source, destination] {
        let SocketAddr::V4(address) = address else { continue };
        body.extend(address.ip().octets());
    }
    body.extend(source.port().to_be_bytes());
    body.extend(destination.port().to_be_bytes());
    let checksum_at = SIGNATURE.len() + 4 + body.len() + 3;
    tlv(&mut body, TYPE_CRC32C, &[0; 4]);
    tlv(&mut body, TYPE_AWS, &[&[AWS_VPC_ENDPOINT_ID], endpoint.as_str().as_bytes()].concat());
    let mut header = SIGNATURE.to_vec();
    header.extend([VERSION_2_PROXY, TCP_OVER_IPV4]);
    header.extend(u16::try_from(body.len()).unwrap_or(u16::MAX).to_be_bytes());
    header.extend(body);
    // §2.2.4: computed over the whole header with the checksum's own bytes zero.
    let checksum = crc32c(&header).to_be_bytes();
    header.splice(checksum_at..checksum_at + checksum.len(), checksum);
    header
}

fn tlv(body: &mut Vec<u8>, kind: u8, value: &[u8]) {
    body.push(kind);
    body.extend(u16::try_from(value.len()).unwrap_or(u16::MAX).to_be_bytes());
    body.extend(value);
}

/// CRC-32C (Castagnoli, RFC 4960 appendix B), bit by bit: a header is a hundred bytes.
fn crc32c(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for &byte in bytes {
        crc ^= u32::from(byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0x82f6_3b78 & (crc & 1).wrapping_neg());
        }
    }
    !crc
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Captured behind a real Network Load Balancer: 172.31.7.113:51442 through `vpce-08d2bf15fac5001c9`, padded by 36 zero bytes.
    const REAL: &str = "0d0a0d0a000d0a515549540a21110054ac1f0771ac1f0a1fc8f20050030004e8d6892d\
        ea001701767063652d30386432626631356661633530303163390400240000";

    fn real() -> Vec<u8> {
        let mut bytes: Vec<u8> =
            (0..REAL.len()).step_by(2).map(|at| u8::from_str_radix(&REAL[at..at + 2], 16).unwrap()).collect();
        bytes.resize(100, 0);
        bytes
    }

    #[test]
    fn the_checksum_is_the_one_of_a_real_load_balancer() {
        let mut bytes = real();
        bytes[31..35].fill(0);
        assert_eq!(crc32c(&bytes), 0xe8d6_892d);
    }

    #[test]
    fn the_header_is_a_real_one_but_for_its_padding() {
        let endpoint = "vpce-08d2bf15fac5001c9".parse().unwrap();
        let ours = header("172.31.7.113:51442".parse().unwrap(), "172.31.10.31:80".parse().unwrap(), &endpoint);
        let real = real();
        let (length, checksum, unpadded) = (14..16, 31..35, 61);
        assert_eq!(ours.len(), unpadded);
        for at in (0..unpadded).filter(|at| !length.contains(at) && !checksum.contains(at)) {
            assert_eq!(ours[at], real[at], "byte {at}");
        }
        assert_eq!(ours[length], 45_u16.to_be_bytes());
    }

    #[tokio::test]
    async fn what_the_client_sends_follows_the_header_and_a_cut_by_the_target_reaches_the_client() {
        use tokio::io::AsyncReadExt as _;
        let target = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let nlb = Nlb::listen(&"vpce-0a".parse().unwrap(), target.local_addr().unwrap()).await.unwrap();
        let mut client = TcpStream::connect(nlb.address).await.unwrap();
        client.write_all(b"hello").await.unwrap();
        let (mut server, _) = target.accept().await.unwrap();
        let mut received = vec![0; 16 + 12 + 7 + 3 + 8 + 5];
        server.read_exact(&mut received).await.unwrap();
        assert!(received.starts_with(&SIGNATURE) && received.ends_with(b"\x01vpce-0ahello"));
        drop(server);
        let ended = tokio::time::timeout(std::time::Duration::from_secs(5), client.read(&mut [0; 1])).await.unwrap();
        assert!(matches!(ended, Ok(0) | Err(_)));
    }
}
