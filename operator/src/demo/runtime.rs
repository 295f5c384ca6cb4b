//! The inner gate as a process of its own: `api-runtime` with a configuration file, an access log, and its own ports.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context as _, bail};
use local_stack::deploy::Tables;
use serde_json::Value;
use tokio::process::{Child, Command};

use super::certificates::Credentials;
use super::client;
use super::wait::until;

/// Becomes the program that follows, after asking the kernel for a SIGKILL when we end, however we end; drop alone does not survive our own
/// SIGKILL. Linux only: elsewhere the attribute is missing, and drop has to do.
const ENDS_WITH_ITS_PARENT: &str = "\
import ctypes, os, sys
PR_SET_PDEATHSIG, SIGKILL = 1, 9
try:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, SIGKILL)
except AttributeError:
    pass
if os.getppid() != int(sys.argv[1]):
    sys.exit('the demo is gone')
os.execv(sys.argv[2], sys.argv[2:])";

/// What the runtime is started with.
#[derive(Debug)]
pub(crate) struct Settings<'a> {
    pub(crate) binary: &'a Path,
    pub(crate) folder: &'a Path,
    /// `AWS_*` variables of the provider.
    pub(crate) environment: Vec<(String, String)>,
    pub(crate) server: &'a Credentials,
    /// The root, in PEM.
    pub(crate) trust_anchors: &'a Path,
    /// What the authority has revoked, in DER.
    pub(crate) crl: &'a Path,
    pub(crate) tables: &'a Tables,
    pub(crate) upstream: SocketAddr,
}

/// A running `api-runtime`. Dropping it ends it.
#[derive(Debug)]
pub(crate) struct Runtime {
    log: PathBuf,
    /// Where the load balancer sends connections.
    pub(crate) address: SocketAddr,
    /// `/status`, `/metrics` and the page for people.
    pub(crate) admin: SocketAddr,
    pub(crate) access_log: PathBuf,
    _child: Child,
}

impl Runtime {
    /// Starts it and waits until it is healthy.
    pub(crate) async fn start(settings: &Settings<'_>) -> anyhow::Result<Self> {
        let environment = settings.environment.clone();
        Self::launch(settings.binary, settings.folder, environment, &yaml(settings)).await
    }

    /// The same with a configuration that is written already; its files and logs are in `folder`.
    pub(crate) async fn launch(
        binary: &Path,
        folder: &Path,
        environment: Vec<(String, String)>,
        yaml: &str,
    ) -> anyhow::Result<Self> {
        let configuration = folder.join("runtime.yaml");
        std::fs::write(&configuration, yaml)?;
        let log = folder.join("api-runtime.log");
        let mut child = spawn(binary, environment, &configuration, &log)?;
        let healthy = until("the runtime to be healthy", async || match child.try_wait()? {
            Some(status) => Ok(Some(Err(status))),
            None => Ok(healthy(&log).await?.map(Ok)),
        });
        match healthy.await.with_context(|| last_words(&log))? {
            Ok([address, admin]) => {
                Ok(Self { log, address, admin, access_log: folder.join("access.log"), _child: child })
            }
            Err(status) => bail!("`api-runtime` ended with {status}; {}", last_words(&log)),
        }
    }

    /// The first line of the access log for which `wanted` holds.
    pub(crate) async fn logged(&self, what: &str, wanted: impl Fn(&Value) -> bool) -> anyhow::Result<Value> {
        until(&format!("the access log to tell of {what}"), async || {
            let text = tokio::fs::read_to_string(&self.access_log).await?;
            Ok(text.lines().filter_map(|line| serde_json::from_str(line).ok()).find(|line| wanted(line)))
        })
        .await
    }
}

impl Drop for Runtime {
    /// Whoever searches what was written wants its logs after the folder has gone.
    fn drop(&mut self) {
        let Some(kept) = std::env::var_os("LINKWARD_WRITTEN").map(PathBuf::from) else { return };
        for log in [&self.log, &self.access_log] {
            let name = log.file_name().unwrap_or_default().to_string_lossy();
            let _ =
                std::fs::copy(log, kept.join(format!("demo-{}-{}-{name}", std::process::id(), self.address.port())));
        }
    }
}

fn spawn(binary: &Path, environment: Vec<(String, String)>, configuration: &Path, log: &Path) -> anyhow::Result<Child> {
    Command::new("python3")
        .args(["-I", "-S", "-c", ENDS_WITH_ITS_PARENT, &std::process::id().to_string()])
        .arg(binary)
        .arg("--config")
        .arg(configuration)
        .envs(environment)
        .env("RUST_LOG", "info")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(std::fs::File::create(log)?)
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("`{}` cannot be run", binary.display()))
}

/// Where it listens for callers and for operators, once it says so and is healthy: it takes ports that are free.
async fn healthy(log: &Path) -> anyhow::Result<Option<[SocketAddr; 2]>> {
    let text = tokio::fs::read_to_string(log).await?;
    let mut lines = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let Some(line) = lines.find(|line| line.get("message").is_some_and(|message| message == "listening")) else {
        return Ok(None);
    };
    let address = |name: &str| -> anyhow::Result<SocketAddr> {
        Ok(line.get(name).and_then(Value::as_str).context("its log lacks an address")?.parse()?)
    };
    let addresses = [address("callers")?, address("admin")?];
    let [_, admin] = addresses;
    Ok((client::plain(admin, "/health").await? == 200).then_some(addresses))
}

fn yaml(settings: &Settings<'_>) -> String {
    format!(
        "\
listen: 127.0.0.1:0
adminListen: 127.0.0.1:0
proxyProtocol: required
tls:
  certificateChain: {chain}
  privateKey: {key}
  clientTrustAnchors: {anchors}
  crls: [{crl}]
  refresh: 1s
  maxClientCertificateLifetime: 30d
identity: {{ trustDomain: internal.example }}
policy: {{ source: \"dynamodb:{policy}\", refresh: 5s }}
denyList: {{ source: \"dynamodb:{deny_list}\", refresh: 1s }}
endpoints: {{ source: \"dynamodb:{endpoints}\", refresh: 1s }}
upstream: http://{upstream}
telemetry: {{ accessLog: access.log }}
",
        chain = settings.server.chain.display(),
        key = settings.server.key.display(),
        anchors = settings.trust_anchors.display(),
        crl = settings.crl.display(),
        policy = settings.tables.access_policy,
        deny_list = settings.tables.deny_list,
        endpoints = settings.tables.endpoint_inventory,
        upstream = settings.upstream,
    )
}

fn last_words(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    format!("its last words:\n{}", lines.get(lines.len().saturating_sub(5)..).unwrap_or_default().join("\n"))
}
