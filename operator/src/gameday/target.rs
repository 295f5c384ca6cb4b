//! A deployment as a target: what the file says, and what the environment does.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail};
use aws_config::BehaviorVersion;
use policy::SpiffeId;
use serde::Deserialize;

use super::field::{Field, Stranger, in_path, own_identity};
use super::issuer::Issuer;
use crate::aws;
use crate::aws::signed::Signed;
use crate::cli::GamedayOptions;

/// The file. Relative paths start at its folder.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Document {
    host: String,
    /// Default: the host, at port 443.
    address: Option<String>,
    other_address: Option<String>,
    trust_anchors: PathBuf,
    identity: SpiffeId,
    path: String,
    stranger: Option<StrangerDocument>,
    #[serde(default)]
    unlisted: Unlisted,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct StrangerDocument {
    /// A profile of the AWS configuration.
    profile: String,
    vpc: String,
    subnet: String,
}

/// What the policy says of accounts it does not name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Unlisted {
    #[default]
    Reject,
    Hold,
}

/// Reads the file; says what is wrong before anything is asked or done.
pub(super) async fn field(options: &GamedayOptions, folder: &Path) -> anyhow::Result<Field> {
    let file = options.target.as_path();
    let name = file.display().to_string();
    let document = read(file)?;
    own_identity(&document.identity)?;
    let authority = options.authority.first().context("no certificate authority is named; add `--authority ARN`")?;
    let sdk = aws::config().await;
    let anchors = file.parent().unwrap_or(Path::new("")).join(&document.trust_anchors);
    let trust_anchors = std::fs::read_to_string(&anchors);
    let trust_anchors = trust_anchors.with_context(|| format!("cannot read `{}`", anchors.display()))?;
    let through = document.address.clone().unwrap_or_else(|| format!("{}:443", document.host));
    let elsewhere = match &document.other_address {
        Some(address) => Some(resolved(address).await?),
        None => None,
    };
    Ok(Field {
        name,
        host: document.host,
        through: resolved(&through).await?,
        elsewhere,
        trust_anchors,
        path: document.path,
        identity: document.identity,
        signed: Signed::new(&sdk)?,
        issuer: Issuer::new(&sdk, authority, folder),
        authority: authority.clone(),
        event_bus: options.event_bus.clone(),
        deny_list_table: options.deny_list_table.clone(),
        service: options.service.first().cloned(),
        stranger: match document.stranger {
            Some(stranger) => Some(acting_as(stranger).await?),
            None => None,
        },
        holds: document.unlisted == Unlisted::Hold,
        runtime: options.runtime.clone().or_else(|| in_path("api-runtime")),
        access_log: None,
        folder: folder.to_owned(),
        patience: Duration::from_secs(options.patience),
        sdk,
    })
}

fn read(file: &Path) -> anyhow::Result<Document> {
    let name = file.display();
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read `{name}`"))?;
    let document: Document = serde_saphyr::from_str(&text).with_context(|| format!("`{name}` describes no target"))?;
    if !document.path.starts_with('/') {
        bail!("`{name}`: `{}` is no path; it begins with a slash", document.path);
    }
    Ok(document)
}

async fn resolved(address: &str) -> anyhow::Result<SocketAddr> {
    let mut found =
        tokio::net::lookup_host(address).await.with_context(|| format!("`{address}` cannot be resolved"))?;
    found.next().with_context(|| format!("`{address}` has no address"))
}

async fn acting_as(stranger: StrangerDocument) -> anyhow::Result<Stranger> {
    let StrangerDocument { profile, vpc, subnet } = stranger;
    // What the environment says of keys would win over the profile's.
    let keys = aws_config::profile::ProfileFileCredentialsProvider::builder().profile_name(&profile).build();
    let sdk = aws_config::defaults(BehaviorVersion::latest()).credentials_provider(keys).load().await;
    Ok(Stranger { signed: Signed::new(&sdk)?, vpc, subnet })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_read_whole_or_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("target.yaml");
        let good = "host: api.internal.example\ntrustAnchors: ca.crt\nidentity: spiffe://internal.example/gameday\npath: /v1/x\n";
        std::fs::write(&file, good).unwrap();
        let document = read(&file).unwrap();
        assert_eq!((document.address, document.unlisted), (None, Unlisted::Reject));
        for (from, to, word) in [
            ("host:", "hots:", "hots"),
            ("path: /v1/x", "path: v1", "begins with a slash"),
            ("spiffe://", "https://", "identity"),
            ("trustAnchors: ca.crt\n", "", "trustAnchors"),
        ] {
            std::fs::write(&file, good.replace(from, to)).unwrap();
            let error = format!("{:#}", read(&file).unwrap_err());
            assert!(error.contains(word), "{error}");
        }
    }
}
