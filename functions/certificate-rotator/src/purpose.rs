//! Whom a certificate is for. The secret itself or its tags say it; nobody else is asked.

use std::collections::{BTreeSet, HashMap};

use policy::{SpiffeId, SpiffeIdError, TrustDomain};
use rustls_pki_types::DnsName;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::TestAddress;
use crate::test_address::TestAddressError;

/// The SPIFFE ID of the certificate.
pub(crate) const IDENTITY_TAG: &str = "linkward:identity";
/// `client` (the default) or `server`.
pub(crate) const KIND_TAG: &str = "linkward:kind";
/// The DNS names of a server, separated by spaces: a tag may hold no comma.
pub(crate) const DNS_NAMES_TAG: &str = "linkward:dns-names";
/// Where a client certificate is tried.
pub(crate) const TEST_ADDRESS_TAG: &str = "linkward:test-address";

/// In characters, of which a DNS name has one byte each. Whatever has so many names in common is told apart by its key.
const MOST_OF_A_SUBJECT: usize = 1_024;

/// Which side of a connection a certificate is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Kind {
    /// A caller's.
    #[default]
    Client,
    /// The runtime's own.
    Server,
}

/// Whom a certificate is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Purpose {
    #[serde(default, skip_serializing_if = "Kind::is_client")]
    pub(crate) kind: Kind,
    /// A client has one; a server may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) identity: Option<SpiffeId>,
    /// A server has at least one, a client none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) dns_names: Vec<String>,
}

/// Why no certificate is issued.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PurposeError {
    /// Nobody says whom it would be for.
    #[error("nothing says whom the certificate is for; give the secret the tag `linkward:identity`")]
    NoIdentity,
    /// A server without a name.
    #[error("a server certificate needs DNS names; give the secret the tag `linkward:dns-names`")]
    NoDnsName,
    /// A client with DNS names.
    #[error(
        "a client certificate has no DNS names; remove the tag `linkward:dns-names`, or set `linkward:kind` to `server`"
    )]
    DnsNamesOfClient,
    /// Not a SPIFFE ID.
    #[error("`{field}` is malformed: {cause}")]
    Identity { field: &'static str, cause: SpiffeIdError },
    /// Somebody else's.
    #[error("`{identity}` is not in the trust domain `{trust_domain}`")]
    Foreign { identity: SpiffeId, trust_domain: TrustDomain },
    /// Nobody's.
    #[error("`{0}` names no workload; add its path")]
    NoWorkload(SpiffeId),
    /// Neither kind.
    #[error("`{field}` is `{value}`, it must be `client` or `server`")]
    Kind { field: &'static str, value: String },
    /// Not a name.
    #[error("`{0}` is no DNS name")]
    DnsName(String),
    /// Not an address.
    #[error("`linkward:test-address` is malformed: {0}")]
    TestAddress(#[from] TestAddressError),
    /// Whoever may write one of the two must not be able to choose the other's identity.
    #[error("the tag `{tag}` and the secret's `{field}` differ; make them agree")]
    Disagree { tag: &'static str, field: &'static str },
}

pub(crate) type Tags = HashMap<String, String>;

impl Kind {
    const ALL: [Self; 2] = [Self::Client, Self::Server];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Server => "server",
        }
    }

    fn is_client(&self) -> bool {
        *self == Self::Client
    }

    fn parse(field: &'static str, value: &str) -> Result<Self, PurposeError> {
        let kind = Self::ALL.into_iter().find(|kind| kind.as_str() == value);
        kind.ok_or_else(|| PurposeError::Kind { field, value: value.to_owned() })
    }
}

impl Purpose {
    /// From the current value, if it is JSON, and the tags.
    pub(crate) fn of(current: Option<&str>, tags: &Tags, trust_domain: &TrustDomain) -> Result<Self, PurposeError> {
        let current: Value = current.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        let text = |name: &str| current.get(name).and_then(Value::as_str);
        let tag = |name: &str| tags.get(name).map(String::as_str);
        let kind = agreed(
            (KIND_TAG, tag(KIND_TAG).map(|value| Kind::parse(KIND_TAG, value)).transpose()?),
            ("kind", text("kind").map(|value| Kind::parse("kind", value)).transpose()?),
        )?;
        let identity = agreed(
            (IDENTITY_TAG, tag(IDENTITY_TAG).map(|value| identity(IDENTITY_TAG, value, trust_domain)).transpose()?),
            ("identity", text("identity").map(|value| identity("identity", value, trust_domain)).transpose()?),
        )?;
        let dns_names: Result<_, _> = match tag(DNS_NAMES_TAG) {
            Some(names) => names.split([' ', ',']).filter(|name| !name.is_empty()).map(dns_name).collect(),
            None => {
                current.get("dnsNames").and_then(Value::as_array).into_iter().flatten().map(text_dns_name).collect()
            }
        };
        let mut dns_names: Vec<String> = dns_names?;
        // A name that is asked for twice is issued as the authority likes, and compared as one.
        let mut seen = BTreeSet::new();
        dns_names.retain(|name| seen.insert(name.clone()));
        Self { kind: kind.unwrap_or_default(), identity, dns_names }.whole()
    }

    /// By which the inventory finds its certificates: the identity, or of a server without one its DNS names.
    pub(crate) fn subject(&self) -> String {
        match &self.identity {
            Some(identity) => identity.to_string(),
            None => dns_subject(self.dns_names.iter().map(String::as_str)),
        }
    }

