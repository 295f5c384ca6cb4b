//! Archives: what `opa build` and `tar` write is read, and nothing that leads elsewhere or never ends.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "test code")]

#[path = "../packing/mod.rs"]
mod packing;
mod signatures;

use std::io::Write;

use packing::Packed;
use policy_source::bundle::Bundle;
use proptest::prelude::*;
use serde_json::json;
use tar::{EntryType, Header};

const RULES: &str = "package linkward\nauthz := {\"allow\": true}\n";

fn read(packed: &Packed) -> Bundle {
    Bundle::read(&packed.archive(), None).unwrap()
}

fn refused(packed: &Packed) -> String {
    Bundle::read(&packed.archive(), None).unwrap_err().to_string()
}

#[test]
fn a_bundle_as_opa_builds_it_is_read() {
    let bundle = read(
        &Packed::default()
            .file("/data.json", "{\"linkward\":{\"callers\":{\"a\":1}}}")
            .file("/app/authz.rego", RULES)
            .file(
                "/.manifest",
                "{\"revision\":\"7\",\"roots\":[\"linkward\"],\"rego_version\":1,\"metadata\":{\"x\":1}}",
            ),
    );
    assert_eq!(
        (bundle.revision.as_str(), bundle.roots.as_slice(), bundle.is_signed),
        ("7", &["linkward".to_owned()][..], false)
    );
    assert_eq!(bundle.data, json!({ "linkward": { "callers": { "a": 1 } } }));
    assert_eq!((bundle.modules[0].path.as_str(), bundle.modules[0].text.as_str()), ("app/authz.rego", RULES));
    assert!(!bundle.modules[0].v0);
}

/// The example of "Bundle File Format" in OPA's documentation.
#[test]
fn data_is_put_together_by_folder() {
    let bundle = read(
        &Packed::default()
            .file("roles/bindings/data.json", "[]")
            .file("roles/permissions/data.json", "{\"admin\":true}")
            .file("http/example/authz/authz.rego", "package http.example.authz"),
    );
    assert_eq!(bundle.data, json!({ "roles": { "bindings": [], "permissions": { "admin": true } } }));
    assert_eq!(bundle.modules[0].path, "http/example/authz/authz.rego");
}

#[test]
fn data_of_json_and_yaml_files_is_merged() {
    let bundle = read(
        &Packed::default()
            .folder("./roles/")
            .file("./data.json", "{\"roles\":{\"a\":{\"x\":1}},\"n\":12345678901234567890}")
            .file("./roles/a/data.json", "{\"y\":[1.5,null]}")
            .file("./roles/b/data.yaml", "z: \"1\"\nw: true\n")
            .file("./roles/c/data.yml", "{}")
            .file("./README.md", "not data")
            .file("./roles/other.json", "not data either"),
    );
    assert_eq!(
        bundle.data,
        json!({ "n": 12345678901234567890_u64, "roles": { "a": { "x": 1, "y": [1.5, null] }, "b": { "z": "1", "w": true }, "c": {} } })
    );
    assert_eq!((bundle.revision.as_str(), bundle.roots), ("", vec![String::new()]));
}

#[test]
fn rego_of_before_opa_1_is_marked() {
    let bundle = read(
        &Packed::default()
            .file("a.rego", "package a")
            .file("lib/b.rego", "package b")
            .file(".manifest", "{\"rego_version\":0,\"file_rego_versions\":{\"/lib/b.rego\":1}}"),
    );
    assert_eq!(bundle.modules.iter().map(|module| module.v0).collect::<Vec<_>>(), [true, false]);
}

#[test]
fn what_is_not_plain_is_refused_by_name() {
    let file = |path: &str| Packed::default().raw(path, EntryType::Regular, b"x");
    for (packed, says) in [
        (file("../data.json"), "the entry `../data.json` has no plain path"),
        (file("a/../../data.json"), "has no plain path"),
        (file("/../etc/passwd"), "has no plain path"),
        (file("//etc/passwd"), "has no plain path"),
        (file("a//b.rego"), "has no plain path"),
        (file("a/./b.rego"), "has no plain path"),
        (file("a\\b.rego"), "has no plain path"),
        (file("a\nb.rego"), "the entry `a\\nb.rego` has no plain path"),
        (file(""), "has no plain path"),
        (Packed::default().file(&"a/".repeat(300), "x"), "has no plain path of at most 512 bytes"),
        (
            Packed::default().link("data.json", "/etc/passwd", EntryType::Symlink),
            "the entry `data.json` is neither a file nor",
        ),
        (Packed::default().link("data.json", "/etc/passwd", EntryType::Link), "is neither a file nor"),
        (Packed::default().raw("pipe", EntryType::Fifo, b""), "the entry `pipe` is neither a file nor"),
        (Packed::default().raw("null", EntryType::Char, b""), "is neither a file nor"),
        (
            Packed::default().file("a.rego", "package a").file("/a.rego", "package b"),
            "the entry `a.rego` is there twice",
        ),
    ] {
        let message = refused(&packed);
        assert!(message.contains(says), "{message}");
    }
}

