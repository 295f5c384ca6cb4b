//! Terraform as a process, and what it deploys.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

use crate::{FUNCTIONS, root};

/// A folder with a copy of the AWS provider, so that nothing is asked of the registry; as `infra/check.sh` looks for it.
fn plugins() -> Option<PathBuf> {
    let home = std::env::home_dir().unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::var_os("TF_PLUGIN_DIR").into_iter().map(PathBuf::from).collect();
    folders.extend([
        home.join(".terraform.d/plugins"),
        "/usr/local/share/terraform/plugins".into(),
        "/usr/share/terraform/plugins".into(),
    ]);
    folders.extend(std::fs::read_dir("/opt").into_iter().flatten().flatten().map(|entry| entry.path()));
    folders.into_iter().find(|folder| folder.join("registry.terraform.io/hashicorp/aws").is_dir())
}

/// Terraform in a copy of `infra/`, so that nothing is written into the checkout.
pub(crate) struct Terraform {
    pub(crate) work: tempfile::TempDir,
    environment: Vec<(String, String)>,
}

impl Terraform {
    pub(crate) fn is_installed() -> bool {
        Command::new("terraform").arg("version").output().is_ok()
    }

    pub(crate) fn new(environment: Vec<(String, String)>) -> Self {
        let work = tempfile::tempdir().unwrap();
        for folder in ["infra", "events", "functions", "policy"] {
            let copied = Command::new("cp").arg("-R").arg(root().join(folder)).arg(work.path()).status().unwrap();
            assert!(copied.success());
        }
        Self { work, environment }
    }

    fn folder(&self, example: &str) -> PathBuf {
        self.work.path().join("infra/examples").join(example)
    }

    fn run(&self, example: &str, arguments: &[&str]) -> Output {
        let mut command = Command::new("terraform");
        command.arg(format!("-chdir={}", self.folder(example).display())).args(arguments);
        command.envs(self.environment.iter().cloned()).env("CHECKPOINT_DISABLE", "1").env("TF_IN_AUTOMATION", "1");
        if std::env::var_os("TF_CLI_CONFIG_FILE").is_some_and(|file| !Path::new(&file).exists()) {
            command.env_remove("TF_CLI_CONFIG_FILE");
        }
        command.output().unwrap()
    }

    /// What it printed; it must succeed.
    pub(crate) fn must(&self, example: &str, arguments: &[&str]) -> String {
        let output = self.run(example, arguments);
        let (said, complained) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "terraform {} in {example}:\n{said}\n{complained}", arguments.join(" "));
        said.into_owned()
    }

    pub(crate) fn init(&self, example: &str) {
        let plugins = plugins().map(|folder| format!("-plugin-dir={}", folder.display()));
        let arguments = ["init", "-no-color", "-input=false"].into_iter().chain(plugins.as_deref());
        self.must(example, &arguments.collect::<Vec<_>>());
    }

    pub(crate) fn outputs(&self, example: &str) -> Value {
        serde_json::from_str(&self.must(example, &["output", "-json"])).unwrap()
    }

    /// Plans, and gives the gate that very plan.
    pub(crate) fn gate(&self, example: &str, linkward: &Path, variables: &Value) {
        let folder = self.folder(example);
        std::fs::write(folder.join("gate.auto.tfvars.json"), variables.to_string()).unwrap();
        self.must(example, &["plan", "-no-color", "-input=false", "-out=tfplan"]);
        std::fs::write(folder.join("plan.json"), self.must(example, &["show", "-json", "tfplan"])).unwrap();
        let output = Command::new(linkward).arg("gate").arg(folder.join("plan.json")).output().unwrap();
        let output = written::output("linkward", output);
        assert_eq!(output.status.code(), Some(0), "{example}: {}", String::from_utf8_lossy(&output.stdout));
    }
}

/// Packs each function as Lambda takes it. The `bootstrap` says where the emulators are and starts the real binary: a module that is applied to
/// AWS has no place for such variables.
pub(crate) fn pack(folder: &Path, binaries: &BTreeMap<String, PathBuf>, environment: &[(String, String)]) {
    for name in FUNCTIONS {
        let exports = environment.iter().filter(|(name, _)| name.starts_with("AWS_ENDPOINT_URL"));
        let exports: String = exports.map(|(name, value)| format!("export {name}={value}\n")).collect();
        let script = format!("#!/bin/sh\n{exports}exec {}\n", binaries[name].display());
        std::fs::create_dir_all(folder.join(name)).unwrap();
        let zip = folder.join(name).join("bootstrap.zip");
        let packed = "import sys, zipfile\nfile = zipfile.ZipInfo('bootstrap')\nfile.external_attr = 0o100755 << 16\n\
                      zipfile.ZipFile(sys.argv[1], 'w').writestr(file, sys.stdin.read())";
        let mut python = Command::new("python3");
        python.args(["-c", packed]).arg(&zip).stdin(std::process::Stdio::piped());
        let mut python = python.spawn().unwrap();
        python.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
        assert!(python.wait().unwrap().success());
    }
}
