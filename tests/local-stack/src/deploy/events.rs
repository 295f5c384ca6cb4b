//! Buses, rules and topics.

use aws_sdk_eventbridge::types::Target;

use super::{DeployError, aws, missing};
use crate::stack::LocalStack;

/// An event bus; fine when it is there already. Returns its ARN.
pub async fn bus(stack: &LocalStack, name: &str) -> Result<String, DeployError> {
    let client = aws_sdk_eventbridge::Client::new(&stack.sdk_config(&stack.provider()).await);
    let what = format!("the event bus `{name}`");
    match client.create_event_bus().name(name).send().await {
        Ok(bus) => bus.event_bus_arn.ok_or_else(|| missing(what, "ARN")),
        Err(error) if error.as_service_error().is_some_and(|e| e.is_resource_already_exists_exception()) => {
            let bus = client.describe_event_bus().name(name).send().await.map_err(aws(&what))?;
            bus.arn.ok_or_else(|| missing(what, "ARN"))
        }
        Err(error) => Err(aws(what)(error)),
    }
}

/// A rule on `bus` with `pattern` (JSON), whose target is the function, which the rule may invoke.
pub async fn rule(
    stack: &LocalStack,
    bus: &str,
    name: &str,
    pattern: &str,
    function_arn: &str,
) -> Result<(), DeployError> {
    let config = stack.sdk_config(&stack.provider()).await;
    let client = aws_sdk_eventbridge::Client::new(&config);
    let what = format!("the rule `{name}`");
    let rule = client.put_rule().name(name).event_bus_name(bus).event_pattern(pattern);
    let arn = rule.send().await.map_err(aws(&what))?.rule_arn.ok_or_else(|| missing(&what, "ARN"))?;
    let target = Target::builder().id(name).arn(function_arn).build().map_err(aws(&what))?;
    client.put_targets().rule(name).event_bus_name(bus).targets(target).send().await.map_err(aws(&what))?;
    permit(&config, function_arn, name, "events.amazonaws.com", &arn).await
}

/// An SNS topic whose messages go to a function; returns the topic's ARN.
pub async fn topic(stack: &LocalStack, name: &str, function_arn: &str) -> Result<String, DeployError> {
    let config = stack.sdk_config(&stack.provider()).await;
    let client = aws_sdk_sns::Client::new(&config);
    let what = format!("the topic `{name}`");
    let topic = client.create_topic().name(name).send().await.map_err(aws(&what))?;
    let arn = topic.topic_arn.ok_or_else(|| missing(&what, "ARN"))?;
    permit(&config, function_arn, name, "sns.amazonaws.com", &arn).await?;
    client.subscribe().topic_arn(&arn).protocol("lambda").endpoint(function_arn).send().await.map_err(aws(&what))?;
    Ok(arn)
}

async fn permit(
    config: &aws_types::SdkConfig,
    function_arn: &str,
    statement: &str,
    principal: &str,
    source_arn: &str,
) -> Result<(), DeployError> {
    let client = aws_sdk_lambda::Client::new(config);
    let permission = client.add_permission().function_name(function_arn).statement_id(statement);
    let permission = permission.action("lambda:InvokeFunction").principal(principal).source_arn(source_arn);
    permission.send().await.map_err(aws(format!("the permission `{statement}`")))?;
    Ok(())
}
