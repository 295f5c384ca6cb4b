//! Where a game day is played: what is called, through which endpoints, and whose AWS is asked.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail};
use aws_config::SdkConfig;
use policy::SpiffeId;

use super::issuer::Issuer;
use crate::aws::signed::Signed;
use crate::demo::certificates::Credentials;
use crate::demo::client::Caller;

/// An account that the policy does not name, and where it may make an endpoint.
#[derive(Debug)]
pub(super) struct Stranger {
    pub(super) signed: Signed,
    pub(super) vpc: String,
    pub(super) subnet: String,
}

/// The target.
#[derive(Debug)]
pub(super) struct Field {
    /// As it is told.
    pub(super) name: String,
    /// Under which callers know the API.
    pub(super) host: String,
    /// Through an endpoint of an account that the test identity may come from.
    pub(super) through: SocketAddr,
    /// Through an endpoint of another account.
    pub(super) elsewhere: Option<SocketAddr>,
    pub(super) trust_anchors: String,
    /// Something the test identity is permitted.
    pub(super) path: String,
    /// All identities of the game day lie below it.
    pub(super) identity: SpiffeId,
    pub(super) sdk: SdkConfig,
    pub(super) signed: Signed,
    pub(super) issuer: Issuer,
    pub(super) authority: String,
    pub(super) event_bus: String,
    pub(super) deny_list_table: String,
    pub(super) service: Option<String>,
    pub(super) stranger: Option<Stranger>,
    /// Whether the policy holds whom it does not name, instead of rejecting.
    pub(super) holds: bool,
    /// For what is played beside the target.
    pub(super) runtime: Option<PathBuf>,
    /// The runtime's, where it can be read from here: it knows more than a caller is told.
    pub(super) access_log: Option<PathBuf>,
    /// For keys: for their owner's eyes only, and gone at the end.
    pub(super) folder: PathBuf,
    /// How long to wait for what should come.
    pub(super) patience: Duration,
}

impl Field {
    /// An identity of this game day alone.
    pub(super) fn identity(&self, name: &str) -> anyhow::Result<SpiffeId> {
        Ok(format!("{}/{name}", self.identity).parse()?)
    }

    pub(super) fn caller(&self, credentials: &Credentials) -> anyhow::Result<Caller> {
        Caller::of(&self.host, &self.trust_anchors, credentials)
    }

    /// The same with a certificate for this identity and the usual time.
    pub(super) async fn fresh_caller(&self, name: &str) -> anyhow::Result<(Caller, super::issuer::Issued)> {
        let issued = self.issuer.issue(name, &self.identity(name)?, super::issuer::Period::usual()).await?;
        Ok((self.caller(&issued.credentials)?, issued))
    }
}

/// Only an identity that is nobody's: a game day revokes it.
pub(super) fn own_identity(identity: &SpiffeId) -> anyhow::Result<()> {
    if identity.path().split('/').any(|segment| segment == "gameday") {
        return Ok(());
    }
    bail!(
        "`{identity}` may be somebody's: the identity of a game day has a segment `gameday`, such as `spiffe://…/gameday`"
    )
}

/// A file in the search path.
pub(super) fn in_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
}

/// A folder for keys.
pub(super) fn private_folder(parent: &Path) -> anyhow::Result<PathBuf> {
    use std::os::unix::fs::DirBuilderExt as _;
    let folder = parent.join(format!("gameday-{}", uuid::Uuid::new_v4().simple()));
    let made = std::fs::DirBuilder::new().mode(0o700).create(&folder);
    made.with_context(|| format!("cannot make the folder `{}`", folder.display()))?;
    Ok(folder)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn only_an_identity_of_the_game_days_own_is_revoked() {
        for (identity, is_own) in [
            ("spiffe://internal.example/gameday", true),
            ("spiffe://internal.example/test/gameday/7", true),
            ("spiffe://internal.example/prod/orders-api", false),
            ("spiffe://internal.example/prod/gameday-orders", false),
            ("spiffe://gameday", false),
        ] {
            assert_eq!(own_identity(&identity.parse().unwrap()).is_ok(), is_own, "{identity}");
        }
    }

    #[test]
    fn keys_are_for_their_owner() {
        let parent = tempfile::tempdir().unwrap();
        let folder = private_folder(parent.path()).unwrap();
        assert_eq!(std::fs::metadata(folder).unwrap().permissions().mode() & 0o777, 0o700);
    }
}
