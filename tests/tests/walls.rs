//! The walls of the workspace: which crate may name which dependency (`deny.toml`), and which way the arrows point.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "test code")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Which crates of the workspace each crate may depend on: `operator`, `functions`, `api-runtime` → `policy/source` → `policy/rego` →
/// `policy/core`. The functions' `telemetry` may name only the last, which each of them is built with anyway. `functions` and
/// `policy/source` → `policy/http-client`.
/// Tests stand outside and may look at everything.
const ARROWS: &[(&str, &[&str])] = &[
    ("policy", &[]),
    ("policy-rego", &["policy"]),
    ("http-client", &[]),
    ("policy-source", &["policy", "policy-rego", "http-client"]),
    ("telemetry", &["policy", "http-client"]),
    ("endpoint-approver", &["policy", "policy-source", "telemetry"]),
    ("certificate-revoker", &["policy", "telemetry"]),
    ("certificate-rotator", &["policy", "policy-source", "telemetry"]),
    ("posture-reporter", &["policy", "policy-source", "telemetry"]),
    ("api-runtime", &["policy", "policy-source"]),
    ("linkward", &["policy", "policy-source", "local-stack"]),
];

/// The runtime's modules, row by row from the ground up: each names only those before it.
const LAYERS: &[&str] = &[
    "config body json answer outcome histogram sharded idle socket request_id host",
    "identity trust snapshots proxy_protocol handshake",
    "audit log_writer recent sightings metrics spans access_log",
    "connection authorization",
    "headers meter target unread record tunnel application request life",
    "forward reception admin export watch server",
];

/// What `policy` must never reach for: it decides, and does nothing else.
const NOT_IN_POLICY: &[&str] = &["tokio", "hyper", "aws-config", "rustls", "reqwest", "tracing"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

/// Every member of the workspace with the names of its direct dependencies; `tests` says whether those of its tests count.
fn members(tests: bool) -> BTreeMap<String, BTreeSet<String>> {
    let output = std::process::Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version", "1", "--offline"])
        .current_dir(root())
        .output()
        .unwrap();
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    metadata["packages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|package| {
            let dependencies = package["dependencies"].as_array().unwrap().iter();
            let names = dependencies.filter(|d| tests || d["kind"].is_null()).map(|d| text(&d["name"])).collect();
            (text(&package["name"]), names)
        })
        .collect()
}

