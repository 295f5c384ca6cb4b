//! The lines of the access log: one for each request, and one for each connection that came to nothing. Written by hand,
//! into the buffer they leave from.

use crate::handshake::{Facts, HandshakeFailure};
use crate::json::{number, optional, plain, string, timestamp};
use crate::outcome::Outcome;
use policy::Timestamp;
use std::net::SocketAddr;
use std::time::Duration;

/// What a line says of a request, beside what is the same for all requests of a connection.
#[derive(Debug)]
pub(crate) struct Line<'a> {
    pub(crate) at: Timestamp,
    /// From [`connection_fields`].
    pub(crate) connection: &'a [u8],
    pub(crate) request_id: &'a [u8],
    pub(crate) trace_id: &'a [u8],
    pub(crate) account: Option<&'a str>,
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    /// Checked: of the characters of a host.
    pub(crate) host: Option<&'a [u8]>,
    pub(crate) http_version: &'static str,
    pub(crate) status: u16,
    pub(crate) outcome: Outcome,
    pub(crate) reason: Option<&'static str>,
    pub(crate) rule: Option<&'a str>,
    pub(crate) revision: Option<&'a str>,
    pub(crate) latency: Duration,
    pub(crate) upstream: Option<Duration>,
    pub(crate) bytes_in: u64,
    pub(crate) bytes_out: u64,
}

/// Room for a line as most are.
const USUAL: usize = 1024;

fn optional_plain(out: &mut Vec<u8>, text: Option<&[u8]>) {
    match text {
        Some(text) => plain(out, text),
        None => out.extend_from_slice(b"null"),
    }
}

/// Appends a line of the log, without its end.
pub(crate) fn access(out: &mut Vec<u8>, line: &Line<'_>) {
    out.reserve(USUAL);
    out.extend_from_slice(b"{\"timestamp\":");
    timestamp(out, line.at);
    out.extend_from_slice(b",\"event\":\"access\",\"requestId\":");
    plain(out, line.request_id);
    out.extend_from_slice(b",\"traceId\":");
    plain(out, line.trace_id);
    out.extend_from_slice(line.connection);
    out.extend_from_slice(b",\"account\":");
    optional(out, line.account);
    out.extend_from_slice(b",\"method\":");
    plain(out, line.method.as_bytes());
    out.extend_from_slice(b",\"path\":");
    string(out, line.path);
    out.extend_from_slice(b",\"host\":");
    optional_plain(out, line.host);
    out.extend_from_slice(b",\"httpVersion\":\"");
    out.extend_from_slice(line.http_version.as_bytes());
    out.extend_from_slice(b"\",\"status\":");
    number(out, line.status);
    out.extend_from_slice(b",\"decision\":\"");
    out.extend_from_slice(line.outcome.as_str().as_bytes());
    out.extend_from_slice(b"\",\"reason\":");
    optional_plain(out, line.reason.map(str::as_bytes));
    out.extend_from_slice(b",\"ruleId\":");
    optional(out, line.rule);
    out.extend_from_slice(b",\"policyRevision\":");
    optional(out, line.revision);
    out.extend_from_slice(b",\"latencyMicros\":");
    number(out, micros(line.latency));
    out.extend_from_slice(b",\"upstreamMicros\":");
    match line.upstream {
        Some(upstream) => number(out, micros(upstream)),
        None => out.extend_from_slice(b"null"),
    }
    out.extend_from_slice(b",\"bytesIn\":");
    number(out, line.bytes_in);
    out.extend_from_slice(b",\"bytesOut\":");
    number(out, line.bytes_out);
    out.push(b'}');
}

fn micros(duration: Duration) -> u64 {
    duration.as_secs().saturating_mul(1_000_000).saturating_add(u64::from(duration.subsec_micros()))
}

/// The fields that every request of a connection has in common, with a comma before each.
pub(crate) fn connection_fields(facts: &Facts) -> Vec<u8> {
    let peer = facts.peer.as_deref();
    let expires = peer.map(|peer| peer.not_after());
    let mut out = Vec::with_capacity(512);
    for (name, value) in [
        ("callerId", peer.and_then(|peer| peer.identity().ok()).map(policy::SpiffeId::as_str)),
        ("serialNumber", peer.map(|peer| peer.serial().as_str())),
        ("commonName", peer.and_then(|peer| peer.common_name())),
        ("endpointId", facts.endpoint.as_ref().map(policy::VpcEndpointId::as_str)),
        ("tlsVersion", Some(facts.tls_version)),
    ] {
        field(&mut out, name);
        optional(&mut out, value);
    }
    field(&mut out, "certificateExpires");
    match expires {
        Some(at) => string(&mut out, &at.to_string()),
        None => out.extend_from_slice(b"null"),
    }
    source(&mut out, facts.source);
    out
}

