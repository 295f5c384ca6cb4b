use std::fmt;

use http::header::HOST;
use http::uri::{PathAndQuery, Scheme};
use http::{HeaderValue, Request, Uri};

use crate::HttpError;

/// Whom a connection leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    pub(crate) encrypted: bool,
    /// A name or an address, without brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
}

impl Origin {
    /// Takes the origin out of a request: what stays is as HTTP/1.1 has it, the path and a `Host`.
    pub(crate) fn split<B>(request: &mut Request<B>) -> Result<Self, HttpError> {
        let origin = Self::of(request.uri()).ok_or_else(|| HttpError::Address(request.uri().to_string()))?;
        let host = origin.host_header().ok_or_else(|| HttpError::Address(request.uri().to_string()))?;
        request.headers_mut().entry(HOST).or_insert(host);
        let path = request.uri().path_and_query().cloned();
        *request.uri_mut() = Uri::from(path.unwrap_or_else(|| PathAndQuery::from_static("/")));
        Ok(origin)
    }

    fn of(uri: &Uri) -> Option<Self> {
        let encrypted = match uri.scheme()? {
            scheme if *scheme == Scheme::HTTPS => true,
            scheme if *scheme == Scheme::HTTP => false,
            _ => return None,
        };
        let host = uri.host()?;
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let port = uri.port_u16().unwrap_or(usual_port(encrypted));
        (!host.is_empty()).then(|| Self { encrypted, host: host.to_owned(), port })
    }

    /// With the port only where it is not the scheme's own, as signatures have it.
    fn host_header(&self) -> Option<HeaderValue> {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        let text = if self.port == usual_port(self.encrypted) { host } else { format!("{host}:{}", self.port) };
        HeaderValue::try_from(text).ok()
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.encrypted { "https" } else { "http" };
        write!(f, "{scheme}://{}:{}", self.host, self.port)
    }
}

fn usual_port(encrypted: bool) -> u16 {
    if encrypted { 443 } else { 80 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_keeps_its_path_and_names_its_host() {
        for (uri, origin, host, path) in [
            ("https://a.example/x?y=z", "https://a.example:443", "a.example", "/x?y=z"),
            ("https://a.example:8443", "https://a.example:8443", "a.example:8443", "/"),
            ("http://127.0.0.1:4566/", "http://127.0.0.1:4566", "127.0.0.1:4566", "/"),
            ("http://user@a.example:80?q", "http://a.example:80", "a.example", "/?q"),
            ("https://[::1]:4566/a", "https://::1:4566", "[::1]:4566", "/a"),
        ] {
            let mut request = Request::get(uri).body(()).unwrap();
            assert_eq!(Origin::split(&mut request).unwrap().to_string(), origin, "{uri}");
            assert_eq!((request.headers()[HOST].to_str().unwrap(), request.uri().to_string().as_str()), (host, path));
        }
    }

    #[test]
    fn a_host_that_is_set_stays() {
        let mut request = Request::get("http://127.0.0.1/").header(HOST, "signed.example").body(()).unwrap();
        Origin::split(&mut request).unwrap();
        assert_eq!(request.headers()[HOST], "signed.example");
    }

    #[test]
    fn what_is_no_address_of_a_server_is_refused() {
        for uri in ["/path", "ftp://a.example/", "a.example:443"] {
            let mut request = Request::get(uri).body(()).unwrap();
            assert!(matches!(Origin::split(&mut request), Err(HttpError::Address(_))), "{uri}");
        }
    }
}
