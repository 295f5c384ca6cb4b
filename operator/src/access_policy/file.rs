//! Reading an access policy from a file.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, bail};
use policy::{Format, Policy, PolicyError, Revision};
use policy_source::Engine;
use policy_source::bundle::Bundle;

/// The first bytes of what gzip writes: an OPA bundle is one.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// How long one evaluation may take: more than in the gate, since a busy desk must not make a denial of it.
const PATIENT: Duration = Duration::from_secs(1);

/// The outer error: the file cannot be read; the inner one: it is not an access policy.
pub(crate) fn read(file: &Path) -> anyhow::Result<Result<Policy, PolicyError>> {
    let name = file.display().to_string();
    let bytes = std::fs::read(file).with_context(|| format!("cannot read `{name}`"))?;
    if is_rego(&name, &bytes) {
        bail!(
            "`{name}` is a module of Rego; pack it with its data as a bundle, `opa build -b FOLDER -o bundle.tar.gz`, and give that"
        );
    }
    Ok(Policy::parse(&bytes, Format::from_name(&name), &name, Revision::from("unpublished")))
}

/// The bytes of an OPA bundle; none if the file is something else.
pub(crate) fn bundle(file: &Path) -> anyhow::Result<Option<Vec<u8>>> {
    let bytes = std::fs::read(file).with_context(|| format!("cannot read `{}`", file.display()))?;
    Ok(bytes.starts_with(&GZIP).then_some(bytes))
}

/// A policy that decides requests: the declarative form, or a bundle with Rego.
pub(crate) fn engine(file: &Path) -> anyhow::Result<Engine> {
    let name = file.display().to_string();
    let bytes = std::fs::read(file).with_context(|| format!("cannot read `{name}`"))?;
    if !is_rego(&name, &bytes) {
        return Ok(Engine::Declarative(read(file)??));
    }
    if !bytes.starts_with(&GZIP) {
        bail!(
            "`{name}` is a module of Rego; pack it with its data as a bundle, `opa build -b FOLDER -o bundle.tar.gz`"
        );
    }
    let bundle = Bundle::read(&bytes, None).with_context(|| format!("`{name}` is no bundle"))?;
    Engine::of_bundle(bundle, Revision::from("unpublished"), PATIENT).with_context(|| format!("`{name}` cannot decide"))
}

/// Whether this is a policy of the other engine: a bundle, or a module of one.
pub(crate) fn is_rego(name: &str, bytes: &[u8]) -> bool {
    let name = name.to_ascii_lowercase();
    bytes.starts_with(&GZIP) || [".rego", ".tar.gz", ".tgz"].iter().any(|ending| name.ends_with(ending))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rego_is_known_by_name_or_content() {
        for name in ["authz.rego", "bundle.tar.gz", "BUNDLE.TGZ"] {
            assert!(is_rego(name, b""), "{name}");
        }
        assert!(is_rego("bundle", &[0x1f, 0x8b, 8]));
        assert!(!is_rego("access.yaml", b"version: 1"));
    }
}
