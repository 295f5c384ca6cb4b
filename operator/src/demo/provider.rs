//! Step 1: the provider's account, as Terraform would build it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use aws_sdk_dynamodb::types::AttributeValue;
use local_stack::LocalStack;
use local_stack::deploy::{self, CertificateAuthority, Tables};
use local_stack::ec2::EndpointService;

use super::plumbing;
use super::report::{Progress, Report, Step, Stopped};

/// The bus of operators and functions.
pub(crate) const BUS: &str = "linkward";
/// The access policy of the demo.
pub(crate) const ACCESS_POLICY: &str = include_str!("access.yaml");

/// The functions of this story, as their binaries are called.
pub(crate) const FUNCTIONS: [&str; 4] = [APPROVER, REVOKER, ROTATOR, REPORTER];
pub(crate) const APPROVER: &str = "endpoint-approver";
pub(crate) const REVOKER: &str = "certificate-revoker";
pub(crate) const ROTATOR: &str = "certificate-rotator";
pub(crate) const REPORTER: &str = "posture-reporter";

/// What stands in the provider's account.
#[derive(Debug)]
pub(crate) struct Provider {
    pub(crate) service: EndpointService,
    pub(crate) authority: CertificateAuthority,
    pub(crate) tables: Tables,
}

/// Builds it all.
pub(crate) async fn build(
    stack: &LocalStack,
    root: &Path,
    binaries: &BTreeMap<String, PathBuf>,
    report: &mut Report,
) -> Result<Provider, Stopped> {
    report.chapter("1. The provider's account");
    let quiet = Progress::default();
    let step = Step { name: "endpointService", title: "an endpoint service in front of an internal NLB" };
    let service = report.step(step, &quiet, endpoint_service(stack)).await?;
    let step = Step { name: "certificateAuthority", title: "a private certificate authority" };
    let authority = report.step(step, &quiet, certificate_authority(stack)).await?;
    let step = Step { name: "tables", title: "the tables, and the access policy in one of them" };
    let tables = report.step(step, &quiet, tables(stack)).await?;
    let provider = Provider { service, authority, tables };
    let step = Step { name: "functions", title: "the functions, as Lambda runs them" };
    let functions = report.step(step, &quiet, functions(stack, &provider, binaries)).await?;
    let step = Step { name: "events", title: "event bus, rules, and the service's notifications" };
    report.step(step, &quiet, events(stack, root, &provider.service, &functions)).await?;
    Ok(provider)
}

async fn endpoint_service(stack: &LocalStack) -> anyhow::Result<(EndpointService, String)> {
    let service = stack.ec2(&stack.provider()).create_endpoint_service().await?;
    let told = format!("{} in account {}, acceptance required", service.name, stack.provider());
    Ok((service, told))
}

async fn certificate_authority(stack: &LocalStack) -> anyhow::Result<(CertificateAuthority, String)> {
    let authority = deploy::certificate_authority(stack, "internal.example root").await?;
    let told = format!("{}\nEC P-256, CRL in s3://{}/{}", authority.arn, authority.crl_bucket, authority.crl_key);
    Ok((authority, told))
}

async fn tables(stack: &LocalStack) -> anyhow::Result<(Tables, String)> {
    let tables = deploy::tables(stack, "").await?;
    let client = aws_sdk_dynamodb::Client::new(&stack.sdk_config(&stack.provider()).await);
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let put =
        client.put_item().table_name(&tables.access_policy).item("pk", text("meta")).item("revision", text("demo-1"));
    put.item("format", text("yaml")).item("document", text(ACCESS_POLICY)).send().await?;
    let told = format!(
        "{}, {}, {}, {}",
        tables.access_policy, tables.endpoint_inventory, tables.deny_list, tables.certificate_inventory
    );
    Ok((tables, told))
}

/// The functions' ARNs, by name.
type Functions = BTreeMap<&'static str, String>;

