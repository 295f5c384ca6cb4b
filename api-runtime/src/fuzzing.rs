//! Doors to parsers and hot pieces, for the fuzz targets of `tests/fuzz` and the benchmarks of `tests/bench`. No part of
//! the interface: it may change at any time.
#![allow(missing_docs, reason = "nobody but the two names above may use it")]

use crate::access_log::{self, Line};
use crate::config::Identity;
use crate::identity;
use crate::outcome::Outcome;
use crate::proxy_protocol;
pub use crate::trust::fuzzing::{Revocation, read_anchors, read_crl};
use policy::{Timestamp, TrustDomain};
use rustls_pki_types::CertificateDer;
use std::time::Duration;

/// Whether the bytes are a PROXY v2 header, whole and alone.
#[must_use]
pub fn proxy_header(bytes: &[u8]) -> bool {
    proxy_protocol::parse(bytes).is_ok()
}

/// Who a certificate names, if it can be read and names somebody of the trust domain.
#[must_use]
pub fn identity(der: &[u8], trust_domain: &TrustDomain) -> Option<String> {
    let rules = Identity { trust_domain: trust_domain.clone(), common_name: None, max_endpoints: 1 };
    let (end_entity, _) = identity::end_entity(&CertificateDer::from(der), &rules).ok()?;
    end_entity.identity.map(|identity| identity.to_string())
}

/// Appends a line as most are.
pub fn access_line(out: &mut Vec<u8>, at: Timestamp) {
    let line = Line {
        at,
        connection: b",\"callerId\":\"spiffe://internal.example/prod/orders-api\",\"serialNumber\":\"a1b2c\"",
        request_id: b"018f3c1e-7c1c-7e4e-9d0f-0123456789ab",
        trace_id: b"4bf92f3577b34da6a3ce929d0e0e4736",
        account: Some("123456789012"),
        method: "GET",
        path: "/v1/invoices/4711",
        host: Some(b"invoices.internal.example"),
        http_version: "1.1",
        status: 200,
        outcome: Outcome::Allow,
        reason: Some("permitted"),
        rule: Some("read-invoices"),
        revision: Some("sha256:0123456789abcdef"),
        latency: Duration::from_micros(1234),
        upstream: Some(Duration::from_micros(1200)),
        bytes_in: 0,
        bytes_out: 1024,
    };
    access_log::access(out, &line);
}
