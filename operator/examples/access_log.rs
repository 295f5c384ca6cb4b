//! Writes an access log as the runtime would, to measure `linkward policy replay` with:
//!
//! ```text
//! cargo run --release -p linkward --example access_log -- 2000000 > /tmp/access.log
//! time target/release/linkward policy replay --policy operator/tests/fixtures/access.new.yaml /tmp/access.log
//! ```

use std::io::{BufWriter, Write as _};

/// Callers, with their accounts.
const CALLERS: [(&str, &str); 3] = [
    ("spiffe://internal.example/prod/orders-api", "123456789012"),
    ("spiffe://internal.example/prod/ledger", "123456789012"),
    ("spiffe://internal.example/prod/shipping", "210987654321"),
];

/// What they ask for, and the rule that permits it.
const REQUESTS: [(&str, &str, &str); 3] = [
    ("GET", "/v1/invoices/", "read-invoices"),
    ("GET", "/v1/invoices/", "follow-invoices"),
    ("GET", "/health", "health"),
];

fn main() -> std::io::Result<()> {
    let lines: u64 = std::env::args().nth(1).and_then(|lines| lines.parse().ok()).unwrap_or(1_000_000);
    let mut out = BufWriter::with_capacity(1 << 20, std::io::stdout().lock());
    let kinds: Vec<_> = CALLERS.iter().zip(REQUESTS).collect();
    for (number, ((caller, account), (method, path, rule))) in (0..lines).zip(kinds.iter().copied().cycle()) {
        let id = if path.ends_with('/') { (number % 99_991).to_string() } else { String::new() };
        let (hour, minute, second) = (number / 3_600_000 % 24, number / 60_000 % 60, number / 1000 % 60);
        writeln!(
            out,
            "{{\"timestamp\":\"2026-11-25T{hour:02}:{minute:02}:{second:02}.{:06}Z\",\"event\":\"access\",\
             \"requestId\":\"018f3c2a-7b1d-7c3e-9f00-{number:012x}\",\"traceId\":\"4bf92f3577b34da6a3ce929d0e0e4736\",\
             \"callerId\":\"{caller}\",\"serialNumber\":\"5a1f09c3e7b24d68a0915e7c33d2f1b84c6e0a97\",\"commonName\":null,\
             \"endpointId\":\"vpce-08d2bf15fac5001c9\",\"tlsVersion\":\"1.3\",\"certificateExpires\":\"2026-12-20T10:00:00Z\",\
             \"sourceAddress\":\"10.0.31.7:51442\",\"account\":\"{account}\",\"method\":\"{method}\",\"path\":\"{path}{id}\",\
             \"host\":\"api.internal.example\",\"httpVersion\":\"2\",\"status\":200,\"decision\":\"allow\",\
             \"reason\":\"permitted\",\"ruleId\":\"{rule}\",\"policyRevision\":\"sha256:0123456789abcdef\",\
             \"latencyMicros\":1834,\"upstreamMicros\":1702,\"bytesIn\":0,\"bytesOut\":2048}}",
            number * 7919 % 1_000_000
        )?;
    }
    out.flush()
}