    fn whole(self) -> Result<Self, PurposeError> {
        match (self.kind, self.identity.is_some(), self.dns_names.is_empty()) {
            (Kind::Client, false, _) => Err(PurposeError::NoIdentity),
            (Kind::Client, true, false) => Err(PurposeError::DnsNamesOfClient),
            (Kind::Server, _, true) => Err(PurposeError::NoDnsName),
            (Kind::Client, true, true) | (Kind::Server, _, false) => Ok(self),
        }
    }
}

/// `dns:` and the names, sorted; no SPIFFE ID begins so. An index's key has at most 2,048 bytes.
pub(crate) fn dns_subject<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<_> = names.collect::<BTreeSet<_>>().into_iter().collect();
    format!("dns:{}", names.join(" ")).chars().take(MOST_OF_A_SUBJECT).collect()
}

/// Where this secret's client certificate is tried, if its tags say so.
pub(crate) fn test_address(tags: &Tags) -> Result<Option<TestAddress>, PurposeError> {
    Ok(tags.get(TEST_ADDRESS_TAG).map(|text| text.parse()).transpose()?)
}

fn agreed<T: PartialEq>(
    (tag, tagged): (&'static str, Option<T>),
    (field, kept): (&'static str, Option<T>),
) -> Result<Option<T>, PurposeError> {
    match (&tagged, &kept) {
        (Some(tagged), Some(kept)) if tagged != kept => Err(PurposeError::Disagree { tag, field }),
        _ => Ok(tagged.or(kept)),
    }
}

fn identity(field: &'static str, text: &str, trust_domain: &TrustDomain) -> Result<SpiffeId, PurposeError> {
    let identity: SpiffeId = text.parse().map_err(|cause| PurposeError::Identity { field, cause })?;
    if identity.trust_domain() != trust_domain.as_str() {
        return Err(PurposeError::Foreign { identity, trust_domain: trust_domain.clone() });
    }
    if identity.path().is_empty() { Err(PurposeError::NoWorkload(identity)) } else { Ok(identity) }
}

fn text_dns_name(value: &Value) -> Result<String, PurposeError> {
    dns_name(value.as_str().unwrap_or_default())
}

/// A host's name; a whole domain's wildcard would be more than one server.
fn dns_name(text: &str) -> Result<String, PurposeError> {
    let name = text.to_ascii_lowercase();
    match DnsName::try_from(name.as_str()) {
        Ok(_) if !name.ends_with('.') => Ok(name),
        _ => Err(PurposeError::DnsName(text.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: &str = "spiffe://internal.example/prod/orders-api";

    fn of(current: Option<&str>, tags: &[(&str, &str)]) -> Result<Purpose, String> {
        let tags = tags.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Purpose::of(current, &tags, &"internal.example".parse().unwrap()).map_err(|error| error.to_string())
    }

    #[test]
    fn the_secret_or_its_tags_say_whom_it_is_for() {
        let client = Purpose { kind: Kind::Client, identity: Some(OURS.parse().unwrap()), dns_names: Vec::new() };
        let kept = format!(r#"{{"identity":"{OURS}"}}"#);
        for (current, tags) in [
            (None, &[(IDENTITY_TAG, OURS)][..]),
            (Some(kept.as_str()), &[]),
            (Some(kept.as_str()), &[(IDENTITY_TAG, OURS), (KIND_TAG, "client"), ("other", "x")]),
            (Some("not JSON"), &[(IDENTITY_TAG, OURS)]),
            (Some("[1]"), &[(IDENTITY_TAG, OURS)]),
        ] {
            assert_eq!(of(current, tags), Ok(client.clone()), "{current:?} {tags:?}");
        }
        let server =
            Purpose { kind: Kind::Server, identity: None, dns_names: vec!["a.example".into(), "b.example".into()] };
        for names in ["A.example  b.example", "a.example b.example A.example"] {
            assert_eq!(of(None, &[(KIND_TAG, "server"), (DNS_NAMES_TAG, names)]), Ok(server.clone()), "{names}");
        }
        assert_eq!(of(Some(r#"{"kind":"server","dnsNames":["a.example","b.example"]}"#), &[]), Ok(server));
    }

    #[test]
    fn otherwise_nothing_is_issued() {
        let other = "spiffe://internal.example/prod/admin";
        let kept = format!(r#"{{"identity":"{OURS}"}}"#);
        for (current, tags, says) in [
            (None, &[][..], "nothing says whom"),
            (Some("{}"), &[], "nothing says whom"),
            (Some(r#"{"identity":7}"#), &[], "nothing says whom"),
            (None, &[(IDENTITY_TAG, "orders-api")], "`linkward:identity` is malformed"),
            (None, &[(IDENTITY_TAG, "spiffe://other.example/a")], "not in the trust domain `internal.example`"),
            (None, &[(IDENTITY_TAG, "spiffe://internal.example")], "names no workload"),
            (Some(kept.as_str()), &[(IDENTITY_TAG, other)], "differ"),
            (Some(kept.as_str()), &[(KIND_TAG, "Server")], "must be `client` or `server`"),
            (Some(kept.as_str()), &[(KIND_TAG, "server")], "needs DNS names"),
            (Some(kept.as_str()), &[(DNS_NAMES_TAG, "a.example")], "a client certificate has no DNS names"),
            (None, &[(KIND_TAG, "server"), (DNS_NAMES_TAG, "a..example")], "`a..example` is no DNS name"),
            (None, &[(KIND_TAG, "server"), (DNS_NAMES_TAG, "*.example")], "`*.example` is no DNS name"),
        ] {
            let error = of(current, tags).unwrap_err();
            assert!(error.contains(says), "{current:?} {tags:?}: {error}");
        }
    }
}
