//! An object behind HTTPS.

use http::header::LOCATION;
use http::uri::PathAndQuery;
use http::{HeaderMap, StatusCode, Uri};

use super::uri::is_safe;
use super::web::{Web, answered_at, question, read};
use super::{Answer, Bound, RemoteError, RemoteUri, Validator};

/// As stores that answer with a signed address need: one to the store, and two to spare.
const REDIRECTS: usize = 3;

#[derive(Debug)]
pub(super) struct Https {
    web: Web,
    uri: Uri,
}

impl Https {
    pub(super) fn new(uri: Uri, named: &RemoteUri) -> Result<Self, RemoteError> {
        Ok(Self { web: Web::new(named)?, uri })
    }

    pub(super) async fn get(&self, known: Option<&Validator>, bound: &Bound) -> Result<Answer, RemoteError> {
        let mut uri = self.uri.clone();
        for _ in 0..=REDIRECTS {
            let response = self.web.send(question(&uri, known, bound)?, bound).await?;
            let at = answered_at(response.headers());
            match response.status() {
                StatusCode::OK => return Ok(Answer { at, object: Some(read(response, bound).await?) }),
                StatusCode::NOT_MODIFIED if known.is_some() => return Ok(Answer { at, object: None }),
                status if status.is_redirection() && response.headers().contains_key(LOCATION) => {
                    uri = target(&uri, response.headers()).ok_or_else(|| RemoteError::Redirect(bound.name.clone()))?;
                }
                status => return Err(RemoteError::Status { name: bound.name.clone(), status: status.as_u16() }),
            }
        }
        Err(RemoteError::Redirect(bound.name.clone()))
    }
}

/// Where a redirect leads: an address, or a path on the same server; nowhere that anybody on the way could read.
fn target(from: &Uri, headers: &HeaderMap) -> Option<Uri> {
    let location = headers.get(LOCATION)?.to_str().ok()?;
    let to = match location.starts_with('/') && !location.starts_with("//") {
        true => {
            let mut parts = from.clone().into_parts();
            parts.path_and_query = Some(location.parse::<PathAndQuery>().ok()?);
            Uri::from_parts(parts).ok()?
        }
        false => location.parse::<Uri>().ok()?,
    };
    let stays_encrypted = from.scheme_str() != Some("https") || to.scheme_str() == Some("https");
    (is_safe(&to) && stays_encrypted).then_some(to)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leads(from: &'static str, location: &str) -> Option<String> {
        let headers = HeaderMap::from_iter([(LOCATION, location.parse().unwrap())]);
        target(&Uri::from_static(from), &headers).map(|uri| uri.to_string())
    }

    #[test]
    fn a_redirect_is_followed_to_where_it_stays_encrypted() {
        let from = "https://host.example:8443/a/b?c=d";
        for (location, expected) in [
            ("https://store.example/x?signature=y", Some("https://store.example/x?signature=y")),
            ("/x?y=z", Some("https://host.example:8443/x?y=z")),
            ("http://store.example/x", None),
            ("http://127.0.0.1/x", None),
            ("//store.example/x", None),
            ("x", None),
            ("file:///etc/passwd", None),
        ] {
            assert_eq!(leads(from, location).as_deref(), expected, "{location}");
        }
        assert_eq!(leads("http://127.0.0.1:1/a", "/b").as_deref(), Some("http://127.0.0.1:1/b"));
        assert_eq!(leads("http://127.0.0.1:1/a", "http://store.example/b"), None);
    }
}