fn field(out: &mut Vec<u8>, name: &str) {
    out.push(b',');
    string(out, name);
    out.push(b':');
}

fn source(out: &mut Vec<u8>, source: SocketAddr) {
    field(out, "sourceAddress");
    string(out, &source.to_string());
}

/// A handshake that failed.
pub(crate) fn handshake_failure(out: &mut Vec<u8>, at: Timestamp, failure: &HandshakeFailure) {
    out.extend_from_slice(b"{\"timestamp\":");
    timestamp(out, at);
    out.extend_from_slice(b",\"event\":\"handshakeFailure\"");
    let claimed = failure.claimed.as_ref();
    for (name, value) in [
        ("cause", Some(failure.cause.as_str())),
        ("detail", Some(&*failure.detail)),
        ("serialNumber", claimed.map(|(serial, _)| serial.as_str())),
        ("subject", claimed.map(|(_, subject)| &**subject)),
        ("endpointId", failure.endpoint.as_ref().map(policy::VpcEndpointId::as_str)),
    ] {
        field(out, name);
        optional(out, value);
    }
    source(out, failure.source);
    out.push(b'}');
}

/// A connection that ended because what came was not HTTP as we take it. `connection` is from [`connection_fields`],
/// `status` what the client was told.
pub(crate) fn protocol_error(out: &mut Vec<u8>, at: Timestamp, connection: &[u8], status: Option<u16>, detail: &str) {
    out.extend_from_slice(b"{\"timestamp\":");
    timestamp(out, at);
    out.extend_from_slice(b",\"event\":\"protocolError\"");
    out.extend_from_slice(connection);
    field(out, "status");
    match status {
        Some(status) => number(out, status),
        None => out.extend_from_slice(b"null"),
    }
    field(out, "detail");
    string(out, detail);
    out.push(b'}');
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn facts() -> Facts {
        Facts {
            peer: None,
            endpoint: Some("vpce-0a1b".parse().unwrap()),
            source: "192.0.2.1:50000".parse().unwrap(),
            tls_version: "1.3",
            http2: true,
        }
    }

    fn parsed(line: &Line<'_>) -> Value {
        let mut out = Vec::new();
        access(&mut out, line);
        assert!(!out.contains(&b'\n'));
        serde_json::from_slice(&out).unwrap()
    }

    fn line<'a>(connection: &'a [u8], path: &'a str) -> Line<'a> {
        Line {
            at: "2026-11-23T10:00:00.5Z".parse().unwrap(),
            connection,
            request_id: b"id",
            trace_id: b"4bf92f3577b34da6a3ce929d0e0e4736",
            account: Some("123456789012"),
            method: "GET",
            path,
            host: Some(b"api.internal"),
            http_version: "2",
            status: 200,
            outcome: Outcome::Allow,
            reason: Some("permitted"),
            rule: Some("read-invoices"),
            revision: Some("sha256:0011"),
            latency: Duration::from_micros(1_500_001),
            upstream: None,
            bytes_in: 0,
            bytes_out: u64::MAX,
        }
    }

    #[test]
    fn a_line_has_every_field_of_the_contract() {
        let connection = connection_fields(&facts());
        let expected = json!({
            "timestamp": "2026-11-23T10:00:00.500000Z", "event": "access", "requestId": "id",
            "traceId": "4bf92f3577b34da6a3ce929d0e0e4736", "callerId": null, "serialNumber": null,
            "endpointId": "vpce-0a1b", "account": "123456789012", "method": "GET", "path": "/v1/a", "httpVersion": "2",
            "tlsVersion": "1.3", "status": 200, "decision": "allow", "reason": "permitted", "ruleId": "read-invoices",
            "policyRevision": "sha256:0011", "latencyMicros": 1_500_001, "upstreamMicros": null, "bytesIn": 0,
            "bytesOut": u64::MAX, "host": "api.internal", "commonName": null, "certificateExpires": null,
            "sourceAddress": "192.0.2.1:50000",
        });
        assert_eq!(parsed(&line(&connection, "/v1/a")), expected);
    }

    #[test]
    fn a_hostile_path_stays_inside_its_field() {
        let hostile = "/\",\"decision\":\"allow\"}\n{\"event\":\"access\\";
        let parsed = parsed(&Line { outcome: Outcome::Deny, ..line(b"", hostile) });
        assert_eq!((parsed["path"].as_str(), parsed["decision"].as_str()), (Some(hostile), Some("deny")));
    }
}
