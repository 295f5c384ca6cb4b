//! The local stack as a target: what `linkward demo` starts, with a game day's own identities.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use local_stack::LocalStack;

use super::field::{Field, Stranger, private_folder};
use super::issuer::Issuer;
use crate::aws::signed::{EC2, Signed};
use crate::demo::certificates::SERVER_NAME;
use crate::demo::consumers::{self, STRANGER};
use crate::demo::gate::{self, Gate};
use crate::demo::ground::{self, Ground, RUNTIME};
use crate::demo::provider::{self, BUS, Provider};
use crate::demo::report::{Report, Stopped};

/// Everything that runs; the gate goes before the ground it stands on.
#[derive(Debug)]
pub(super) struct Stage {
    _gate: Gate,
    _ground: Ground,
}

/// Builds it all, and says where to play.
pub(super) async fn stage(patience: Duration, report: &mut Report) -> Result<(Stage, Field), Stopped> {
    let ground = ground::prepare(report).await?;
    let stack = &ground.stack;
    let provider = provider::build(stack, &ground.root, &ground.binaries, report).await?;
    let consumers = consumers::connect(stack, &provider, report).await?;
    let binary = ground.binaries.get(RUNTIME).ok_or(Stopped)?;
    let gate = gate::open(stack, &provider, &consumers, binary, &ground.folder, report).await?;
    let field =
        field(stack, &provider, &gate, &ground.binaries, &ground.folder, patience).await.map_err(|_| Stopped)?;
    Ok((Stage { _gate: gate, _ground: ground }, field))
}

async fn field(
    stack: &LocalStack,
    provider: &Provider,
    gate: &Gate,
    binaries: &BTreeMap<String, PathBuf>,
    folder: &Path,
    patience: Duration,
) -> anyhow::Result<Field> {
    let sdk = stack.sdk_config(&stack.provider()).await;
    let folder = private_folder(folder)?;
    Ok(Field {
        name: "the local stack".to_owned(),
        host: SERVER_NAME.to_owned(),
        through: gate.billing.address,
        elsewhere: Some(gate.shipping.address),
        trust_anchors: provider.authority.certificate_pem.clone(),
        path: "/v1/invoices/42".to_owned(),
        identity: "spiffe://internal.example/gameday".parse()?,
        signed: Signed::new(&sdk)?,
        issuer: Issuer::new(&sdk, &provider.authority.arn, &folder),
        authority: provider.authority.arn.clone(),
        event_bus: BUS.to_owned(),
        deny_list_table: provider.tables.deny_list.clone(),
        service: Some(provider.service.id.clone()),
        stranger: Some(stranger(stack).await.context("the stranger has no network")?),
        holds: false,
        runtime: binaries.get(RUNTIME).cloned(),
        access_log: Some(gate.runtime.access_log.clone()),
        folder,
        patience,
        sdk,
    })
}

async fn stranger(stack: &LocalStack) -> anyhow::Result<Stranger> {
    let signed = Signed::new(&stack.sdk_config(&stack.account(STRANGER)).await)?;
    let vpc = signed.query(&EC2, "CreateVpc", &[("CidrBlock", "10.0.0.0/16")]).await?.text("vpcId").to_owned();
    let subnet = [("VpcId", vpc.as_str()), ("CidrBlock", "10.0.0.0/24")];
    let subnet = signed.query(&EC2, "CreateSubnet", &subnet).await?.text("subnetId").to_owned();
    Ok(Stranger { signed, vpc, subnet })
}
