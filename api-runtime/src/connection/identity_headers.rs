//! The headers by which the upstream is told who calls, as far as they are the same for every request.

use super::Connection;
use crate::trust::Peer;
use http::HeaderValue;

/// The headers that tell the upstream who calls, but for the account, which may change.
#[derive(Debug)]
pub(crate) struct IdentityHeaders {
    pub(crate) caller: Option<HeaderValue>,
    pub(crate) endpoint: Option<HeaderValue>,
    pub(crate) certificate: Option<HeaderValue>,
}

impl IdentityHeaders {
    pub(super) fn of(connection: &Connection) -> Self {
        let value = |text: &str| HeaderValue::from_str(text).ok();
        Self {
            caller: connection.caller_id().and_then(value),
            endpoint: connection.endpoint().and_then(|endpoint| value(endpoint.as_str())),
            certificate: connection.peer().and_then(|peer| value(&client_certificate(peer))),
        }
    }
}

/// Envoy's format. Inside its quotes the subject's own are escaped already, as RFC 2253 does.
fn client_certificate(peer: &Peer) -> String {
    let mut text = format!("Hash={};Subject=\"{}\"", peer.certificate_sha256_hex(), peer.subject());
    if let Some(uri) = peer.uri() {
        text.push_str(";URI=");
        text.push_str(uri);
    }
    text
}
