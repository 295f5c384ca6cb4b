#![no_main]
//! OPA bundles: as stored, or as the tar file within; the first byte says which. What is read is parsed as Rego too.
use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use policy_source::Engine;
use policy_source::bundle::{Bundle, VerificationKey};

/// A public key, P-256, whose private half is nowhere.
const KEY: &[u8] = include_bytes!("bundle_key.pem");

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some((first, bytes)) = bytes.split_first() else { return };
    let archive = if first % 2 == 0 { bytes.to_vec() } else { zipped(bytes) };
    if let Ok(key) = VerificationKey::from_pem(KEY) {
        assert!(Bundle::read(&archive, Some(&key)).is_err(), "nobody can sign this");
    }
    let Ok(bundle) = Bundle::read(&archive, None) else { return };
    for module in &bundle.modules {
        assert!(!module.path.starts_with('/') && !module.path.split('/').any(|segment| segment == ".."));
    }
    if let Err(error) = Engine::of_bundle(bundle, "1".into(), policy_rego::DEFAULT_BUDGET) {
        assert!(!error.to_string().is_empty());
    }
});

fn zipped(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(bytes).and_then(|()| gzip.finish()).unwrap_or_default()
}
