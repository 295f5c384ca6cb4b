//! Where what outlives a run is kept.

use std::path::{Path, PathBuf};

/// Under cargo's target folder when this binary lies in one, else in the user's cache: an installed tool has no target folder.
pub(crate) fn kept() -> PathBuf {
    let target = std::env::current_exe().ok().and_then(|exe| target_folder(&exe));
    target.map_or_else(cache, |folder| folder.join("local-stack"))
}

/// The nearest folder above `path` that cargo builds into. (`CACHEDIR.TAG` is there only when cargo made the folder itself.)
pub(crate) fn target_folder(path: &Path) -> Option<PathBuf> {
    path.ancestors().skip(1).find(|folder| folder.join(".rustc_info.json").exists()).map(Path::to_owned)
}

fn cache() -> PathBuf {
    let configured = std::env::var_os("XDG_CACHE_HOME").filter(|folder| !folder.is_empty()).map(PathBuf::from);
    let cache = configured.or_else(|| std::env::home_dir().map(|home| home.join(".cache")));
    cache.unwrap_or_else(std::env::temp_dir).join("linkward/local-stack")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_binary_in_a_target_folder_is_recognised_and_an_installed_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let exe = folder.path().join("debug/deps/tests-0a1b2c");
        assert_eq!(target_folder(&exe), None);
        std::fs::write(folder.path().join(".rustc_info.json"), "{}").unwrap();
        assert_eq!(target_folder(&exe), Some(folder.path().to_owned()));
    }
}
