//! What Terraform makes besides, and the emulators do not insist on: the functions' roles, who may publish on the topic, and what listens on
//! the load balancer. `linkward doctor` looks at it.

use std::net::SocketAddr;

use anyhow::Context as _;
use local_stack::LocalStack;
use serde_json::{Value, json};

use super::provider::{BUS, Provider};
use crate::aws::grants::{self, Grant, Resources};
use crate::aws::signed::{EC2, ELB, IAM, SNS, Signed};

async fn signed(stack: &LocalStack) -> anyhow::Result<Signed> {
    Ok(Signed::new(&stack.sdk_config(&stack.provider()).await)?)
}

/// The role of a function, of what its `iam.json` says.
pub(crate) async fn role(stack: &LocalStack, function: &str, provider: &Provider) -> anyhow::Result<()> {
    let grants = grants::grants(function, &resources(stack, provider)).context("a function without `iam.json`")?;
    let document = json!({ "Version": "2012-10-17", "Statement": grants.iter().map(statement).collect::<Vec<_>>() });
    let trust = json!({ "Version": "2012-10-17", "Statement": [
        { "Effect": "Allow", "Principal": { "Service": "lambda.amazonaws.com" }, "Action": "sts:AssumeRole" }
    ] });
    let signed = signed(stack).await?;
    let role = [("RoleName", function), ("AssumeRolePolicyDocument", &trust.to_string())];
    signed.query(&IAM, "CreateRole", &role).await?;
    let policy = [("RoleName", function), ("PolicyName", "iam.json"), ("PolicyDocument", &document.to_string())];
    signed.query(&IAM, "PutRolePolicy", &policy).await?;
    Ok(())
}

/// Without conditions: the emulator's policy simulator is told of no context.
fn statement(grant: &Grant) -> Value {
    json!({ "Effect": "Allow", "Action": grant.actions, "Resource": grant.resources })
}

fn resources(stack: &LocalStack, provider: &Provider) -> Resources {
    let (region, account) = (stack.region(), stack.provider());
    let arn = |service: &str, rest: String| vec![format!("arn:aws:{service}:{region}:{account}:{rest}")];
    let table = |name: &str| arn("dynamodb", format!("table/{name}"));
    Resources::from([
        ("access_policy_table_arn", table(&provider.tables.access_policy)),
        ("deny_list_table_arn", table(&provider.tables.deny_list)),
        ("endpoint_inventory_table_arn", table(&provider.tables.endpoint_inventory)),
        ("certificate_inventory_table_arn", table(&provider.tables.certificate_inventory)),
        ("event_bus_arn", arn("events", format!("event-bus/{BUS}"))),
        ("certificate_authority_arns", vec![provider.authority.arn.clone()]),
        ("endpoint_service_arns", arn("ec2", format!("vpc-endpoint-service/{}", provider.service.id))),
    ])
}

/// Lets PrivateLink publish on the topic, for our own service alone.
pub(crate) async fn topic_policy(stack: &LocalStack, topic: &str, service_id: &str) -> anyhow::Result<()> {
    let service = format!("arn:aws:ec2:{}:{}:vpc-endpoint-service/{service_id}", stack.region(), stack.provider());
    let policy = json!({ "Version": "2012-10-17", "Statement": [{
        "Effect": "Allow",
        "Principal": { "Service": "vpce.amazonaws.com" },
        "Action": "sns:Publish",
        "Resource": topic,
        "Condition": {
            "ArnEquals": { "aws:SourceArn": service },
            "StringEquals": { "aws:SourceAccount": stack.provider().id() },
        },
    }] });
    let attribute = [("TopicArn", topic), ("AttributeName", "Policy"), ("AttributeValue", &policy.to_string())];
    signed(stack).await?.query(&SNS, "SetTopicAttributes", &attribute).await?;
    Ok(())
}

/// A TCP listener on the service's load balancer, and behind it the runtime, as a target with PROXY v2.
pub(crate) async fn listener(
    stack: &LocalStack,
    service_id: &str,
    runtime: SocketAddr,
    health: SocketAddr,
) -> anyhow::Result<()> {
    let signed = signed(stack).await?;
    let service =
        signed.query(&EC2, "DescribeVpcEndpointServiceConfigurations", &[("ServiceId.1", service_id)]).await?;
    let balancer = service.text("networkLoadBalancerArnSet/item");
    let described = signed.query(&ELB, "DescribeLoadBalancers", &[("LoadBalancerArns.member.1", balancer)]).await?;
    let (port, health) = (runtime.port().to_string(), health.port().to_string());
    let group = [
        ("Name", "runtime"),
        ("Protocol", "TCP"),
        ("Port", &port),
        ("VpcId", described.text("VpcId")),
        ("TargetType", "ip"),
        ("HealthCheckProtocol", "HTTP"),
        ("HealthCheckPort", &health),
        ("HealthCheckPath", "/health"),
    ];
    let group = signed.query(&ELB, "CreateTargetGroup", &group).await?;
    let group = group.text("TargetGroupArn");
    let proxy = [
        ("TargetGroupArn", group),
        ("Attributes.member.1.Key", "proxy_protocol_v2.enabled"),
        ("Attributes.member.1.Value", "true"),
    ];
    signed.query(&ELB, "ModifyTargetGroupAttributes", &proxy).await?;
    let ip = runtime.ip().to_string();
    let target = [("TargetGroupArn", group), ("Targets.member.1.Id", &ip), ("Targets.member.1.Port", &port)];
    signed.query(&ELB, "RegisterTargets", &target).await?;
    let forward = [
        ("LoadBalancerArn", balancer),
        ("Protocol", "TCP"),
        ("Port", "443"),
        ("DefaultActions.member.1.Type", "forward"),
        ("DefaultActions.member.1.TargetGroupArn", group),
    ];
    signed.query(&ELB, "CreateListener", &forward).await?;
    Ok(())
}