#[test]
fn what_is_no_policy_is_refused_by_name() {
    for (packed, says) in [
        (Packed::default().file("policy.wasm", "x"), "policy.wasm: a WebAssembly module cannot be used here"),
        (Packed::default().file("plan.json", "{}"), "plan.json: a plan cannot be used here"),
        (Packed::default().file("patch.json", "{}"), "patch.json: a bundle of patches cannot be used here"),
        (Packed::default().file("data.json", "[1]"), "data.json: its value must be an object"),
        (Packed::default().file("a/data.json", "{"), "a/data.json: EOF"),
        (Packed::default().file("data.yaml", "a: [1"), "data.yaml: "),
        (
            Packed::default().file("data.json", "{\"a\":1}").file("data.yaml", "a: 2"),
            "data.yaml: `a` has a value from another",
        ),
        (Packed::default().file("data.json", "{\"a\":1}").file("a/b/data.json", "{}"), "`a` has a value from another"),
        (Packed::default().raw("a.rego", EntryType::Regular, b"package a\xff"), "a.rego: invalid utf-8"),
        (Packed::default().file(".manifest", "{\"roots\":[\"a\",\"a/b\"]}"), "the roots `a` and `a/b` overlap"),
        (Packed::default().file(".manifest", "{\"rego_version\":2}"), ".manifest: Rego version 2 is not known"),
        (Packed::default().file(".manifest", "{\"wasm\":[{}]}"), "a WebAssembly module"),
        (Packed::default().file(".manifest", "{\"revision\":7}"), ".manifest: invalid type"),
        (
            Packed::default()
                .file(".manifest", "{\"roots\":[\"linkward\"]}")
                .file("data.json", "{\"linkward\":1,\"other\":{}}"),
            "the bundle has data at `/other`, outside of its roots",
        ),
    ] {
        let message = refused(&packed);
        assert!(message.contains(says), "{message}");
    }
}

#[test]
fn data_may_be_above_a_root_as_far_as_it_leads_there() {
    let manifest = "{\"roots\":[\"a/b\",\"c\"]}";
    let with = |data: &str| Packed::default().file(".manifest", manifest).file("data.json", data);
    read(&with("{\"a\":{\"b\":{\"x\":1}},\"c\":2}"));
    for data in ["{\"a\":{\"b\":1,\"d\":1}}", "{\"a\":1}", "{\"d\":1}", "{\"ab\":{}}"] {
        assert!(refused(&with(data)).contains("outside of its roots"), "{data}");
    }
}

#[test]
fn what_expands_without_end_is_refused_early() {
    let zeros = vec![0; 1024 * 1024];
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    for _ in 0..300 {
        gzip.write_all(&zeros).unwrap();
    }
    let bomb = gzip.finish().unwrap();
    assert!(bomb.len() < 1024 * 1024);
    let message = Bundle::read(&bomb, None).unwrap_err().to_string();
    assert!(message.contains("once expanded, are more than 268435456 bytes"), "{message}");
    let message = Bundle::read(&vec![0; 65 * 1024 * 1024], None).unwrap_err().to_string();
    assert!(message.contains("the bundle's bytes are more than 67108864 bytes"), "{message}");
    let mut many = Packed::default();
    for index in 0..4_097 {
        many = many.file(&format!("{index}.txt"), "");
    }
    assert!(refused(&many).contains("more than 4096 entries"));
}

#[test]
fn half_an_archive_is_none() {
    let archive = Packed::default().file("a.rego", RULES).file("data.json", "{}").archive();
    for length in 0..archive.len() {
        assert!(Bundle::read(&archive[..length], None).is_err(), "{length} of {}", archive.len());
    }
    let mut flipped = archive.clone();
    let checksum = flipped.len() - 6;
    flipped[checksum] ^= 1;
    assert!(Bundle::read(&flipped, None).is_err());
}

#[test]
fn a_size_that_lies_reads_nothing_behind_the_archive() {
    let mut header = Header::new_gnu();
    header.set_path("data.json").unwrap();
    header.set_size(u64::MAX / 4);
    header.set_entry_type(EntryType::Regular);
    header.set_cksum();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(header.as_bytes()).unwrap();
    gzip.write_all(b"{}").unwrap();
    assert!(Bundle::read(&gzip.finish().unwrap(), None).is_err());
}

fn any_content() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..200),
        Just(RULES.as_bytes().to_vec()),
        "\\{(\"[a-c]\":[0-9])?\\}".prop_map(String::into_bytes),
        Just(b"{\"revision\":\"1\",\"roots\":[\"a\"]}".to_vec()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Whatever it is fed, the reader ends, and what it gives lies below the bundle.
    #[test]
    fn no_archive_leads_elsewhere(
        files in proptest::collection::vec(("[a-c./\\\\]{0,12}(data.json|\\.manifest|x\\.rego|)", 0_u8..=8, any_content()), 0..6),
        flips in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
    ) {
        let mut packed = Packed::default();
        for (path, kind, content) in &files {
            packed = packed.raw(path, EntryType::new(b'0' + kind), content);
        }
        let mut tar = packed.tar();
        for (index, byte) in flips {
            let index = index.index(tar.len());
            tar[index] = byte;
        }
        if let Ok(bundle) = Bundle::read(&packing::gzip(&tar), None) {
            prop_assert!(bundle.data.is_object());
            for module in &bundle.modules {
                prop_assert!(!module.path.starts_with('/') && !module.path.split('/').any(|segment| segment == ".."));
            }
        }
    }

    #[test]
    fn any_bytes_are_refused_or_read_but_never_more(bytes in proptest::collection::vec(any::<u8>(), 0..2_000)) {
        prop_assert!(Bundle::read(&bytes, None).is_err());
        let _ = Bundle::read(&packing::gzip(&bytes), None);
    }
}
