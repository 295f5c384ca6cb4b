//! Every metric of the functions, in one table. Each has the dimension `Function` besides those named here.

use crate::metric::Dimension::{Reason, Service, Verdict};
use crate::metric::Kind::{Counter, Gauge};
use crate::metric::Unit::{Count, Milliseconds, Seconds};
use crate::{Metric, Row};

macro_rules! table {
    ($($constant:ident: $n:literal = $name:literal, $unit:ident, $kind:ident, $dimensions:expr, $help:literal;)*) => {
        $(
            #[doc = $help]
            pub static $constant: Metric<$n> =
                Metric { name: $name, unit: $unit, kind: $kind, dimensions: $dimensions, help: $help };
        )*

        /// All of them.
        pub static TABLE: &[Row] = &[$($constant.row()),*];
    };
}

table! {
    RUNS: 0 = "Runs", Count, Counter, [], "Runs that got as far as doing something.";
    RUN_DURATION: 0 = "RunDuration", Milliseconds, Gauge, [], "How long a run took.";
    RUN_ERRORS: 1 = "RunErrors", Count, Counter, [Reason], "What went wrong in runs.";
    CONNECTIONS: 3 = "Connections", Count, Gauge, [Service, Verdict, Reason], "Endpoint connections by verdict.";
    CONNECTIONS_ACCEPTED: 1 = "ConnectionsAccepted", Count, Counter, [Service], "Connections that were accepted.";
    CONNECTIONS_REJECTED: 2 = "ConnectionsRejected", Count, Counter, [Service, Reason],
        "Connections that were rejected on request.";
    CONNECTIONS_REMOVED: 2 = "ConnectionsRemoved", Count, Counter, [Service, Reason],
        "Accepted connections that were rejected, because the policy no longer allows them.";
    CONNECTIONS_UNSUCCESSFUL: 1 = "ConnectionsUnsuccessful", Count, Counter, [Service],
        "Connections that should have been accepted, rejected or removed, and were not.";
    ORGANIZATION_CACHE_AGE: 0 = "OrganizationCacheAge", Seconds, Gauge, [],
        "The age of the oldest answer of Organizations that counts, where the policy names organizational units.";
    CONNECTIONS_BY_STATE: 2 = "ConnectionsByState", Count, Gauge, [Service, Reason],
        "Endpoint connections of the inventory, by AWS's word for their state.";
    OLDEST_PENDING_AGE: 1 = "OldestPendingAge", Seconds, Gauge, [Service],
        "How long the oldest connection has waited for acceptance.";
    ACCEPTED_BUT_UNLISTED: 1 = "AcceptedButUnlisted", Count, Gauge, [Service],
        "Accepted connections that the policy does not allow.";
    PRINCIPALS_WITHOUT_CONSUMER: 1 = "PrincipalsWithoutConsumer", Count, Gauge, [Service],
        "Allowed principals whose account the policy does not list.";
    CONSUMERS_WITHOUT_PRINCIPAL: 1 = "ConsumersWithoutPrincipal", Count, Gauge, [Service],
        "Accounts that the policy lists and that are no allowed principals.";
    POLICY_REVISION_AGE: 0 = "PolicyRevisionAge", Seconds, Gauge, [], "Since when the access policy's revision is in force.";
    CERTIFICATES_BY_EXPIRY: 1 = "CertificatesByDaysToExpiry", Count, Gauge, [Reason],
        "Certificates of the inventory by the time they are still valid.";
    IDENTITY_SECONDS_TO_EXPIRY: 0 = "IdentitySecondsToExpiry", Seconds, Gauge, [],
        "How long the newest certificate is still valid of the identity that has the least time left.";
    CRL_SECONDS_TO_NEXT_UPDATE: 0 = "CrlSecondsToNextUpdate", Seconds, Gauge, [],
        "The time until a CRL must have a successor, of the one that has the least left.";
    DENY_LIST_SIZE: 0 = "DenyListSize", Count, Gauge, [], "Entries of the deny list that are in force.";
    CHANGES: 1 = "Changes", Count, Counter, [Reason], "What changed, as events told it; one that comes twice counts twice.";
    CHANGES_FAILED: 1 = "ChangesFailed", Count, Counter, [Reason], "What should have changed and failed, as events told it; one that comes twice counts twice.";
    DENIALS: 1 = "Denials", Count, Counter, [Reason], "Requests that put an entry on the deny list.";
    DENIALS_WITHDRAWN: 0 = "DenialsWithdrawn", Count, Counter, [], "Entries of the deny list that were lifted.";
    CERTIFICATES_REVOKED: 1 = "CertificatesRevoked", Count, Counter, [Reason], "Certificates revoked at their authority.";
    REVOCATIONS_REMAINING: 0 = "RevocationsRemaining", Count, Counter, [],
        "Denials and revocations that were asked for and did not happen.";
    CERTIFICATES_ISSUED: 0 = "CertificatesIssued", Count, Counter, [], "Certificates that a rotation asked for and checked.";
    CERTIFICATES_ROTATED: 0 = "CertificatesRotated", Count, Counter, [], "Secrets whose new certificate came into use.";
    CERTIFICATES_ORPHANED: 0 = "CertificatesOrphaned", Count, Counter, [],
        "Certificates that were issued and that no secret holds; they are revoked.";
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::Dimension;

    #[test]
    fn names_are_unique_and_explained() {
        let names: BTreeSet<_> = TABLE.iter().map(|row| row.name).collect();
        assert_eq!(names.len(), TABLE.len());
        assert!(TABLE.iter().all(|row| row.help.ends_with('.') && row.name.chars().all(char::is_alphanumeric)));
        assert!(TABLE.iter().all(|row| !row.dimensions.contains(&Dimension::Function)));
    }

    /// `UPDATE_DOCS=1 cargo test -p telemetry metrics` writes it anew.
    #[test]
    fn the_document_says_what_the_table_says() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/METRICS.md");
        let written = std::fs::read_to_string(path).unwrap();
        let (before, rest) = written.split_once("<!-- functions -->\n").unwrap();
        let (_, after) = rest.split_once("<!-- end of functions -->").unwrap();
        let mut rows = String::from("| name | kind | unit | dimensions | what it is |\n|---|---|---|---|---|\n");
        for Row { name, unit, kind, dimensions, help } in TABLE {
            let dimensions: Vec<_> = dimensions.iter().map(|dimension| dimension.as_str()).collect();
            let (unit, kind, dimensions) = (format!("{unit:?}"), format!("{kind:?}"), dimensions.join(", "));
            rows +=
                &format!("| `{name}` | {} | {} | {dimensions} | {help} |\n", kind.to_lowercase(), unit.to_lowercase());
        }
        let right = format!("{before}<!-- functions -->\n{rows}<!-- end of functions -->{after}");
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(path, &right).unwrap();
        }
        assert_eq!(std::fs::read_to_string(path).unwrap(), right, "run it with UPDATE_DOCS=1");
    }
}
