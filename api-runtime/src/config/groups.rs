//! The groups that are a few scalars each.

use std::path::PathBuf;
use std::time::Duration;

use policy_source::SourceUri;
use policy_source::bundle::BundleSettings;
use serde::{Deserialize, Deserializer};

use super::otlp::OtlpEndpoint;
use super::scalar;

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn an_hour() -> Duration {
    seconds(3600)
}

/// Where the access policy comes from and how it is applied.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PolicySettings {
    /// The source of the document.
    #[serde(deserialize_with = "scalar::parsed")]
    pub source: SourceUri,
    /// How often the source is asked.
    #[serde(default = "policy_refresh", deserialize_with = "scalar::duration")]
    pub refresh: Duration,
    /// Older than this, it denies everybody.
    #[serde(default = "an_hour", deserialize_with = "scalar::duration")]
    pub max_staleness: Duration,
    /// Whether denials of the policy are enforced.
    #[serde(default)]
    pub mode: Mode,
    /// How bundles are read, if the source is one.
    #[serde(default, deserialize_with = "scalar::or_default")]
    pub bundle: BundleGroup,
}

/// How bundles are read.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct BundleGroup {
    /// A PEM file with the public key that bundles must be signed by; `None`: signatures are not checked.
    pub verification_key: Option<PathBuf>,
    /// How long the evaluation of one request may take.
    #[serde(deserialize_with = "scalar::duration")]
    pub budget: Duration,
    /// Where the last good bundle is kept.
    pub cache_directory: Option<PathBuf>,
}

impl Default for BundleGroup {
    fn default() -> Self {
        let BundleSettings { verification_key, budget, cache_directory } = BundleSettings::default();
        Self { verification_key, budget, cache_directory }
    }
}

/// Requests wait for an evaluation, and so do those of other callers on the same thread.
const BUDGET: std::ops::RangeInclusive<Duration> = Duration::from_millis(1)..=Duration::from_secs(1);

impl BundleGroup {
    /// As the source wants it.
    #[must_use]
    pub fn to_settings(&self) -> BundleSettings {
        let Self { verification_key, budget, cache_directory } = self.clone();
        BundleSettings { verification_key, budget, cache_directory }
    }

    pub(super) fn paths_mut(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        self.verification_key.iter_mut().chain(&mut self.cache_directory)
    }

    pub(super) fn problem(&self) -> Option<String> {
        let message = || format!("`policy.bundle.budget` is {:?}; write 1ms to 1s", self.budget);
        (!BUDGET.contains(&self.budget)).then(message)
    }
}

fn policy_refresh() -> Duration {
    seconds(15)
}

/// Whether denials of the policy are enforced. Those of certificates are in every mode.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Mode {
    /// A denied request is refused.
    #[default]
    Enforce,
    /// A request denied for one of the auditable reasons is permitted, and logged as `auditDeny`.
    Audit,
}

/// Where the deny list comes from.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DenyListSettings {
    /// The source of the entries.
    #[serde(deserialize_with = "scalar::parsed")]
    pub source: SourceUri,
    /// How often the source is asked.
    #[serde(default = "deny_list_refresh", deserialize_with = "scalar::duration")]
    pub refresh: Duration,
    /// Older than this, everybody is denied.
    #[serde(default = "an_hour", deserialize_with = "scalar::duration")]
    pub max_staleness: Duration,
}

fn deny_list_refresh() -> Duration {
    seconds(1)
}

/// Where the endpoint inventory comes from.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct InventorySettings {
    /// The source of the entries.
    #[serde(deserialize_with = "scalar::parsed")]
    pub source: SourceUri,
    /// How often the source is asked.
    #[serde(default = "inventory_refresh", deserialize_with = "scalar::duration")]
    pub refresh: Duration,
    /// Older than this, no endpoint has an account.
    #[serde(default = "an_hour", deserialize_with = "scalar::duration")]
    pub max_staleness: Duration,
}

fn inventory_refresh() -> Duration {
    seconds(10)
}