async fn functions(
    stack: &LocalStack,
    provider: &Provider,
    binaries: &BTreeMap<String, PathBuf>,
) -> anyhow::Result<(Functions, String)> {
    let mut arns = Functions::new();
    for name in FUNCTIONS {
        plumbing::role(stack, name, provider).await?;
        let binary = binaries.get(name).with_context(|| format!("`{name}` was not built"))?;
        let mut environment = stack.env(&stack.provider());
        environment.extend(configuration(provider).map(|(key, value)| (key.to_owned(), value)));
        arns.insert(name, deploy::lambda(stack, name, binary, &environment).await?);
    }
    Ok((arns, format!("{}; provided.al2023, mode enforce", FUNCTIONS.join(", "))))
}

/// Of one list each function takes its own and ignores the rest.
pub(crate) fn configuration(provider: &Provider) -> [(&'static str, String); 8] {
    [
        ("LINKWARD_MODE", "enforce".to_owned()),
        ("LINKWARD_POLICY_SOURCE", format!("dynamodb:{}", provider.tables.access_policy)),
        ("LINKWARD_SERVICE_IDS", provider.service.id.clone()),
        ("LINKWARD_ENDPOINT_INVENTORY_TABLE", provider.tables.endpoint_inventory.clone()),
        ("LINKWARD_DENY_LIST_TABLE", provider.tables.deny_list.clone()),
        ("LINKWARD_CERTIFICATE_INVENTORY_TABLE", provider.tables.certificate_inventory.clone()),
        ("LINKWARD_EVENT_BUS", BUS.to_owned()),
        ("LINKWARD_CERTIFICATE_AUTHORITY_ARNS", provider.authority.arn.clone()),
    ]
}

async fn events(
    stack: &LocalStack,
    root: &Path,
    service: &EndpointService,
    functions: &Functions,
) -> anyhow::Result<((), String)> {
    deploy::bus(stack, BUS).await?;
    let mut rules = Vec::new();
    for (name, pattern) in patterns(&root.join("events"))? {
        let Some(function) = listener(&name).and_then(|function| functions.get(function)) else { continue };
        deploy::rule(stack, BUS, &name, &pattern, function).await?;
        rules.push(name);
    }
    let approver = functions.get(APPROVER).context("no approver")?;
    let topic = deploy::topic(stack, "endpoint-connections", approver).await?;
    plumbing::topic_policy(stack, &topic, &service.id).await?;
    stack
        .ec2(&stack.provider())
        .create_connection_notification(&service.id, &topic, &["Connect", "Accept", "Reject", "Delete"])
        .await?;
    Ok(((), format!("bus `{BUS}` with {}; topic endpoint-connections", rules.join(", "))))
}

/// Every `events/NAME/pattern.json`: what Terraform makes rules of, too.
fn patterns(folder: &Path) -> anyhow::Result<BTreeMap<String, String>> {
    let mut patterns = BTreeMap::new();
    for entry in std::fs::read_dir(folder).with_context(|| format!("cannot read `{}`", folder.display()))? {
        let entry = entry?;
        let path = entry.path().join("pattern.json");
        if path.exists() {
            let pattern =
                std::fs::read_to_string(&path).with_context(|| format!("cannot read `{}`", path.display()))?;
            patterns.insert(entry.file_name().to_string_lossy().into_owned(), pattern);
        }
    }
    Ok(patterns)
}

/// Which function listens to an event. What AWS sends to the account's own bus has no listener here.
fn listener(event: &str) -> Option<&'static str> {
    match event {
        "certificate-revocation-requested" | "certificate-denial-withdrawn" => Some(REVOKER),
        "create-vpc-endpoint" | "endpoint-sweep-requested" => Some(APPROVER),
        "endpoint-accepted" | "endpoint-rejected" | "certificate-revoked" | "certificate-rotated" => Some(REPORTER),
        _ => None,
    }
}
