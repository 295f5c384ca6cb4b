//! How the approver hears of an endpoint: the service's notifications, their topic, and who may publish there.

use serde_json::Value;

use super::Aws;
use super::check::{Checked, Examination, Finding};
use crate::aws::signed::{EC2, SNS};
use crate::cli::ProviderSide;

pub(super) async fn examine(aws: &Aws, ours: &ProviderSide, examination: &mut Examination) {
    if ours.services.is_empty() {
        examination.skip(&["notifications", "topicPolicy"], "no endpoint service is named; add `--services`");
        return;
    }
    match examination.check("notifications", check(aws, ours)).await {
        Some(topic) => examination.simple("topicPolicy", policy(aws, ours, &topic)).await,
        None => examination.skip(&["topicPolicy"], "no topic is known"),
    }
}

/// The topic's ARN.
async fn check(aws: &Aws, ours: &ProviderSide) -> Checked<String> {
    let answer = aws.signed.query(&EC2, "DescribeVpcEndpointConnectionNotifications", &[]).await?;
    let sets = answer.all("connectionNotificationSet/item");
    let remedy = "the module `provider-service` makes one; until then only the sweep finds new endpoints";
    let mut topic = String::new();
    for service in &ours.services {
        let Some(notification) = sets.iter().find(|item| item.text("serviceId") == service.as_str()) else {
            return Err(Finding::red(format!("nobody is told of connections to {service}"), remedy));
        };
        let told: Vec<&str> = notification.all("connectionEvents/item").iter().map(|event| event.own_text()).collect();
        if !told.contains(&"Connect") {
            return Err(Finding::red(format!("{service} tells of {}, not of Connect", told.join(", ")), remedy));
        }
        topic = notification.text("connectionNotificationArn").to_owned();
    }
    let subscribed = aws.signed.query(&SNS, "ListSubscriptionsByTopic", &[("TopicArn", &topic)]).await?;
    let subscribers = subscribed.all("Subscriptions/member");
    let approver = |endpoint: &str| endpoint.contains("endpoint-approver");
    if !subscribers
        .iter()
        .any(|subscriber| approver(subscriber.text("Endpoint")) || subscriber.text("Protocol") == "sqs")
    {
        let found = format!("{topic} has {} subscriptions, none of them the approver's", subscribers.len());
        return Err(Finding::red(found, "subscribe the endpoint-approver; the module `control-plane` does"));
    }
    Ok((Finding::green(format!("Connect goes to {topic}, and from there to the approver")), topic))
}

async fn policy(aws: &Aws, ours: &ProviderSide, topic: &str) -> Result<Finding, Finding> {
    let answer = aws.signed.query(&SNS, "GetTopicAttributes", &[("TopicArn", topic)]).await?;
    let entries = answer.all("Attributes/entry");
    let text = entries.iter().find(|entry| entry.text("key") == "Policy").map(|entry| entry.text("value"));
    let document: Value = serde_json::from_str(text.unwrap_or_default()).unwrap_or_default();
    Ok(judge(&document, ours.services.iter().map(|service| service.as_str())))
}

/// The service's principal must be let in, and only for our own services: anybody may own an endpoint service.
fn judge<'a>(document: &Value, mut services: impl Iterator<Item = &'a str>) -> Finding {
    let statements = document.get("Statement").and_then(Value::as_array).into_iter().flatten();
    let lets_in = |statement: &&Value| {
        let names = |pointer: &str, wanted: &str| {
            statement.pointer(pointer).is_some_and(|value| value.to_string().to_lowercase().contains(wanted))
        };
        names("/Effect", "allow") && names("/Principal", "vpce.amazonaws.com") && names("/Action", "publish")
    };
    let Some(statement) = statements.into_iter().find(lets_in) else {
        return Finding::red(
            "vpce.amazonaws.com may not publish there",
            "let it `sns:Publish`, with `aws:SourceArn` of the endpoint service and `aws:SourceAccount` of this account",
        );
    };
    let condition = statement.get("Condition").map(ToString::to_string).unwrap_or_default();
    let bound = |key: &str| condition.to_lowercase().contains(key);
    if !bound("aws:sourceaccount") && !bound("aws:sourcearn") {
        return Finding::yellow(
            "vpce.amazonaws.com may publish there for anybody",
            "bind the statement to `aws:SourceArn` and `aws:SourceAccount`",
        );
    }
    match services.find(|service| bound("aws:sourcearn") && !condition.contains(service) && !condition.contains('*')) {
        Some(service) => Finding::red(
            format!("`aws:SourceArn` does not name {service}"),
            "name every endpoint service in the topic's policy",
        ),
        None => Finding::green("vpce.amazonaws.com may publish, for our services alone"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::check::Status;
    use serde_json::json;

    #[test]
    fn the_topic_lets_in_the_service_and_only_for_ours() {
        let policy = |condition: Value| json!({"Statement": [{"Effect": "Allow", "Principal": {"Service": "vpce.amazonaws.com"}, "Action": "sns:Publish", "Condition": condition}]});
        let status = |document: &Value| judge(document, ["vpce-svc-0a"].into_iter()).status;
        let ours = json!({"ArnLike": {"aws:SourceArn": "arn:aws:ec2:r:1:vpc-endpoint-service/vpce-svc-0a"}});
        assert_eq!(status(&policy(ours)), Status::Green);
        assert_eq!(status(&policy(json!({"StringEquals": {"aws:SourceAccount": "1"}}))), Status::Green);
        assert_eq!(status(&policy(json!({}))), Status::Yellow);
        let others = json!({"ArnLike": {"aws:SourceArn": "arn:aws:ec2:r:1:vpc-endpoint-service/vpce-svc-0b"}});
        assert_eq!(status(&policy(others)), Status::Red);
        assert_eq!((status(&json!({})), status(&Value::Null)), (Status::Red, Status::Red));
        let mut denied = policy(json!({}));
        denied["Statement"][0]["Effect"] = "Deny".into();
        assert_eq!(status(&denied), Status::Red);
    }
}
