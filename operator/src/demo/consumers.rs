//! Step 2, the outer gate: endpoints appear, events wake the approver, and the policy decides.

use anyhow::{Context as _, bail};
use aws_sdk_dynamodb::types::AttributeValue;
use local_stack::LocalStack;
use policy::VpcEndpointId;

use super::provider::Provider;
use super::report::{Progress, Report, Step, Stopped};
use super::wait::until;

/// The account of the allowed consumer `billing`.
pub(crate) const BILLING: &str = "123456789012";
/// Another allowed consumer, `shipping`.
pub(crate) const SHIPPING: &str = "210987654321";
/// An account that the policy does not name.
pub(crate) const STRANGER: &str = "666666666666";

/// The endpoints through which the inner gate is reached.
#[derive(Debug)]
pub(crate) struct Consumers {
    pub(crate) billing: VpcEndpointId,
    pub(crate) shipping: VpcEndpointId,
}

/// What a consumer hopes for, or not.
struct Expected {
    account: &'static str,
    state: &'static str,
    reason: &'static str,
}

/// Lets three accounts ask for a connection.
pub(crate) async fn connect(
    stack: &LocalStack,
    provider: &Provider,
    report: &mut Report,
) -> Result<Consumers, Stopped> {
    report.chapter("2. The outer gate: who may connect");
    let quiet = Progress::default();
    let step = Step { name: "endpointAccepted", title: "an endpoint of an allowed account (billing) is accepted" };
    let expected = Expected { account: BILLING, state: "available", reason: "allowed" };
    let billing = report.step(step, &quiet, endpoint(stack, provider, expected)).await?;
    let step = Step { name: "secondEndpointAccepted", title: "so is one of another allowed account (shipping)" };
    let expected = Expected { account: SHIPPING, state: "available", reason: "allowed" };
    let shipping = report.step(step, &quiet, endpoint(stack, provider, expected)).await?;
    let step = Step { name: "endpointRejected", title: "an endpoint of a stranger is rejected" };
    let expected = Expected { account: STRANGER, state: "rejected", reason: "unlisted" };
    let rejected = report.step(step, &quiet, endpoint(stack, provider, expected)).await;
    drop(rejected); // what follows does not need a stranger
    Ok(Consumers { billing, shipping })
}

async fn endpoint(
    stack: &LocalStack,
    provider: &Provider,
    expected: Expected,
) -> anyhow::Result<(VpcEndpointId, String)> {
    let consumer = stack.ec2(&stack.account(expected.account));
    let id = consumer
        .create_vpc_endpoint(&provider.service.name)
        .await
        .context("the consumer could not create its endpoint")?;
    let created = std::time::Instant::now();
    let ours = stack.ec2(&stack.provider());
    let state = until(&format!("a verdict about {id}"), async || {
        let connection = ours.connection(&id).await?.with_context(|| format!("the provider does not see {id}"))?;
        Ok((!["pendingAcceptance", "pending"].contains(&connection.state.as_str())).then_some(connection.state))
    })
    .await?;
    let seconds = created.elapsed().as_secs_f64();
    let inventory = inventory(stack, provider, &id).await?;
    let told =
        format!("{id} of account {}: event → {state} in {seconds:.2} s; inventory: {inventory}", expected.account);
    if state != expected.state || inventory.reason != expected.reason {
        bail!("{told}; expected {} for the reason {}", expected.state, expected.reason);
    }
    Ok((id.parse()?, told))
}

/// What the approver wrote down.
struct Inventory {
    verdict: String,
    reason: String,
    consumer: Option<String>,
}

impl std::fmt::Display for Inventory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}, {}", self.verdict, self.reason)?;
        self.consumer.iter().try_for_each(|name| write!(f, ", consumer `{name}`"))
    }
}

/// The endpoint's item. Its state is that of the approver's last look, right after it accepted: the connection may have moved on since.
async fn inventory(stack: &LocalStack, provider: &Provider, id: &str) -> anyhow::Result<Inventory> {
    let client = aws_sdk_dynamodb::Client::new(&stack.sdk_config(&stack.provider()).await);
    until(&format!("{id} in the endpoint inventory"), async || {
        let key = AttributeValue::S(id.to_owned());
        let read = client.get_item().table_name(&provider.tables.endpoint_inventory).key("endpointId", key);
        let item = read.consistent_read(true).send().await?.item;
        let text = |name: &str| item.as_ref()?.get(name)?.as_s().ok().cloned();
        let (verdict, reason) = (text("verdict"), text("reason"));
        Ok(verdict.zip(reason).map(|(verdict, reason)| Inventory { verdict, reason, consumer: text("consumer") }))
    })
    .await
}
