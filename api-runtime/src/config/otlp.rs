//! Where OpenTelemetry's signals go.

use std::str::FromStr;

use http::Uri;

/// A collector that takes OTLP over HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtlpEndpoint(String);

/// Why a text is no collector.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a collector: {problem}; write `http://HOST:4318`")]
pub struct OtlpEndpointError {
    text: String,
    problem: &'static str,
}

impl OtlpEndpoint {
    /// The address for one signal: `traces` or `metrics`.
    #[must_use]
    pub fn signal(&self, signal: &str) -> String {
        format!("{}/v1/{signal}", self.0)
    }
}

impl FromStr for OtlpEndpoint {
    type Err = OtlpEndpointError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = |problem| OtlpEndpointError { text: text.to_owned(), problem };
        let uri: Uri = text.parse().map_err(|_| error("it is no URL"))?;
        match uri.scheme_str() {
            Some("http") => {}
            // CloudWatch's own endpoints want a signature besides.
            Some("https") => return Err(error("TLS is not supported; let a collector on this host pass it on")),
            _ => return Err(error("it does not begin with `http://`")),
        }
        match uri.authority() {
            Some(authority) if authority.as_str().contains('@') => Err(error("it has credentials")),
            Some(authority) if authority.host().is_empty() => Err(error("it names no host")),
            None => Err(error("it names no host")),
            Some(_) if uri.query().is_some() => Err(error("it has a query")),
            Some(_) if uri.path().contains("/v1/") => Err(error("the signal's path is ours to add")),
            Some(_) => Ok(Self(text.trim_end_matches('/').to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_have_paths_of_their_own() {
        for (text, traces) in [
            ("http://127.0.0.1:4318", "http://127.0.0.1:4318/v1/traces"),
            ("http://127.0.0.1:4318/", "http://127.0.0.1:4318/v1/traces"),
            ("http://collector/otlp", "http://collector/otlp/v1/traces"),
        ] {
            assert_eq!(text.parse::<OtlpEndpoint>().unwrap().signal("traces"), traces);
        }
        for text in
            ["", "127.0.0.1:4318", "https://a", "grpc://a:4317", "http://u:p@a", "http://a/?b", "http://a/v1/traces"]
        {
            assert!(text.parse::<OtlpEndpoint>().is_err(), "{text}");
        }
    }
}
