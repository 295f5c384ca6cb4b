//! Connections that end because what came is not HTTP as we take it: counted, and a line of the access log.

use crate::access_log;
use crate::connection::{Connection, TargetTooLong};
use policy::Timestamp;
use std::error::Error;
use std::io;

/// Counts and logs one. `status` is what the client was told.
pub(super) fn tell(connection: &Connection, status: Option<u16>, detail: &str) {
    let gate = connection.gate();
    gate.metrics.protocol_error();
    if let Some(log) = &gate.log {
        log.line(|out| access_log::protocol_error(out, Timestamp::now(), connection.log_fields(), status, detail));
    }
}

/// An error that ended a connection: a protocol error if it is one, and nothing worth a line if the client just left.
pub(super) fn ended(connection: &Connection, error: &hyper::Error) {
    if is_protocol_error(error) {
        let status = told(error).filter(|_| !connection.is_http2());
        tell(connection, status, &detail(error));
    } else {
        tracing::debug!(error = %detail(error), "a connection ended");
    }
}

/// Whether the client is to be told that its target is too long; hyper does not know.
pub(super) fn is_target_too_long(error: &hyper::Error) -> bool {
    let cause = error.source().and_then(|cause| cause.downcast_ref::<io::Error>()?.get_ref());
    cause.is_some_and(|cause| cause.is::<TargetTooLong>())
}

/// What a client of HTTP/1 was told. To one that speaks HTTP/2 after all hyper says nothing.
fn told(error: &hyper::Error) -> Option<u16> {
    if is_target_too_long(error) {
        return Some(414);
    }
    let words = error.to_string();
    match (error.is_parse(), error.is_parse_too_large()) {
        (true, true) if words.contains("URI") => Some(414),
        (true, true) => Some(431),
        (true, false) if !words.contains("HTTP2 preface") => Some(400),
        _ => None,
    }
}

/// hyper tells its kinds apart by words only; those of HTTP/2 come from the `h2` crate.
fn is_protocol_error(error: &hyper::Error) -> bool {
    let of_http2 = || {
        let text = detail(error);
        text.contains("http2 error")
            && !text.contains("connection error: ")
            && !text.contains("not a result of an error")
    };
    error.is_parse() || is_target_too_long(error) || of_http2()
}

fn detail(error: &hyper::Error) -> String {
    match error.source() {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}
