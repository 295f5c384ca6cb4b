//! A provider's account on the local AWS, and the tool run against it.

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};

use local_stack::deploy::{self, CertificateAuthority, Tables};
use local_stack::ec2::EndpointService;
use local_stack::{LocalStack, LocalStackOptions, build};
use serde_json::Value;

use crate::{plain, schemas};

const BUS: &str = "linkward";
const PATIENCE: Duration = Duration::from_secs(120);

/// A provider's account, with what the control plane would hold.
pub(crate) struct Stage {
    pub(crate) stack: LocalStack,
    pub(crate) service: EndpointService,
    pub(crate) authority: CertificateAuthority,
    pub(crate) tables: Tables,
    pub(crate) folder: tempfile::TempDir,
}

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

impl Stage {
    pub(crate) async fn new() -> Self {
        let stack = LocalStack::start(LocalStackOptions::default()).await.unwrap();
        let service = stack.ec2(&stack.provider()).create_endpoint_service().await.unwrap();
        let authority = deploy::certificate_authority(&stack, "internal.example root").await.unwrap();
        let tables = deploy::tables(&stack, "").await.unwrap();
        let stage = Self { stack, service, authority, tables, folder: tempfile::tempdir().unwrap() };
        stage.deploy_functions().await;
        stage
    }

    async fn deploy_functions(&self) {
        let names = ["endpoint-approver", "certificate-revoker"];
        let binaries = build::binaries(&names, &local_stack::Progress::default()).await.unwrap();
        deploy::bus(&self.stack, BUS).await.unwrap();
        let mut environment = self.stack.env(&self.stack.provider());
        environment.extend(self.variables());
        let [approver, revoker] = [names[0], names[1]].map(|name| (name, binaries[name].clone()));
        let approver = deploy::lambda(&self.stack, approver.0, &approver.1, &environment).await.unwrap();
        let revoker = deploy::lambda(&self.stack, revoker.0, &revoker.1, &environment).await.unwrap();
        for (event, function) in [
            ("endpoint-sweep-requested", &approver),
            ("certificate-revocation-requested", &revoker),
            ("certificate-denial-withdrawn", &revoker),
        ] {
            let pattern = std::fs::read_to_string(root().join(format!("events/{event}/pattern.json"))).unwrap();
            deploy::rule(&self.stack, BUS, event, &pattern, function).await.unwrap();
        }
    }

    /// What functions and tool are told alike.
    fn variables(&self) -> Vec<(String, String)> {
        let variables = [
            ("LINKWARD_MODE", "enforce".to_owned()),
            ("LINKWARD_POLICY_SOURCE", format!("dynamodb:{}", self.tables.access_policy)),
            ("LINKWARD_SERVICE_IDS", self.service.id.clone()),
            ("LINKWARD_ENDPOINT_INVENTORY_TABLE", self.tables.endpoint_inventory.clone()),
            ("LINKWARD_DENY_LIST_TABLE", self.tables.deny_list.clone()),
            ("LINKWARD_CERTIFICATE_INVENTORY_TABLE", self.tables.certificate_inventory.clone()),
            ("LINKWARD_EVENT_BUS", BUS.to_owned()),
            ("LINKWARD_CERTIFICATE_AUTHORITY_ARNS", self.authority.arn.clone()),
        ];
        variables.map(|(name, value)| (name.to_owned(), value)).to_vec()
    }

    /// Runs the tool, with nobody to ask.
    pub(crate) async fn linkward(&self, arguments: &[&str]) -> (Option<i32>, String, String) {
        let output: Output = tokio::process::Command::new(env!("CARGO_BIN_EXE_linkward"))
            .args(arguments)
            .current_dir(self.folder.path())
            .envs(self.stack.env(&self.stack.provider()))
            .envs(self.variables())
            .env("LINKWARD_REQUESTED_BY", "alice")
            .stdin(Stdio::null())
            .output()
            .await
            .unwrap();
        let output = written::output("linkward", output);
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.code(), text(output.stdout), text(output.stderr))
    }

    /// The JSON document of a command that succeeds.
    pub(crate) async fn json(&self, arguments: &[&str]) -> Value {
        let (code, stdout, stderr) = self.linkward(&[arguments, &["--output", "json"]].concat()).await;
        assert_eq!(code, Some(0), "{arguments:?}: {stdout}{stderr}");
        let document = serde_json::from_str(&stdout).unwrap();
        schemas::check(arguments, &document);
        document
    }

    /// What it prints in a pipe, with colour and for machines, but for what differs from run to run.
    pub(crate) async fn golden(&self, name: &str, arguments: &[&str]) {
        let modes = [("", &[][..]), (".color", &["--color", "always"][..]), (".json", &["--output", "json"][..])];
        // What is made must have a name of its own each time.
        for ((ending, flags), made) in modes.into_iter().zip(["made-a", "made-b", "made-c"]) {
            let all = [arguments, flags].concat();
            let all: Vec<&str> = all.into_iter().map(|word| if word == "MADE" { made } else { word }).collect();
            let (code, stdout, stderr) = self.linkward(&all).await;
            assert!(ending == ".color" || !stdout.contains('\u{1b}'), "{name}: colour in a pipe");
            let stderr = if stderr.is_empty() { stderr } else { format!("--- stderr\n{stderr}") };
            let text = format!("$ linkward {}\n{stdout}{stderr}--- exit code {}\n", all.join(" "), code.unwrap());
            plain::compare(&format!("{name}{ending}.txt"), &plain::plain(&text));
        }
    }

    /// Asks again until the document is as wanted.
    pub(crate) async fn until(&self, arguments: &[&str], wanted: impl Fn(&Value) -> bool) -> Value {
        let began = Instant::now();
        loop {
            let document = self.json(arguments).await;
            if wanted(&document) {
                return document;
            }
            assert!(began.elapsed() < PATIENCE, "{arguments:?}: {document:#}");
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    }
}
