//! DNS: the system's resolver, or one question to a server that is named. (RFC 1035; A records alone: an endpoint has IPv4.)

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::{Context as _, bail};
use tokio::net::UdpSocket;

use super::check::{Checked, Finding};
use crate::cli::CallOptions;

const WITHIN: Duration = Duration::from_secs(5);
const A_RECORD: u16 = 1;
const INTERNET: u16 = 1;

/// The addresses behind the name, none of them public.
pub(super) async fn check(host: &str, options: &CallOptions) -> Checked<Vec<SocketAddr>> {
    let remedy = "look at the private zone of the consumer's VPC: the module `consumer` puts the name there; run this from that VPC";
    let resolved = tokio::time::timeout(WITHIN, resolve(host, options)).await;
    let addresses = match resolved {
        Ok(Ok(addresses)) if !addresses.is_empty() => addresses,
        Ok(Ok(_)) => return Err(Finding::red(format!("`{host}` has no address"), remedy)),
        Ok(Err(error)) => return Err(Finding::red(format!("`{host}`: {error:#}"), remedy)),
        Err(_) => return Err(Finding::red(format!("`{host}`: no answer in {} s", WITHIN.as_secs()), remedy)),
    };
    let told = addresses.iter().map(|address| address.ip().to_string()).collect::<Vec<_>>().join(", ");
    match addresses.iter().all(|address| is_private(address.ip())) {
        true => Ok((Finding::green(format!("`{host}` is {told}")), addresses)),
        false => Err(Finding::red(format!("`{host}` is {told}, which is public and not an endpoint"), remedy)),
    }
}

async fn resolve(host: &str, options: &CallOptions) -> anyhow::Result<Vec<SocketAddr>> {
    match options.dns_server {
        None => Ok(tokio::net::lookup_host((host, options.port)).await?.collect()),
        Some(server) => {
            let addresses = ask(server, host).await?;
            Ok(addresses.into_iter().map(|address| SocketAddr::new(address.into(), options.port)).collect())
        }
    }
}

fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            let [first, second, ..] = address.octets();
            // Carrier-grade NAT's addresses are used inside of VPCs, too.
            address.is_private() || address.is_loopback() || (first == 100 && (64..128).contains(&second))
        }
        IpAddr::V6(address) => address.is_unique_local() || address.is_loopback(),
    }
}

async fn ask(server: SocketAddr, host: &str) -> anyhow::Result<Vec<Ipv4Addr>> {
    let any: IpAddr =
        if server.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { std::net::Ipv6Addr::UNSPECIFIED.into() };
    let socket = UdpSocket::bind((any, 0)).await?;
    socket.connect(server).await?;
    let [high, low, ..] = *uuid::Uuid::new_v4().as_bytes();
    let id = u16::from_be_bytes([high, low]);
    socket.send(&question(id, host)?).await.with_context(|| format!("{server} cannot be asked"))?;
    let mut buffer = vec![0; 4096];
    loop {
        let length = socket.recv(&mut buffer).await.with_context(|| format!("{server} does not answer"))?;
        let mut answer = Reader { bytes: buffer.get(..length).unwrap_or_default(), at: 0 };
        // Not the answer to this question.
        if answer.u16() != Some(id) {
            continue;
        }
        return answer.addresses().context("an answer that is no DNS")?;
    }
}

fn question(id: u16, host: &str) -> anyhow::Result<Vec<u8>> {
    let recursion_desired = 0x0100_u16;
    let mut bytes: Vec<u8> = [id, recursion_desired, 1, 0, 0, 0].iter().flat_map(|word| word.to_be_bytes()).collect();
    for label in host.trim_end_matches('.').split('.') {
        match u8::try_from(label.len()) {
            Ok(length @ 1..=63) => bytes.push(length),
            _ => bail!("`{host}` is no name"),
        }
        bytes.extend(label.as_bytes());
    }
    bytes.push(0);
    bytes.extend([A_RECORD, INTERNET].iter().flat_map(|word| word.to_be_bytes()));
    Ok(bytes)
}

/// Reads an answer, whose bytes are foreign.
struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn u8(&mut self) -> Option<u8> {
        let byte = self.bytes.get(self.at).copied();
        self.at += 1;
        byte
    }

    fn u16(&mut self) -> Option<u16> {
        Some(u16::from_be_bytes([self.u8()?, self.u8()?]))
    }

    /// Behind the id. None when it is cut off; the error is the server's own.
    fn addresses(&mut self) -> Option<anyhow::Result<Vec<Ipv4Addr>>> {
        let flags = self.u16()?;
        let (questions, answers) = (self.u16()?, self.u16()?);
        self.at += 4;
        match flags & 0x000f {
            0 => {}
            3 => return Some(Err(anyhow::anyhow!("there is no such name"))),
            code => return Some(Err(anyhow::anyhow!("the server answered with code {code}"))),
        }
        for _ in 0..questions {
            self.name()?;
            self.at += 4;
        }
        let mut found = Vec::new();
        for _ in 0..answers {
            self.name()?;
            let (kind, class) = (self.u16()?, self.u16()?);
            self.at += 4;
            let length = self.u16()?;
            if (kind, class, length) == (A_RECORD, INTERNET, 4) {
                found.push(Ipv4Addr::new(self.u8()?, self.u8()?, self.u8()?, self.u8()?));
            } else {
                self.at += usize::from(length);
            }
        }
        Some(Ok(found))
    }

    /// Steps over a name; a pointer ends it.
    fn name(&mut self) -> Option<()> {
        loop {
            match self.u8()? {
                0 => return Some(()),
                length if length >= 0xc0 => {
                    self.at += 1;
                    return Some(());
                }
                length => self.at += usize::from(length),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(flags: u16, records: &[u8], count: u16) -> Option<anyhow::Result<Vec<Ipv4Addr>>> {
        let mut bytes = question(7, "a.example").unwrap();
        bytes[2..4].copy_from_slice(&flags.to_be_bytes());
        bytes[6..8].copy_from_slice(&count.to_be_bytes());
        bytes.extend(records);
        let mut reader = Reader { bytes: &bytes, at: 0 };
        assert_eq!(reader.u16(), Some(7));
        reader.addresses()
    }

    #[test]
    fn addresses_are_read_and_other_records_stepped_over() {
        let alias = [0xc0, 12, 0, 5, 0, 1, 0, 0, 0, 9, 0, 2, 0xc0, 12];
        let address = [0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 10, 0, 0, 7];
        let found = answered(0x8180, &[&alias[..], &address].concat(), 2).unwrap().unwrap();
        assert_eq!(found, [Ipv4Addr::new(10, 0, 0, 7)]);
        assert!(answered(0x8183, &[], 0).unwrap().unwrap_err().to_string().contains("no such name"));
        // Cut off, or lying about its length: no address, and no panic.
        for end in 0..address.len() {
            assert!(answered(0x8180, &address[..end], 1).is_none(), "{end}");
        }
    }

    #[test]
    fn what_is_not_a_name_is_not_asked_for() {
        for host in ["", "a..b", &"x".repeat(64)] {
            assert!(question(1, host).is_err(), "{host}");
        }
    }

    #[test]
    fn public_addresses_are_no_endpoints() {
        for (address, private) in [
            ("10.1.2.3", true),
            ("127.0.0.1", true),
            ("100.64.0.1", true),
            ("8.8.8.8", false),
            ("fd00::1", true),
            ("2001:db8::1", false),
        ] {
            assert_eq!(is_private(address.parse().unwrap()), private, "{address}");
        }
    }
}
