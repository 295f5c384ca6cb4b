//! The group `tls`.

use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

use super::part::{CrlPart, OwnPart};
use super::scalar;

/// Certificates, trust anchors, CRLs. All of it is read again each `refresh`, and replaced whole or not at all.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Tls {
    /// Our certificate and its intermediates.
    #[serde(deserialize_with = "scalar::parsed")]
    pub certificate_chain: OwnPart,
    /// Its key.
    #[serde(deserialize_with = "scalar::parsed")]
    pub private_key: OwnPart,
    /// PEM bundle: who may issue callers' certificates.
    #[serde(deserialize_with = "scalar::path")]
    pub client_trust_anchors: PathBuf,
    /// PEM or DER, any number; none: no CRL check.
    #[serde(default, deserialize_with = "scalar::or_default")]
    pub crls: Vec<CrlPart>,
    /// What a CRL past its nextUpdate means.
    #[serde(default)]
    pub crl_expiry: CrlExpiry,
    /// How often files are looked at, and others asked.
    #[serde(default = "refresh", deserialize_with = "scalar::duration")]
    pub refresh: Duration,
    /// The oldest TLS version spoken.
    #[serde(default)]
    pub min_version: MinVersion,
    /// What a connection without a certificate gets.
    #[serde(default)]
    pub client_auth: ClientAuth,
    /// The longest time from notBefore to notAfter of a caller's certificate; `None`: any.
    #[serde(default, deserialize_with = "scalar::optional_duration")]
    pub max_client_certificate_lifetime: Option<Duration>,
}

fn refresh() -> Duration {
    Duration::from_secs(10)
}

impl Tls {
    pub(super) fn paths_mut(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        let Self { certificate_chain, private_key, client_trust_anchors, crls, .. } = self;
        let own = [certificate_chain, private_key].into_iter().filter_map(OwnPart::path_mut);
        own.chain([client_trust_anchors]).chain(crls.iter_mut().filter_map(CrlPart::path_mut))
    }
}

/// What a CRL past its nextUpdate means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum CrlExpiry {
    /// Nobody it covers is let in.
    #[default]
    Enforce,
    /// It is used as it is.
    Ignore,
}

/// The oldest TLS version spoken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum MinVersion {
    /// TLS 1.2 and 1.3.
    #[serde(rename = "1.2")]
    Tls12,
    /// TLS 1.3 alone.
    #[default]
    #[serde(rename = "1.3")]
    Tls13,
}

/// What a connection without a certificate gets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ClientAuth {
    /// The handshake fails.
    #[default]
    Required,
    /// Each request is answered 401 `noCertificate`.
    Optional,
}
