//! `infra/examples/local`, really applied: the modules as they are and the real functions, on the local AWS. An endpoint request, a policy
//! change and a revocation go through, and destroying it leaves nothing. Its plan, and those of the other examples, pass the gate.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "test code")]

mod terraform;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use aws_sdk_cloudwatch::types::DimensionFilter;
use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use local_stack::{Account, LocalStack, LocalStackOptions, Progress};
use serde_json::{Value, json};

use terraform::{Terraform, pack};

const FUNCTIONS: [&str; 4] = ["endpoint-approver", "certificate-revoker", "certificate-rotator", "posture-reporter"];
const ORDERS: &str = "111122223333";
const STRANGER: &str = "444455556666";
/// Emulators, functions and Terraform share a machine with other tests.
const SOON: Duration = Duration::from_secs(240);

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

async fn until<T>(what: &str, stack: &LocalStack, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(began.elapsed() < SOON, "not within {SOON:?}: {what}\n{}", logs(stack));
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

/// The last of what the emulators said.
fn logs(stack: &LocalStack) -> String {
    let files = std::fs::read_dir(stack.logs()).unwrap().flatten().map(|entry| entry.path());
    let tail =
        |text: String| text.lines().rev().take(40).collect::<Vec<_>>().into_iter().rev().collect::<Vec<_>>().join("\n");
    files
        .map(|file| format!("{}:\n{}\n", file.display(), tail(std::fs::read_to_string(&file).unwrap_or_default())))
        .collect()
}

/// The provider's people: they write the policy and ask over the bus.
struct Operators<'a> {
    stack: &'a LocalStack,
    dynamodb: aws_sdk_dynamodb::Client,
    events: aws_sdk_eventbridge::Client,
    cloudwatch: aws_sdk_cloudwatch::Client,
}

impl<'a> Operators<'a> {
    async fn new(stack: &'a LocalStack) -> Self {
        let config = stack.sdk_config(&stack.provider()).await;
        Self {
            stack,
            dynamodb: aws_sdk_dynamodb::Client::new(&config),
            events: aws_sdk_eventbridge::Client::new(&config),
            cloudwatch: aws_sdk_cloudwatch::Client::new(&config),
        }
    }

    async fn publish(&self, revision: &str, document: &str) {
        let text = |text: &str| AttributeValue::S(text.to_owned());
        let put = self.dynamodb.put_item().table_name("linkward-access-policy").item("pk", text("meta"));
        let put = put.item("revision", text(revision)).item("format", text("yaml")).item("document", text(document));
        put.send().await.unwrap();
    }

    async fn ask(&self, detail_type: &str, detail: Value) {
        let entry = PutEventsRequestEntry::builder().event_bus_name("linkward").source("linkward.operator");
        let entry = entry.detail_type(detail_type).detail(detail.to_string()).build();
        assert_eq!(self.events.put_events().entries(entry).send().await.unwrap().failed_entry_count, 0);
    }

    /// Waits until the reporter has counted it.
    async fn reported(&self, metric: &str, reason: &str) {
        let dimension = |name: &str, value: &str| DimensionFilter::builder().name(name).value(value).build();
        until(&format!("{metric} of {reason}"), self.stack, async || {
            let asked = self.cloudwatch.list_metrics().namespace("Linkward").metric_name(metric);
            let asked = asked.dimensions(dimension("Function", "posture-reporter"));
            let answer = asked.dimensions(dimension("Reason", reason)).send().await.unwrap();
            answer.metrics().first().cloned()
        })
        .await;
    }

