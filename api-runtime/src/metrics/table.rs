//! The one table of metrics. Prometheus, OTLP, CloudWatch and `docs/METRICS.md` are made of it; nobody invents a name
//! elsewhere.

/// What a number counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    Count,
    Seconds,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Only grows.
    Counter,
    /// What is now.
    Gauge,
    /// How durations are distributed.
    Histogram,
}

/// One metric.
#[derive(Debug)]
pub(crate) struct Definition {
    pub(crate) name: &'static str,
    pub(crate) unit: Unit,
    pub(crate) kind: Kind,
    pub(crate) attributes: &'static [&'static str],
    pub(crate) help: &'static str,
}

macro_rules! table {
    ($($constant:ident = $name:literal, $unit:ident, $kind:ident, [$($attribute:literal),*], $help:literal;)*) => {
        $(pub(crate) static $constant: Definition = Definition {
            name: $name,
            unit: Unit::$unit,
            kind: Kind::$kind,
            attributes: &[$($attribute),*],
            help: $help,
        };)*
        /// Every metric, in the order in which they are shown.
        #[cfg(test)]
        pub(crate) static TABLE: &[&Definition] = &[$(&$constant),*];
    };
}

table! {
    REQUESTS = "requests", Count, Counter, ["decision", "reason", "status"],
        "Requests by decision, reason (none before authorization) and class of the status.";
    REQUEST_DURATION = "request_duration", Seconds, Histogram, [],
        "From the last header byte of a request to the end of its answer.";
    REQUEST_QUANTILE = "request_duration_quantile", Seconds, Gauge, ["quantile"],
        "What this part of the requests of the last metricsInterval did not exceed, within 2 %.";
    UPSTREAM_DURATION = "upstream_duration", Seconds, Histogram, [],
        "From sending a request to the upstream to the headers of its answer.";
    UPSTREAM_QUANTILE = "upstream_duration_quantile", Seconds, Gauge, ["quantile"],
        "The same of the upstream's share.";
    UPSTREAM_ERRORS = "upstream_errors", Count, Counter, ["error"],
        "Requests that the upstream did not answer.";
    HANDSHAKES = "handshakes", Count, Counter, [],
        "Completed TLS handshakes.";
    HANDSHAKE_FAILURES = "handshake_failures", Count, Counter, ["cause"],
        "Connections that ended before the handshake was complete.";
    PROTOCOL_ERRORS = "protocol_errors", Count, Counter, [],
        "Connections closed because what came was not HTTP.";
    OPEN_CONNECTIONS = "open_connections", Count, Gauge, [],
        "Connections past their handshake.";
    CLOSED_CONNECTIONS = "connections_ended", Count, Counter, ["cause"],
        "Connections that we ended.";
    SNAPSHOT_AGE = "snapshot_age", Seconds, Gauge, ["kind"],
        "Time since the source last confirmed the snapshot in force.";
    SNAPSHOT_FAILING = "snapshot_failing", Count, Gauge, ["kind"],
        "1 while the last refresh of the snapshot failed or had to leave something out.";
    POLICY_CHANGES = "policy_revision_changes", Count, Counter, [],
        "Revisions of the access policy that came into force after the first.";
    POLICY_PROPAGATION = "policy_propagation", Seconds, Histogram, [],
        "From the publication of a revision, where its source dates it, to its coming into force here.";
    CRL_NEXT_UPDATE = "crl_next_update", Seconds, Gauge, [],
        "Time until the first CRL passes its nextUpdate; negative afterwards.";
    CERTIFICATE_EXPIRY = "server_certificate_expiry", Seconds, Gauge, [],
        "Time until the certificate that callers are shown expires; negative afterwards.";
    DENY_LIST_ENTRIES = "deny_list_entries", Count, Gauge, [],
        "Entries of the deny list in force.";
    DENY_LIST_PROPAGATION = "deny_list_propagation", Seconds, Histogram, [],
        "From the put of a deny-list entry, by its writer's clock, or the change of its file, to its list coming into force here.";
    DENIAL_CLOSING = "denial_closing", Seconds, Histogram, [],
        "From the put of a deny-list entry, by its writer's clock, to the close of an open connection that it denies.";
    SHARED_CERTIFICATES = "shared_certificates", Count, Gauge, ["sign"],
        "Client certificates seen within a day through endpoints of several accounts, or through more endpoints than their identity should have.";
    ACCESS_LOG_DROPPED = "access_log_dropped", Count, Counter, [],
        "Lines lost because the log could not be written as fast as they came.";
    SPANS_DROPPED = "spans_dropped", Count, Counter, [],
        "Spans lost because the collector did not take them as fast as they came.";
    CALLER_REQUESTS = "caller_requests", Count, Counter, ["caller"],
        "Requests of a caller of the policy; of all beyond the first 1,000 as other.";
    CALLER_DENIALS = "caller_denials", Count, Counter, ["caller"],
        "Denied requests of a caller of the policy; of all beyond the first 1,000 as other.";
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn names_are_unique_and_as_prometheus_wants_them() {
        let mut seen = HashSet::new();
        for definition in TABLE {
            assert!(seen.insert(definition.name), "{}", definition.name);
            let words = definition.attributes.iter().chain([&definition.name]);
            for word in words {
                assert!(word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{word}");
            }
            assert!(definition.help.ends_with('.'), "{}", definition.name);
            assert!(definition.kind != Kind::Histogram || definition.unit == Unit::Seconds, "{}", definition.name);
        }
    }

    /// `UPDATE_DOCS=1 cargo test -p api-runtime metrics` writes it anew.
    #[test]
    fn the_document_says_what_the_table_says() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/METRICS.md");
        let written = std::fs::read_to_string(path).unwrap();
        let (before, rest) = written.split_once("<!-- api-runtime -->\n").unwrap();
        let (_, after) = rest.split_once("<!-- end -->").unwrap();
        let mut rows = String::from("| name | kind | unit | attributes | what it is |\n|---|---|---|---|---|\n");
        for definition in TABLE {
            let Definition { name, unit, kind, attributes, help } = definition;
            let attributes = attributes.join(", ");
            let (unit, kind) = (format!("{unit:?}").to_lowercase(), format!("{kind:?}").to_lowercase());
            rows += &format!("| `{name}` | {kind} | {unit} | {attributes} | {help} |\n");
        }
        let right = format!("{before}<!-- api-runtime -->\n{rows}<!-- end -->{after}");
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(path, &right).unwrap();
        }
        assert_eq!(std::fs::read_to_string(path).unwrap(), right, "run it with UPDATE_DOCS=1");
    }
}
