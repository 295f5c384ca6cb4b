//! Addresses: who may connect, and whom to forward to.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use http::Uri;
use http::uri::Authority;
use serde::de::{Error, MapAccess, Visitor, value::MapAccessDeserializer};
use serde::{Deserialize, Deserializer};

/// Whether each connection begins with a PROXY v2 header: `off`, `required`, or `{ mode: required, from: […] }`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ProxyProtocol {
    /// A connection begins with TLS.
    #[default]
    Off,
    /// Exactly one header, then TLS.
    Required {
        /// Who may connect at all; empty: anybody.
        from: Vec<Network>,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Detailed {
    mode: Word,
    from: Option<Vec<Network>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
enum Word {
    Off,
    Required,
}

impl<'de> Deserialize<'de> for ProxyProtocol {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ProxyProtocolVisitor)
    }
}

struct ProxyProtocolVisitor;

impl<'de> Visitor<'de> for ProxyProtocolVisitor {
    type Value = ProxyProtocol;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("`off`, `required` or `{ mode: required, from: [10.0.0.0/16] }`")
    }

    /// In YAML 1.1 a bare `off` is `false`.
    fn visit_bool<E: Error>(self, on: bool) -> Result<ProxyProtocol, E> {
        self.visit_str(if on { "on" } else { "off" })
    }

    /// The key alone.
    fn visit_unit<E: Error>(self) -> Result<ProxyProtocol, E> {
        Ok(ProxyProtocol::Off)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<ProxyProtocol, E> {
        match text {
            "off" => Ok(ProxyProtocol::Off),
            "required" => Ok(ProxyProtocol::Required { from: Vec::new() }),
            _ => Err(E::custom(format!("`{text}` is no mode of `proxyProtocol`; write `off` or `required`"))),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<ProxyProtocol, A::Error> {
        let Detailed { mode, from } = Deserialize::deserialize(MapAccessDeserializer::new(map))?;
        match (mode, from) {
            (Word::Off, None) => Ok(ProxyProtocol::Off),
            (Word::Off, Some(_)) => Err(A::Error::custom("`from` has no meaning with `mode: off`; remove it")),
            (Word::Required, Some(from)) if from.is_empty() => {
                Err(A::Error::custom("`from` is empty: nobody could connect; name a network, or remove it"))
            }
            (Word::Required, from) => Ok(ProxyProtocol::Required { from: from.unwrap_or_default() }),
        }
    }
}

/// Addresses that share a prefix: `10.0.0.0/16`, or one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    /// IPv4 as its IPv6 mapping, so that one comparison serves both.
    prefix: u128,
    mask: u128,
}

/// Why a text is no network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a network: {problem}; write for example `10.0.0.0/16`")]
pub struct NetworkError {
    text: String,
    problem: &'static str,
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = |problem| NetworkError { text: text.to_owned(), problem };
        let (address, length) = text.split_once('/').map_or((text, None), |(address, length)| (address, Some(length)));
        let address: IpAddr = address.parse().map_err(|_| error("it does not begin with an IP address"))?;
        let width = if address.is_ipv4() { 32 } else { 128 };
        let length = match length {
            None => width,
            Some(digits) => digits
                .parse::<u32>()
                .ok()
                .filter(|length| *length <= width)
                .ok_or_else(|| error("its prefix length is too long or no number"))?,
        };
        let mask = u128::MAX.checked_shl(width - length).unwrap_or(0);
        let prefix = bits(address);
        match prefix & !mask {
            0 => Ok(Self { prefix, mask }),
            _ => Err(error("bits are set beyond its prefix length")),
        }
    }
}

fn bits(address: IpAddr) -> u128 {
    let address = match address {
        IpAddr::V4(address) => address.to_ipv6_mapped(),
        IpAddr::V6(address) => address,
    };
    Ipv6Addr::to_bits(address)
}

impl Network {
    /// Whether an address lies in it; an IPv6 mapping of IPv4 counts as IPv4.
    pub fn contains(&self, address: IpAddr) -> bool {
        bits(address) & self.mask == self.prefix
    }
}

impl<'de> Deserialize<'de> for Network {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        super::scalar::parsed(deserializer)
    }
}

/// Who answers permitted requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upstream {
    /// How to speak to it.
    pub protocol: UpstreamProtocol,
    /// Host and port.
    pub authority: Authority,
}

/// How to speak to the upstream; both without TLS, for it is on the same host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpstreamProtocol {
    /// `http://`
    Http1,
    /// `http2://`, by prior knowledge.
    Http2,
}

/// Why a text is no upstream.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not an upstream: {problem}; write `http://HOST:PORT`, or `http2://HOST:PORT` for HTTP/2")]
pub struct UpstreamError {
    text: String,
    problem: &'static str,
}

impl FromStr for Upstream {
    type Err = UpstreamError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = |problem| UpstreamError { text: text.to_owned(), problem };
        let uri: Uri = text.parse().map_err(|_| error("it is no URL"))?;
        let protocol = match uri.scheme_str() {
            Some("http") => UpstreamProtocol::Http1,
            Some("http2") => UpstreamProtocol::Http2,
            Some("https") => return Err(error("TLS to the upstream is not supported, it runs on the same host")),
            _ => return Err(error("it begins with neither `http://` nor `http2://`")),
        };
        if !matches!(uri.path(), "" | "/") || uri.query().is_some() {
            return Err(error("it has a path; requests are forwarded with their own"));
        }
        match uri.into_parts().authority {
            Some(authority) if authority.as_str().contains('@') => Err(error("it has credentials")),
            Some(authority) if !authority.host().is_empty() => Ok(Self { protocol, authority }),
            _ => Err(error("it names no host")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_contains_its_addresses_and_no_others() {
        for (network, inside, outside) in [
            ("10.0.0.0/16", "10.0.255.1", "10.1.0.0"),
            ("10.0.0.0/16", "::ffff:10.0.0.1", "::10.0.0.1"),
            ("192.0.2.7", "192.0.2.7", "192.0.2.8"),
            ("0.0.0.0/0", "203.0.113.9", "2001:db8::1"),
            ("2001:db8::/32", "2001:db8::1", "2001:db9::1"),
        ] {
            let parsed: Network = network.parse().unwrap();
            assert!(parsed.contains(inside.parse().unwrap()), "{network} {inside}");
            assert!(!parsed.contains(outside.parse().unwrap()), "{network} {outside}");
        }
        assert!("::/0".parse::<Network>().unwrap().contains("203.0.113.9".parse().unwrap()));
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for text in ["", "10.0.0.0/33", "10.0.0.1/16", "10.0.0/16", "::/129", "10.0.0.0/", "10.0.0.0/-1", "vpc"] {
            assert!(text.parse::<Network>().is_err(), "{text}");
        }
    }

    #[test]
    fn an_upstream_is_a_host_and_a_protocol() {
        let upstream: Upstream = "http2://127.0.0.1:9000/".parse().unwrap();
        assert_eq!((upstream.protocol, upstream.authority.as_str()), (UpstreamProtocol::Http2, "127.0.0.1:9000"));
        assert_eq!("http://app".parse::<Upstream>().unwrap().protocol, UpstreamProtocol::Http1);
        for text in
            ["", "127.0.0.1:9000", "https://a", "ftp://a", "http://a/b", "http://a?b", "http://u:p@a", "http://"]
        {
            assert!(text.parse::<Upstream>().is_err(), "{text}");
        }
    }
}
