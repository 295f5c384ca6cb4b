//! The trust domain from a bundle, which must be signed where a key is configured.

use rcgen::KeyPair;

use crate::stage::{FIRST, STEPS, Stage};

fn bundle() -> Vec<u8> {
    let data = r#"{"linkward": {"version": 1, "trustDomain": "internal.example", "endpoints": {"consumers": []}}}"#;
    let rules = "package linkward\nauthz := {\"allow\": false}\n";
    let mut tar = tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
    for (name, content) in [("data.json", data), ("authz.rego", rules)] {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        tar.append_data(&mut header, name, content.as_bytes()).unwrap();
    }
    tar.into_inner().unwrap().finish().unwrap()
}

#[test]
fn a_bundle_says_the_trust_domain_but_not_unsigned_where_a_key_is_configured() {
    let folder = tempfile::tempdir().unwrap();
    let (archive, key) = (folder.path().join("bundle.tar.gz"), folder.path().join("key.pem"));
    std::fs::write(&archive, bundle()).unwrap();
    std::fs::write(&key, KeyPair::generate().unwrap().public_key_pem()).unwrap();
    let source = format!("bundle:{}", archive.display());
    let with = || Stage::new().with("LINKWARD_TRUST_DOMAIN", "").with("LINKWARD_POLICY_SOURCE", &source);

    let stage = with().with("LINKWARD_POLICY_VERIFICATION_KEY", &key.display().to_string());
    stage.world.state().secrets.begin(FIRST);
    let (fault, said) = stage.failure(STEPS[0], FIRST);
    assert_eq!(fault, "policyUnavailable", "{said}");
    assert!(said.contains("there is no .signatures.json"), "{said}");
    assert!(stage.world.state().authority.issued.is_empty());

    with().rotate(FIRST);
}
