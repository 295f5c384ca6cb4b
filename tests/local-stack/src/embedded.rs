//! The Python side, inside the binary: an installed tool needs no checkout.

use std::io;
use std::path::Path;

/// Everything that pip installs, with exact versions.
pub(crate) const REQUIREMENTS: &str = include_str!("../python/requirements.txt");

/// The package `local_stack`, file by file.
macro_rules! sources {
    ($($path:literal),* $(,)?) => {
        const SOURCES: &[(&str, &str)] = &[$(($path, include_str!(concat!("../python/local_stack/", $path)))),*];
    };
}

sources![
    "__init__.py",
    "aws_events.py",
    "caller.py",
    "extend.py",
    "faults.py",
    "front.py",
    "inherited.py",
    "organizations.py",
    "peer.py",
    "private_ca/__init__.py",
    "private_ca/api.py",
    "private_ca/authority.py",
    "private_ca/crl.py",
    "private_ca/errors.py",
    "private_ca/issuing.py",
    "private_ca/keys.py",
    "private_ca/passthrough.py",
    "private_ca/templates.py",
    "private_ca/validity.py",
    "privatelink/__init__.py",
    "privatelink/cloudtrail.py",
    "privatelink/connection_api.py",
    "privatelink/connections.py",
    "privatelink/endpoint_api.py",
    "privatelink/notification_api.py",
    "privatelink/notifications.py",
    "privatelink/permission_api.py",
    "serve_ministack.py",
    "serve_moto.py",
    "settings.py",
    "watchdog.py",
];

/// Writes the package to `folder/local_stack`.
pub(crate) fn write_to(folder: &Path) -> io::Result<()> {
    for (path, text) in SOURCES {
        let file = folder.join("local_stack").join(path);
        if let Some(parent) = file.parent() {
            std::fs::create_dir_all(parent)?;
        }
        std::fs::write(file, text)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_python_file_is_embedded() {
        let package = Path::new(env!("CARGO_MANIFEST_DIR")).join("python/local_stack");
        let mut folders = vec![package.clone()];
        let mut missing = Vec::new();
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                let name = path.strip_prefix(&package).unwrap().to_str().unwrap().to_owned();
                if path.is_dir() {
                    folders.push(path);
                } else if name.ends_with(".py") && !SOURCES.iter().any(|(known, _)| *known == name) {
                    missing.push(name);
                }
            }
        }
        assert!(missing.is_empty(), "not embedded: {missing:?}");
    }

    #[test]
    fn requirements_are_exact() {
        let loose: Vec<_> = REQUIREMENTS
            .lines()
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
            .filter(|line| !line.contains("=="))
            .collect();
        assert!(loose.is_empty(), "without an exact version: {loose:?}");
    }
}
