//! The way to the collector: one plain HTTP/1.1 request on a connection of its own. A collector in Lambda is an extension,
//! on the same host; TLS is its matter.

use std::fmt;
use std::str::FromStr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The variable that OpenTelemetry knows.
pub(crate) const VARIABLE: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
/// No status line is longer.
const STATUS_LINE: usize = 256;

/// A collector that takes OTLP over HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Endpoint {
    /// Host and port.
    authority: String,
    path: String,
}

/// Why a text is no collector, or a collector took nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EndpointError {
    #[error("`{VARIABLE}` is `{0}`; write `http://HOST:4318`, a collector on this host")]
    Malformed(String),
    #[error("the collector cannot be reached: {0}")]
    Unreachable(#[from] std::io::Error),
    #[error("the collector answered `{0}`")]
    Refused(String),
}

impl FromStr for Endpoint {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let malformed = || EndpointError::Malformed(text.to_owned());
        let rest = text.trim().strip_prefix("http://").ok_or_else(malformed)?;
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let proper = |part: &str| part.bytes().all(|byte| byte.is_ascii_graphic() && !b"@?#".contains(&byte));
        if authority.is_empty() || authority.starts_with(':') || !proper(rest) {
            return Err(malformed());
        }
        let has_port = authority.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
        let authority = if has_port { authority.to_owned() } else { format!("{authority}:80") };
        let path = path.trim_end_matches('/');
        let slash = if path.is_empty() { "" } else { "/" };
        Ok(Self { authority, path: format!("{slash}{path}/v1/traces") })
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}{}", self.authority, self.path)
    }
}

impl Endpoint {
    /// Sends one request, and reads no more of the answer than whether it was taken.
    pub(crate) async fn post(&self, body: &[u8]) -> Result<(), EndpointError> {
        let mut stream = TcpStream::connect(&self.authority).await?;
        let head = format!(
            "POST {} HTTP/1.1\r\nhost: {}\r\ncontent-type: application/x-protobuf\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
            self.path,
            self.authority,
            body.len()
        );
        stream.write_all(&[head.as_bytes(), body].concat()).await?;
        let mut answer = Vec::new();
        while answer.len() < STATUS_LINE && !answer.contains(&b'\n') && stream.read_buf(&mut answer).await? > 0 {}
        let line = String::from_utf8_lossy(answer.split(|byte| *byte == b'\r').next().unwrap_or_default()).into_owned();
        match line.split(' ').nth(1).is_some_and(|status| status.len() == 3 && status.starts_with('2')) {
            true => Ok(()),
            false => Err(EndpointError::Refused(line)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_a_plain_url_of_a_host() {
        for (text, shown) in [
            ("http://127.0.0.1:4318", "http://127.0.0.1:4318/v1/traces"),
            ("http://localhost:4318/", "http://localhost:4318/v1/traces"),
            ("http://collector/otlp/", "http://collector:80/otlp/v1/traces"),
            ("http://[::1]:4318", "http://[::1]:4318/v1/traces"),
        ] {
            assert_eq!(text.parse::<Endpoint>().unwrap().to_string(), shown);
        }
        for text in [
            "",
            "localhost:4318",
            "https://a:4318",
            "http://",
            "http://:4318",
            "http://u@a",
            "http://a?b",
            "http://a b",
        ] {
            assert!(text.parse::<Endpoint>().is_err(), "{text}");
        }
    }
}
