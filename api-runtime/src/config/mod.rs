//! The configuration: read once, typed and checked, before any socket opens.

mod error;
mod groups;
mod identity;
mod network;
mod otlp;
mod part;
mod scalar;
mod template;
mod tls;

use std::collections::HashMap;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use policy_source::{BundleUri, SourceUri};
use serde::Deserialize;

pub use self::error::ConfigError;
pub use self::groups::{AccessLog, DenyListSettings, Emf, InventorySettings, Limits, Mode, PolicySettings, Telemetry};
pub use self::identity::Identity;
pub use self::network::{Network, ProxyProtocol, Upstream, UpstreamProtocol};
pub use self::otlp::{OtlpEndpoint, OtlpEndpointError};
pub use self::part::{CrlPart, OwnPart};
pub use self::template::CommonNameTemplate;
pub use self::tls::{ClientAuth, CrlExpiry, MinVersion, Tls};

/// Everything `runtime.yaml` may say. Paths are resolved: a relative one started at the configuration file's folder.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Config {
    /// Where callers connect.
    #[serde(default = "listen", deserialize_with = "scalar::address")]
    pub listen: SocketAddr,
    /// Everything for operators; loopback unless told otherwise.
    #[serde(default = "admin_listen", deserialize_with = "scalar::address")]
    pub admin_listen: SocketAddr,
    /// `/health` and `/live` alone, for the load balancer.
    #[serde(default, deserialize_with = "scalar::optional_address")]
    pub health_listen: Option<SocketAddr>,
    /// Whether each connection begins with a PROXY v2 header.
    #[serde(default)]
    pub proxy_protocol: ProxyProtocol,
    /// Certificates, trust anchors, CRLs.
    pub tls: Tls,
    /// How a certificate names its caller.
    pub identity: Identity,
    /// Where the access policy comes from and how it is applied.
    pub policy: PolicySettings,
    /// Where the deny list comes from; without it there is none.
    #[serde(default)]
    pub deny_list: Option<DenyListSettings>,
    /// Where the endpoint inventory comes from; without it no endpoint has an account.
    #[serde(default)]
    pub endpoints: Option<InventorySettings>,
    /// Who answers permitted requests; without it the built-in answer does.
    #[serde(default, deserialize_with = "scalar::optional")]
    pub upstream: Option<Upstream>,
    /// What one task takes on.
    #[serde(default, deserialize_with = "scalar::or_default")]
    pub limits: Limits,
    /// Logs and metrics.
    #[serde(default, deserialize_with = "scalar::or_default")]
    pub telemetry: Telemetry,
}

fn listen() -> SocketAddr {
    SocketAddr::from(([0, 0, 0, 0], 8443))
}

fn admin_listen() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 8081))
}

impl Config {
    /// The configuration of a file or, without one, of the text in `LINKWARD_CONFIG`.
    ///
    /// # Errors
    /// There is neither, or what there is cannot be used; see [`ConfigError`].
    pub fn load(path: Option<&Path>, inline: Option<&str>) -> Result<Self, ConfigError> {
        match (path, inline) {
            (Some(path), _) => Self::from_file(path),
            (None, Some(text)) => Self::parse(text, "LINKWARD_CONFIG", Path::new("")),
            (None, None) => Err(ConfigError::Missing),
        }
    }

    fn from_file(path: &Path) -> Result<Self, ConfigError> {
        let text = fs::read_to_string(path)
            .map_err(|source| ConfigError::Unreadable { path: path.display().to_string(), source })?;
        Self::parse(&text, &path.display().to_string(), path.parent().unwrap_or(Path::new("")))
    }

    /// A configuration in YAML or JSON. `name` is what messages call it; relative paths start at `base`.
    ///
    /// # Errors
    /// It is not one; the message says where and what to write instead.
    pub fn parse(text: &str, name: &str, base: &Path) -> Result<Self, ConfigError> {
        let options = serde_saphyr::options! { with_snippet: false };
        let mut config: Self =
            serde_saphyr::from_str_with_options(text, options).map_err(|error| ConfigError::document(name, &error))?;
        for path in config.paths_mut() {
            *path = base.join(&*path);
        }
        let problems = config.problems();
        match problems.is_empty() {
            true => Ok(config),
            false => Err(ConfigError::Invalid { name: name.to_owned(), problems }),
        }
    }

    fn paths_mut(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        let Self { tls, policy, deny_list, endpoints, telemetry, .. } = self;
        let sources = [
            Some(&mut policy.source),
            deny_list.as_mut().map(|settings| &mut settings.source),
            endpoints.as_mut().map(|settings| &mut settings.source),
        ];
        let documents = sources.into_iter().flatten().filter_map(|source| match source {
            SourceUri::File(path) | SourceUri::Bundle(BundleUri::File(path)) => Some(path),
            _ => None,
        });
        let log = match &mut telemetry.access_log {
            AccessLog::File(path) => Some(path),
            AccessLog::Stdout | AccessLog::Off => None,
        };
        tls.paths_mut().chain(documents).chain(policy.bundle.paths_mut()).chain(log)
    }

    /// What each key alone cannot tell.
    fn problems(&self) -> Vec<String> {
        let mut problems = self.limits.problems();
        if self.telemetry.metrics_interval < Duration::from_secs(1) {
            problems.push("`telemetry.metricsInterval` is shorter than a second; write `1s` or more".to_owned());
        }
        problems.extend(self.policy.bundle.problem());
        problems.extend(self.identity.problem());
        let listeners = [
            ("listen", Some(self.listen)),
            ("adminListen", Some(self.admin_listen)),
            ("healthListen", self.health_listen),
        ];
        let mut taken = HashMap::new();
        for (key, address) in listeners {
            let Some(address) = address.filter(|address| address.port() != 0) else { continue };
            if let Some(other) = taken.insert(address, key) {
                problems.push(format!("`{other}` and `{key}` are both `{address}`; give each a port of its own"));
            }
        }
        let sources = [
            Some(("policy", self.policy.refresh, self.policy.max_staleness)),
            self.deny_list.as_ref().map(|settings| ("denyList", settings.refresh, settings.max_staleness)),
            self.endpoints.as_ref().map(|settings| ("endpoints", settings.refresh, settings.max_staleness)),
        ];
        let lists = [
            self.deny_list.as_ref().map(|settings| ("denyList", &settings.source)),
            self.endpoints.as_ref().map(|settings| ("endpoints", &settings.source)),
        ];
        let policy_only = |source: &SourceUri| matches!(source, SourceUri::AppConfig(_) | SourceUri::Bundle(_));
        for (group, source) in lists.into_iter().flatten().filter(|(_, source)| policy_only(source)) {
            problems
                .push(format!("`{group}.source`: `{source}` is for policies; write `file:PATH` or `dynamodb:TABLE`"));
        }
        for (group, ..) in sources.into_iter().flatten().filter(|(_, refresh, staleness)| staleness <= refresh) {
            problems.push(format!(
                "`{group}.maxStaleness` must be longer than `{group}.refresh`, or callers are denied between two"
            ));
        }
        let shortest = self.policy.source.shortest_refresh();
        if self.policy.max_staleness <= shortest && self.policy.refresh < shortest {
            let (source, seconds) = (&self.policy.source, shortest.as_secs());
            problems.push(format!(
                "`policy.maxStaleness` must be longer than {seconds}s, as often as `{source}` can be asked"
            ));
        }
        problems
    }
}

#[cfg(test)]
mod tests;