fn text(value: &serde_json::Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn deny() -> toml::Table {
    std::fs::read_to_string(root().join("deny.toml")).unwrap().parse().unwrap()
}

fn strings(value: &toml::Value) -> Vec<&str> {
    value.as_array().unwrap().iter().map(|v| v.as_str().unwrap()).collect()
}

#[test]
fn a_crate_names_only_the_sdks_that_deny_toml_gives_it() {
    let members = members(true);
    let deny = deny();
    let mut walled = BTreeSet::new();
    for rule in deny["bans"]["deny"].as_array().unwrap() {
        let Some(wrappers) = rule.get("wrappers") else { continue };
        let name = rule["crate"].as_str().unwrap();
        walled.insert(name);
        if name.starts_with("aws-sdk-") {
            for wrapper in strings(wrappers) {
                assert!(members[wrapper].contains(name), "deny.toml lets `{wrapper}` name `{name}`, and it does not");
            }
        }
        for (member, dependencies) in &members {
            let allowed = strings(wrappers).contains(&member.as_str());
            assert!(allowed || !dependencies.contains(name), "`{member}` names `{name}`, deny.toml does not let it");
        }
    }
    let named = members.values().flatten().filter(|name| name.starts_with("aws-sdk-"));
    for sdk in named {
        assert!(walled.contains(sdk.as_str()), "`{sdk}` has no wrappers in deny.toml");
    }
}

#[test]
fn what_deny_toml_bans_is_built_into_nothing() {
    // Not the lock file: it also holds what only a feature that nobody asks for would bring.
    let output = std::process::Command::new(env!("CARGO"))
        .args([
            "tree",
            "--workspace",
            "--target",
            "all",
            "--edges",
            "all",
            "--prefix",
            "none",
            "--format",
            "{p}",
            "--offline",
        ])
        .current_dir(root())
        .output()
        .unwrap();
    let tree = String::from_utf8(output.stdout).unwrap();
    let built: BTreeSet<&str> = tree.lines().filter_map(|line| line.split(' ').next()).collect();
    assert!(built.contains("rustls"), "the tree was not read: {}", String::from_utf8_lossy(&output.stderr));
    for rule in deny()["bans"]["deny"].as_array().unwrap() {
        let name = rule["crate"].as_str().unwrap();
        assert!(rule.get("wrappers").is_some() || !built.contains(name), "`{name}` is banned and built");
    }
}

#[test]
fn arrows_between_crates_point_one_way() {
    let members = members(false);
    for (member, allowed) in ARROWS {
        for dependency in members[*member].iter().filter(|name| members.contains_key(*name)) {
            assert!(allowed.contains(&dependency.as_str()), "`{member}` must not depend on `{dependency}`");
        }
    }
}

#[test]
fn the_policy_crate_does_no_io() {
    let members = members(false);
    for name in NOT_IN_POLICY {
        assert!(!members["policy"].contains(*name), "`policy` names `{name}`");
    }
    for path in rust_files(&root().join("policy/core/src")) {
        let clock = std::fs::read_to_string(&path).unwrap().contains("::now(");
        assert!(!clock, "`{}` reads a clock", path.display());
    }
}

#[test]
fn one_module_of_each_program_parses_certificates() {
    for program in ["api-runtime", "functions/certificate-rotator", "operator"] {
        let parses = |path: &PathBuf| {
            let source = std::fs::read_to_string(path).unwrap();
            let product = source.split("#[cfg(test)]").next().unwrap();
            product.contains("x509_parser::certificate") || product.contains("X509Certificate")
        };
        let parsing: Vec<_> = rust_files(&root().join(program).join("src")).into_iter().filter(parses).collect();
        assert_eq!(parsing.len(), 1, "one module of {program} parses certificates: {parsing:?}");
    }
}

#[test]
fn the_runtimes_modules_name_only_what_is_below_them() {
    let order: Vec<_> = LAYERS.iter().flat_map(|row| row.split(' ')).collect();
    let place = |module: &str| order.iter().position(|name| *name == module);
    let source = root().join("api-runtime/src");
    let (mut seen, mut faults) = (BTreeSet::new(), Vec::new());
    for path in rust_files(&source) {
        let name = path.strip_prefix(&source).unwrap().with_extension("").display().to_string();
        let module = name.split('/').next().unwrap();
        // The binary is no part of the library; tests, and the doors for fuzzing, look at everything.
        if ["lib", "main", "stderr"].contains(&module) || name.contains("test") || name.ends_with("fuzzing") {
            continue;
        }
        let Some(own) = place(module) else { panic!("`{module}` has no place in LAYERS") };
        seen.insert(own);
        let text = std::fs::read_to_string(&path).unwrap();
        let product = text.split("#[cfg(test)]\nmod ").next().unwrap();
        for line in product.lines().filter(|line| !line.trim_start().starts_with("//")) {
            for named in line.split("crate::").skip(1) {
                let named = named.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap();
                if place(named).is_none_or(|named| named > own) {
                    faults.push(format!("{name} names `{named}`"));
                }
            }
        }
    }
    assert!(seen.len() == order.len() && faults.is_empty(), "{} of {}, {faults:#?}", seen.len(), order.len());
}

/// Programs of ours that tests start: what they write is searched for secrets.
#[test]
fn what_tests_start_is_heard() {
    // They start somebody else's.
    let strangers = ["tests/local-stack/tests/faults.rs", "tests/tests/walls.rs"];
    let starts = |source: &str| {
        let ends = [".output()", ".spawn()", ".wait_with_output()"];
        source.contains("ommand") && ends.iter().any(|end| source.contains(end))
    };
    let deaf = ["stdout(Stdio::null())", "stderr(Stdio::null())", "while let Ok(Some(_)) =", "for_each(drop)"];
    let (mut heard, mut faults) = (0, Vec::new());
    for folder in ["api-runtime", "operator", "functions", "policy", "tests"] {
        for path in rust_files(&root().join(folder)) {
            let name = path.strip_prefix(root()).unwrap().display().to_string();
            let source = std::fs::read_to_string(&path).unwrap();
            if !name.contains("tests/") || name.contains("/src/") || strangers.contains(&&*name) || !starts(&source) {
                continue;
            }
            heard += 1;
            if !source.contains("written::") {
                faults.push(format!("{name} starts a program and keeps nothing of what it writes"));
            }
            let thrown = deaf.iter().filter(|words| source.contains(*words));
            faults.extend(thrown.map(|words| format!("{name} throws away what a program writes: {words}")));
        }
    }
    assert!(heard > 20 && faults.is_empty(), "{heard} files, {faults:#?}");
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => files.extend(rust_files(&path)),
            false if path.extension().is_some_and(|e| e == "rs") => files.push(path),
            false => {}
        }
    }
    files
}
