//! A policy in Rego, where the declarative form goes too: replayed on logs, and tried against cases.

#![allow(clippy::unwrap_used, reason = "test code")]

use std::path::{Path, PathBuf};
use std::process::Command;

/// Lets everybody read, and only through a known endpoint, with a certificate.
const RULES: &str = r#"package linkward

default authz := {"allow": false, "reason": "noMatchingRule"}

authz := {"allow": true, "reason": "permitted", "rule": "reads"} if {
	input.request.method == "GET"
	input.request.segments[0] == data.readable[_]
	startswith(input.endpoint.id, "vpce-")
	input.certificate.serialNumber == "a1b2c"
}
"#;

fn bundle(folder: &Path, rules: &str) -> PathBuf {
    let file = folder.join("bundle.tar.gz");
    let encoder = flate2::write::GzEncoder::new(std::fs::File::create(&file).unwrap(), flate2::Compression::fast());
    let mut archive = tar::Builder::new(encoder);
    for (name, content) in [
        (".manifest", r#"{"revision": "7", "roots": [""]}"#),
        ("data.json", r#"{"readable": ["health", "v1"]}"#),
        ("authz.rego", rules),
    ] {
        let mut header = tar::Header::new_ustar();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, name, content.as_bytes()).unwrap();
    }
    archive.into_inner().unwrap().finish().unwrap();
    file
}

fn linkward(arguments: &[&str]) -> (Option<i32>, String) {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let output = Command::new(env!("CARGO_BIN_EXE_linkward")).args(arguments).current_dir(fixtures).output().unwrap();
    let output = written::output("linkward", output);
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout) + &text(output.stderr))
}

#[test]
fn a_log_is_decided_again_by_rego() {
    let folder = tempfile::tempdir().unwrap();
    let file = bundle(folder.path(), RULES);
    let (code, told) = linkward(&["policy", "replay", "--policy", file.to_str().unwrap(), "access.log"]);
    assert_eq!(code, Some(0), "{told}");
    assert!(
        told.contains("11 requests decided again: 0 newly denied, 2 newly allowed, 8 as before, 1 denied"),
        "{told}"
    );
    assert!(told.contains("accountMismatch") && told.contains("permitted by reads"), "{told}");
    let nobody = bundle(folder.path(), &RULES.replace("a1b2c", "ffff"));
    let (code, told) = linkward(&["policy", "replay", "--policy", nobody.to_str().unwrap(), "access.log"]);
    assert_eq!(code, Some(1), "{told}");
    assert!(told.contains("7 newly denied"), "{told}");
}

#[test]
fn cases_are_tried_by_rego_and_a_broken_bundle_is_said_to_be_one() {
    let folder = tempfile::tempdir().unwrap();
    let rules = RULES
        .replace("\tstartswith(input.endpoint.id, \"vpce-\")\n\tinput.certificate.serialNumber == \"a1b2c\"\n", "");
    let file = bundle(folder.path(), &rules);
    let (code, told) = linkward(&["policy", "test", "cases.yaml", "--policy", file.to_str().unwrap()]);
    assert_eq!(code, Some(1), "{told}");
    assert!(told.contains("expected the rule `read-invoices`, found `reads`"), "{told}");
    let broken = bundle(folder.path(), "package linkward\nauthz := {");
    let (code, told) = linkward(&["policy", "replay", "--policy", broken.to_str().unwrap(), "access.log"]);
    assert!(code == Some(2) && told.contains("cannot decide"), "{told}");
    let (code, told) = linkward(&["policy", "replay", "--policy", "authz.rego", "access.log"]);
    assert!(code == Some(2) && told.contains("pack it with its data as a bundle"), "{told}");
}
