//! What `deploy` makes, and that the Rust SDKs find their emulator.

use std::collections::HashMap;

use aws_sdk_cloudwatch::types::{Dimension, MetricDatum, Statistic};
use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_lambda::primitives::Blob;
use local_stack::{ObjectError, deploy};
use serde_json::{Value, json};

use super::events::Recorder;
use super::stack;

fn text(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

#[tokio::test]
async fn the_tables_have_their_keys_and_the_index_by_time() {
    let stack = stack().await;
    let tables = deploy::tables(stack, "deployed-").await.unwrap();
    let client = aws_sdk_dynamodb::Client::new(&stack.sdk_config(&stack.provider()).await);
    for (key, at) in [("serial#0a", "2026-11-23T10:00:00.000001Z"), ("serial#0b", "2026-11-23T10:00:00.000002Z")] {
        let put = client.put_item().table_name(&tables.deny_list).item("pk", text(key));
        put.item("all", text("all")).item("changedAt", text(at)).send().await.unwrap();
    }
    let newer = client.query().table_name(&tables.deny_list).index_name("byTime");
    let newer = newer.key_condition_expression("#all = :all AND changedAt > :since");
    let newer = newer.expression_attribute_names("#all", "all").expression_attribute_values(":all", text("all"));
    let newer = newer.expression_attribute_values(":since", text("2026-11-23T10:00:00.000001Z")).send().await.unwrap();
    let keys: Vec<_> = newer.items().iter().map(|item| item["pk"].as_s().unwrap().as_str()).collect();
    assert_eq!(keys, ["serial#0b"]);
    for (table, key) in [
        (&tables.endpoint_inventory, "endpointId"),
        (&tables.certificate_inventory, "serialNumber"),
        (&tables.access_policy, "pk"),
    ] {
        client.put_item().table_name(table).item(key, text("x")).send().await.unwrap();
        client.put_item().table_name(table).item("other", text("x")).send().await.expect_err("without its key");
    }
}

#[tokio::test]
async fn a_function_runs_as_the_provider_with_its_variables() {
    let stack = stack().await;
    let recorder = Recorder::deploy(stack, "echo").await;
    let client = aws_sdk_lambda::Client::new(&stack.sdk_config(&stack.provider()).await);
    let payload = Blob::new(json!({"hello": 1}).to_string());
    let answer = client.invoke().function_name("echo").payload(payload).send().await.unwrap();
    let answer: Value = serde_json::from_slice(answer.payload().unwrap().as_ref()).unwrap();
    assert_eq!(answer, json!({"hello": 1}));
    assert_eq!(recorder.events(), [json!({"hello": 1})]);
    let configured = client.get_function_configuration().function_name("echo").send().await.unwrap();
    let variables: HashMap<_, _> = configured.environment.unwrap().variables.unwrap();
    assert_eq!(variables["AWS_ENDPOINT_URL_EC2"], stack.ec2_endpoint());
    assert!(!variables.contains_key("AWS_ACCESS_KEY_ID"), "Lambda sets its own");
}

#[tokio::test]
async fn metrics_are_read_back_by_the_rust_sdk() {
    let stack = stack().await;
    let client = aws_sdk_cloudwatch::Client::new(&stack.sdk_config(&stack.provider()).await);
    let dimension = Dimension::builder().name("Function").value("test").build();
    let datum = MetricDatum::builder().metric_name("Accepted").value(3.0).dimensions(dimension.clone()).build();
    client.put_metric_data().namespace("Deployed").metric_data(datum).send().await.unwrap();
    let listed = client.list_metrics().namespace("Deployed").send().await.unwrap();
    assert_eq!(listed.metrics()[0].metric_name(), Some("Accepted"));
    let hour = std::time::Duration::from_secs(3600);
    let now = std::time::UNIX_EPOCH + std::time::Duration::from_secs(super::seconds());
    let sums = client.get_metric_statistics().namespace("Deployed").metric_name("Accepted").dimensions(dimension);
    let sums = sums.period(60).statistics(Statistic::Sum).start_time((now - hour).into()).end_time((now + hour).into());
    assert_eq!(sums.send().await.unwrap().datapoints()[0].sum(), Some(3.0));
}

#[tokio::test]
async fn an_object_that_is_not_there_is_said_to_be_missing() {
    let stack = stack().await;
    stack.create_bucket("deployed").await.unwrap();
    stack.create_bucket("deployed").await.unwrap();
    stack.put_object("deployed", "a/b", b"content".to_vec()).await.unwrap();
    assert_eq!(stack.object("deployed", "a/b").await.unwrap(), b"content");
    let missing = stack.object("deployed", "a/c").await.unwrap_err();
    assert!(matches!(missing, ObjectError::Missing { .. }), "{missing}");
}
