use serde::Serialize;

/// What a run did; in audit mode what it would have done.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Answer {
    /// Entries of the deny list that are in force, by key: `serial#…`, `identity#…`, `account#…`.
    pub denied: Vec<String>,
    /// Serial numbers of certificates revoked at their authority.
    pub revoked: Vec<String>,
    /// Serial numbers of certificates that had been revoked before.
    #[serde(rename = "alreadyRevoked")]
    pub already_revoked: Vec<String>,
    /// What is left to do: serial numbers not revoked; the key of an entry that could not be written, or whose
    /// certificates could not be listed.
    pub remaining: Vec<String>,
    /// Entries of the deny list that were lifted, by key.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub withdrawn: Vec<String>,
}