    async fn endpoint_becomes(&self, owner: &Account, endpoint: &str, state: &str) {
        let what = format!("{endpoint} of {owner} is {state}");
        let ec2 = self.stack.ec2(owner);
        until(&what, self.stack, async || {
            let seen = ec2.vpc_endpoint_state(endpoint).await.unwrap();
            seen.filter(|seen| seen.eq_ignore_ascii_case(state))
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_local_example_is_applied_works_and_leaves_nothing() {
    if !Terraform::is_installed() {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "Terraform is not installed");
        return;
    }
    let progress = Progress::default();
    let mut names = FUNCTIONS.to_vec();
    names.push("linkward");
    let binaries = local_stack::build::binaries(&names, &progress).await.unwrap();
    let options = LocalStackOptions { connection_notifications: true, ..LocalStackOptions::default() };
    let stack = LocalStack::start(options).await.unwrap();
    let environment = stack.env(&stack.provider());
    let terraform = Terraform::new(environment.clone());
    let artifacts = terraform.work.path().join("artifacts");
    pack(&artifacts, &binaries, &environment);

    terraform.init("local");
    terraform.gate("local", &binaries["linkward"], &json!({ "artifacts_path": artifacts, "region": stack.region() }));
    terraform.must("local", &["apply", "-no-color", "-input=false", "-parallelism=20", "tfplan"]);
    let outputs = terraform.outputs("local");

    works(&stack, outputs["service_name"]["value"].as_str().unwrap()).await;
    other_examples_pass_the_gate(&terraform, &binaries["linkward"], &outputs, &artifacts);

    terraform.must("local", &["destroy", "-no-color", "-input=false", "-auto-approve", "-parallelism=20"]);
    assert_eq!(terraform.must("local", &["state", "list"]), "");
    leaves_nothing(&stack, outputs["service_id"]["value"].as_str().unwrap()).await;
    stack.stop().await;
}

async fn works(stack: &LocalStack, service: &str) {
    let operators = Operators::new(stack).await;
    let policy = std::fs::read_to_string(root().join("infra/examples/local/access.yaml")).unwrap();
    operators.publish("first", &policy).await;

    // Two ask for a connection; the policy lists one of them.
    let (orders, stranger) = (stack.account(ORDERS), stack.account(STRANGER));
    let listed = stack.ec2(&orders).create_vpc_endpoint(service).await.unwrap();
    operators.endpoint_becomes(&orders, &listed, "available").await;
    let refused = stack.ec2(&stranger).create_vpc_endpoint(service).await.unwrap_err();
    assert_eq!(
        refused.code(),
        Some("InvalidServiceName"),
        "whom the policy does not list, the service does not exist for"
    );

    // The reporter heard of it.
    operators.reported("Changes", "endpointAccepted").await;

    // The policy changes places.
    operators.publish("second", &policy.replace(ORDERS, "999900001111")).await;
    operators.ask("Endpoint Sweep Requested", json!({ "requestedBy": "test" })).await;
    operators.endpoint_becomes(&orders, &listed, "rejected").await;

    // A caller is cut off.
    let authority = "arn:aws:acm-pca:eu-west-1:000000000000:certificate-authority/01234567-89ab-cdef-0123-456789abcdef";
    let identity = "spiffe://internal.example/prod/orders-api";
    let detail = json!({ "certificateAuthorityArn": authority, "identity": identity, "reason": "KEY_COMPROMISE", "requestedBy": "test" });
    operators.ask("Certificate Revocation Requested", detail).await;
    let key = AttributeValue::S(format!("identity#{identity}"));
    let denied = until("the identity is on the deny list", stack, async || {
        let get = operators.dynamodb.get_item().table_name("linkward-deny-list").key("pk", key.clone());
        get.send().await.unwrap().item
    })
    .await;
    assert_eq!(denied["reason"], AttributeValue::S("KEY_COMPROMISE".to_owned()));
    operators.reported("Changes", "certificateRevoked").await;

    assert!(stack.ec2(&orders).delete_vpc_endpoint(&listed).await.unwrap().is_empty());
}

/// The plans of what people copy, made with the same local AWS.
fn other_examples_pass_the_gate(terraform: &Terraform, linkward: &Path, outputs: &Value, artifacts: &Path) {
    let network = &outputs["network"]["value"];
    let digest = format!("sha256:{}", "a".repeat(64));
    let secret = |name: &str| format!("arn:aws:secretsmanager:eu-west-1:000000000000:secret:{name}-abcdef");
    let role = |account: &str, name: &str| format!("arn:aws:iam::{account}:role/{name}");
    let image = format!("000000000000.dkr.ecr.eu-west-1.amazonaws.com/api-runtime@{digest}");
    let files = json!({ "image": format!("busybox@{digest}"), "secrets": {
        "server.crt": secret("server"), "server.key": secret("server"), "ca.crt": secret("trust-anchors"),
    } });
    terraform.init("provider");
    let variables = json!({
        "vpc_id": network["vpc_id"], "subnet_ids": network["subnet_ids"], "artifacts_path": artifacts, "organization": "Example",
        "runtime_image": image, "files": files, "check_crl": true,
        "api": { "image": format!("000000000000.dkr.ecr.eu-west-1.amazonaws.com/invoices@{digest}"), "port": 9000 },
        "operator_role_arns": [role("000000000000", "security-operator")],
        "deployment_role_arns": [role("000000000000", "deployment")],
    });
    terraform.gate("provider", linkward, &variables);
    terraform.init("complete");
    let variables = json!({
        "provider_network": network, "runtime_image": image, "files": files, "artifacts_path": artifacts,
        "consumer_network": { "vpc_id": "vpc-0bbb", "subnet_ids": ["subnet-0ccc"], "client_cidr_blocks": ["10.1.0.0/16"] },
        "provider_role_arn": role("000000000000", "deployment"), "consumer_role_arn": role(ORDERS, "deployment"),
        "operator_role_arns": [role("000000000000", "security-operator")],
    });
    terraform.gate("complete", linkward, &variables);
    terraform.init("consumer");
    let variables = json!({
        "vpc_id": network["vpc_id"], "subnet_ids": network["subnet_ids"], "service_name": outputs["service_name"]["value"],
        "provider_event_bus_arn": outputs["event_bus_arn"]["value"], "orders_security_group_id": "sg-0123456789abcdef0",
    });
    terraform.gate("consumer", linkward, &variables);
}

async fn leaves_nothing(stack: &LocalStack, service: &str) {
    let config = stack.sdk_config(&stack.provider()).await;
    let tables = aws_sdk_dynamodb::Client::new(&config).list_tables().send().await.unwrap();
    assert_eq!(tables.table_names(), [] as [String; 0]);
    let functions = aws_sdk_lambda::Client::new(&config).list_functions().send().await.unwrap();
    assert!(functions.functions().is_empty(), "{functions:?}");
    let events = aws_sdk_eventbridge::Client::new(&config);
    let buses = events.list_event_buses().send().await.unwrap();
    let names: Vec<_> =
        buses.event_buses().iter().filter_map(|bus| bus.name()).filter(|name| *name != "default").collect();
    assert!(names.is_empty(), "{names:?}");
    let rules = events.list_rules().send().await.unwrap();
    assert!(rules.rules().is_empty(), "{rules:?}");
    let connections = stack.ec2(&stack.provider()).connections(&[("service-id", service)]).await.unwrap();
    // EC2 goes on telling of what is gone.
    assert!(connections.iter().all(|connection| connection.state == "deleted"), "{connections:?}");
}
