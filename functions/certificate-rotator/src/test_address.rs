use std::fmt;
use std::str::FromStr;

use rustls_pki_types::ServerName;

/// Where a certificate is tried: a host, which the server's certificate must name, and a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestAddress {
    host: String,
    port: u16,
    name: ServerName<'static>,
}

/// Not a host and a port.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not HOST:PORT, such as `api.internal.example:443`")]
pub struct TestAddressError(String);

impl TestAddress {
    /// For a connection: host and port.
    #[must_use]
    pub fn host_and_port(&self) -> (&str, u16) {
        (&self.host, self.port)
    }

    /// What the server's certificate must name.
    #[must_use]
    pub fn server_name(&self) -> ServerName<'static> {
        self.name.clone()
    }
}

impl FromStr for TestAddress {
    type Err = TestAddressError;

    fn from_str(text: &str) -> Result<Self, TestAddressError> {
        let error = || TestAddressError(text.to_owned());
        let (host, port) = text.rsplit_once(':').ok_or_else(error)?;
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host).to_owned();
        let name = ServerName::try_from(host.clone()).map_err(|_| error())?;
        let port = port.parse().ok().filter(|port| *port > 0).ok_or_else(error)?;
        Ok(Self { host, port, name })
    }
}

impl fmt::Display for TestAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name {
            ServerName::IpAddress(address) if self.host.contains(':') => {
                write!(f, "[{}]:{}", std::net::IpAddr::from(address), self.port)
            }
            _ => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_and_a_port() {
        for text in ["api.internal.example:443", "127.0.0.1:8443", "[::1]:8443"] {
            assert_eq!(text.parse::<TestAddress>().unwrap().to_string(), text);
        }
        for text in ["", "api.internal.example", "api.internal.example:", ":443", "a b:443", "host:0", "host:65536"] {
            assert_eq!(text.parse::<TestAddress>(), Err(TestAddressError(text.to_owned())), "{text}");
        }
    }
}
