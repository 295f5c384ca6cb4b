//! What wakes functions: forwarded CloudTrail records, connection notifications, events of AWS services.

use std::path::PathBuf;

use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use local_stack::{LocalStack, deploy};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{CONSUMER, eventually, stack};

/// A function in Python that answers with its event and appends it to `$RECORD`, speaking Lambda's Runtime API.
const RECORDER: &str = include_str!("recorder.py");

/// A deployed function and what it received.
pub(crate) struct Recorder {
    pub(crate) arn: String,
    folder: TempDir,
}

impl Recorder {
    pub(crate) async fn deploy(stack: &LocalStack, name: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let bootstrap = folder.path().join("recorder");
        std::fs::write(&bootstrap, RECORDER).unwrap();
        let mut env = stack.env(&stack.provider());
        env.push(("RECORD".to_owned(), folder.path().join("record").to_str().unwrap().to_owned()));
        let arn = deploy::lambda(stack, name, &bootstrap, &env).await.unwrap();
        Self { arn, folder }
    }

    fn record(&self) -> PathBuf {
        self.folder.path().join("record")
    }

    pub(crate) fn events(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(self.record()).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    async fn first(&self, wanted: impl Fn(&Value) -> bool) -> Value {
        eventually("an event", async || self.events().into_iter().find(|event| wanted(event))).await
    }
}

#[tokio::test]
async fn a_consumers_create_vpc_endpoint_reaches_the_providers_rule() {
    let stack = stack().await;
    let recorder = Recorder::deploy(stack, "cloudtrail-recorder").await;
    deploy::bus(stack, "linkward").await.unwrap();
    let pattern = json!({
        "source": ["aws.ec2"],
        "detail-type": ["AWS API Call via CloudTrail"],
        "detail": {"eventSource": ["ec2.amazonaws.com"], "eventName": ["CreateVpcEndpoint"]},
    });
    deploy::rule(stack, "linkward", "create-vpc-endpoint", &pattern.to_string(), &recorder.arn).await.unwrap();
    let service = stack.ec2(&stack.provider()).create_endpoint_service().await.unwrap();
    let endpoint = stack.ec2(&stack.account(CONSUMER)).create_vpc_endpoint(&service.name).await.unwrap();
    let id = "/detail/responseElements/CreateVpcEndpointResponse/vpcEndpoint/vpcEndpointId";
    let event = recorder.first(|event| event.pointer(id) == Some(&json!(endpoint))).await;
    assert_eq!(event["account"], CONSUMER);
    assert_eq!(event["detail"]["userIdentity"]["accountId"], CONSUMER);
    assert_eq!(event["detail"]["eventName"], "CreateVpcEndpoint");
    let others = recorder.events().iter().filter(|event| event["source"] != "aws.ec2").count();
    assert_eq!(others, 0, "the rule let something else through");
}

#[tokio::test]
async fn only_the_control_route_sends_as_an_aws_service() {
    let stack = stack().await;
    let recorder = Recorder::deploy(stack, "service-event-recorder").await;
    deploy::bus(stack, "service-events").await.unwrap();
    let pattern = json!({"source": ["aws.acm-pca"]}).to_string();
    deploy::rule(stack, "service-events", "acm-pca", &pattern, &recorder.arn).await.unwrap();
    let client = aws_sdk_eventbridge::Client::new(&stack.sdk_config(&stack.provider()).await);
    let entry = PutEventsRequestEntry::builder().event_bus_name("service-events").source("aws.acm-pca");
    let entry = entry.detail_type("put by a customer").detail("{}").build();
    let refused = client.put_events().entries(entry).send().await.unwrap();
    assert_eq!(refused.entries()[0].error_code(), Some("NotAuthorizedForSourceException"));
    let kind = "ACM Private CA CRL Generation";
    stack.control().emit("service-events", "aws.acm-pca", kind, json!({"result": "success"})).await.unwrap();
    recorder.first(|event| event["detail-type"] == kind).await;
    assert_eq!(recorder.events().len(), 1);
}

#[tokio::test]
async fn connection_notifications_go_through_the_topic_to_the_function() {
    let stack = stack().await;
    let recorder = Recorder::deploy(stack, "notification-recorder").await;
    let topic = deploy::topic(stack, "connections", &recorder.arn).await.unwrap();
    let provider = stack.ec2(&stack.provider());
    let service = provider.create_endpoint_service().await.unwrap();
    provider.create_connection_notification(&service.id, &topic, &["Connect", "Reject"]).await.unwrap();
    let consumer = stack.ec2(&stack.account(CONSUMER));
    let endpoint = consumer.create_vpc_endpoint(&service.name).await.unwrap();
    provider.accept(&service.id, &[&endpoint]).await.unwrap();
    provider.reject(&service.id, &[&endpoint]).await.unwrap();
    consumer.delete_vpc_endpoint(&endpoint).await.unwrap();
    let about = |event: &Value, what: &str| {
        let message = event["Records"][0]["Sns"]["Message"].as_str().unwrap_or_default();
        message.contains(&endpoint) && message.contains(what)
    };
    let notified = recorder.first(|event| about(event, "Connect")).await;
    assert_eq!(notified["Records"][0]["EventSource"], "aws:sns");
    assert_eq!(notified["Records"][0]["Sns"]["TopicArn"], json!(topic));
    recorder.first(|event| about(event, "Reject")).await;
    let unasked = recorder.events().iter().filter(|event| about(event, "Accept") || about(event, "Delete")).count();
    assert_eq!(unasked, 0, "only what was asked for is told");
}