/// What one task takes on.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct Limits {
    /// Open connections.
    pub connections: usize,
    /// Open connections through one VPC endpoint.
    pub connections_per_endpoint: usize,
    /// Handshakes that have their turn, for a quarter of a second.
    pub handshakes: usize,
    /// From the first byte of a connection to the end of its handshake, PROXY header included.
    #[serde(deserialize_with = "scalar::duration")]
    pub handshake_timeout: Duration,
    /// From the first byte of a request to its last header byte.
    #[serde(deserialize_with = "scalar::duration")]
    pub header_timeout: Duration,
    /// Until the response's headers.
    #[serde(deserialize_with = "scalar::duration")]
    pub request_timeout: Duration,
    /// Bytes of a request's line and headers together.
    pub header_bytes: usize,
    /// Bytes of a request's body; upgraded connections and gRPC streams have no such limit.
    pub body_bytes: u64,
    /// A connection this old ends gracefully.
    #[serde(deserialize_with = "scalar::duration")]
    pub connection_age: Duration,
    /// Between requests, and per direction of a body under way.
    #[serde(deserialize_with = "scalar::duration")]
    pub idle_timeout: Duration,
    /// How long to keep serving after SIGTERM.
    #[serde(deserialize_with = "scalar::duration")]
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 10_000,
            connections_per_endpoint: 2_000,
            handshakes: 256,
            handshake_timeout: seconds(5),
            header_timeout: seconds(10),
            request_timeout: seconds(30),
            header_bytes: 65_536,
            body_bytes: 10_485_760,
            connection_age: an_hour(),
            idle_timeout: seconds(340),
            drain: seconds(20),
        }
    }
}

/// Below, hyper cannot read a request; above, one caller could take a task's memory.
const HEADER_BYTES: std::ops::RangeInclusive<usize> = 8_192..=1_048_576;

impl Limits {
    pub(super) fn problems(&self) -> Vec<String> {
        let zeros = [
            ("connections", self.connections == 0),
            ("connectionsPerEndpoint", self.connections_per_endpoint == 0),
            ("handshakes", self.handshakes == 0),
            ("handshakeTimeout", self.handshake_timeout.is_zero()),
            ("headerTimeout", self.header_timeout.is_zero()),
            ("requestTimeout", self.request_timeout.is_zero()),
            ("connectionAge", self.connection_age.is_zero()),
            ("idleTimeout", self.idle_timeout.is_zero()),
        ];
        let zeros = zeros.into_iter().filter(|(_, is_zero)| *is_zero);
        let mut problems: Vec<String> =
            zeros.map(|(key, _)| format!("`limits.{key}` is 0: nobody could be served; write more")).collect();
        if !HEADER_BYTES.contains(&self.header_bytes) {
            let (least, most) = (HEADER_BYTES.start(), HEADER_BYTES.end());
            problems.push(format!("`limits.headerBytes` is {}; write {least} to {most}", self.header_bytes));
        }
        problems
    }
}

/// Logs and metrics.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct Telemetry {
    /// Where access lines and handshake failures go.
    #[serde(deserialize_with = "access_log")]
    pub access_log: AccessLog,
    /// Whether metrics go to standard output in CloudWatch's embedded metric format.
    pub emf: Emf,
    /// Where metrics and spans go; `None`: nowhere.
    #[serde(deserialize_with = "scalar::optional")]
    pub otlp_endpoint: Option<OtlpEndpoint>,
    /// The share of requests, from 0 to 1, that become spans although neither the caller sampled them nor the policy
    /// denies them.
    #[serde(deserialize_with = "share")]
    pub trace_sampling: f64,
    /// What metrics call this service: what CloudWatch takes for the value of a dimension.
    #[serde(deserialize_with = "scalar::service_name")]
    pub service_name: String,
    /// How often metrics are sent; Prometheus asks when it likes.
    #[serde(deserialize_with = "scalar::duration")]
    pub metrics_interval: Duration,
}

impl Default for Telemetry {
    fn default() -> Self {
        Self {
            access_log: AccessLog::Stdout,
            emf: Emf::Off,
            otlp_endpoint: None,
            trace_sampling: 0.01,
            service_name: "linkward".to_owned(),
            metrics_interval: seconds(60),
        }
    }
}

/// Where access lines and handshake failures go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccessLog {
    /// One JSON line each to standard output.
    Stdout,
    /// Nowhere.
    Off,
    /// Appended to a file.
    File(PathBuf),
}

fn access_log<'de, D: Deserializer<'de>>(deserializer: D) -> Result<AccessLog, D::Error> {
    Ok(match String::deserialize(deserializer)?.as_str() {
        "stdout" => AccessLog::Stdout,
        "off" => AccessLog::Off,
        path => AccessLog::File(PathBuf::from(path)),
    })
}

/// Whether metrics are written in CloudWatch's embedded metric format.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Emf {
    /// Nowhere.
    #[default]
    Off,
    /// Lines on standard output, where the log agent finds them.
    Stdout,
}

fn share<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let share = f64::deserialize(deserializer)?;
    match (0.0..=1.0).contains(&share) {
        true => Ok(share),
        false => Err(serde::de::Error::custom(format!("`{share}` is not a share; write a number from 0 to 1"))),
    }
}
