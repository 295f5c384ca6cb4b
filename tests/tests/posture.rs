//! The approver and the reporter as Lambda functions on the local AWS: an organizational unit opens the gate, and what the one writes
//! the other measures.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "test code")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::{Dimension, Statistic};
use aws_sdk_dynamodb::types::AttributeValue;
use local_stack::deploy::{self, Tables};
use local_stack::ec2::EndpointService;
use local_stack::{LocalStack, LocalStackOptions, Progress};
use policy::Timestamp;
use serde_json::{Value, json};

const BUS: &str = "linkward";
const STRANGER: &str = "999999999999";
const WITHIN: Duration = Duration::from_secs(60);

/// An organization with an account in a unit below another: the account, and the upper unit.
async fn organization(stack: &LocalStack) -> (String, String) {
    let client = aws_sdk_organizations::Client::new(&stack.sdk_config(&stack.provider()).await);
    client.create_organization().send().await.unwrap();
    let root = client.list_roots().send().await.unwrap().roots()[0].id().unwrap().to_owned();
    let mut units = vec![root.clone()];
    for name in ["business", "orders"] {
        let unit =
            client.create_organizational_unit().parent_id(units.last().unwrap()).name(name).send().await.unwrap();
        units.push(unit.organizational_unit().unwrap().id().unwrap().to_owned());
    }
    let created = client.create_account().account_name("orders").email("orders@internal.example").send().await.unwrap();
    let account = created.create_account_status().unwrap().account_id().unwrap().to_owned();
    let moved = client.move_account().account_id(&account).source_parent_id(&root).destination_parent_id(&units[2]);
    moved.send().await.unwrap();
    (account, units[1].clone())
}

/// The provider's account with both functions.
struct Ground {
    stack: LocalStack,
    service: EndpointService,
    account: String,
}

impl Drop for Ground {
    fn drop(&mut self) {
        written::check_path(self.stack.logs());
    }
}

impl Ground {
    async fn build() -> Self {
        let stack = LocalStack::start(LocalStackOptions::default()).await.unwrap();
        let (account, unit) = organization(&stack).await;
        let service = stack.ec2(&stack.provider()).create_endpoint_service().await.unwrap();
        let tables = deploy::tables(&stack, "").await.unwrap();
        let policy = json!({"version": 1, "trustDomain": "internal.example", "callers": [],
            "endpoints": {"consumers": [{"organizationalUnit": unit}, {"account": "888888888888"}]}});
        let text = |text: &str| AttributeValue::S(text.to_owned());
        let client = aws_sdk_dynamodb::Client::new(&stack.sdk_config(&stack.provider()).await);
        let put =
            client.put_item().table_name(&tables.access_policy).item("pk", text("meta")).item("format", text("json"));
        put.item("revision", text("7")).item("document", text(&policy.to_string())).send().await.unwrap();
        deploy::bus(&stack, BUS).await.unwrap();
        let names = ["endpoint-approver", "posture-reporter"];
        let binaries = local_stack::build::binaries(&names, &Progress::default()).await.unwrap();
        for name in names {
            let reporter = function(&stack, name, &binaries, &tables, &service).await;
            if name == "posture-reporter" {
                listen(&stack, &reporter).await;
            }
        }
        Self { stack, service, account }
    }

    async fn invoke(&self, function: &str, event: &Value) -> Value {
        serde_json::from_str(&deploy::invoke(&self.stack, function, &event.to_string()).await.unwrap()).unwrap()
    }

    /// The sum of a metric of the reporter, once it is `expected`.
    async fn measured(&self, name: &str, dimensions: &[(&str, &str)], expected: f64) {
        let client = aws_sdk_cloudwatch::Client::new(&self.stack.sdk_config(&self.stack.provider()).await);
        let dimensions = [&[("Function", "posture-reporter")], dimensions].concat();
        let dimensions: Vec<_> =
            dimensions.iter().map(|(name, value)| Dimension::builder().name(*name).value(*value).build()).collect();
        let began = Instant::now();
        loop {
            let asked = client.get_metric_statistics().namespace("Linkward").metric_name(name).period(60);
            let asked = asked.statistics(Statistic::Maximum).set_dimensions(Some(dimensions.clone()));
            let at = |hours: i64| DateTime::from_secs(Timestamp::now().as_second() + 3_600 * hours);
            let points = asked.start_time(at(-1)).end_time(at(1)).send().await.unwrap();
            let values: Vec<_> = points.datapoints().iter().filter_map(|point| point.maximum()).collect();
            if values.contains(&expected) {
                return;
            }
            assert!(began.elapsed() < WITHIN, "{name} {dimensions:?}: {values:?}, not {expected}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
}

async fn function(
    stack: &LocalStack,
    name: &str,
    binaries: &BTreeMap<String, PathBuf>,
    tables: &Tables,
    service: &EndpointService,
) -> String {
    let ours = [
        ("LINKWARD_POLICY_SOURCE", format!("dynamodb:{}", tables.access_policy)),
        ("LINKWARD_SERVICE_IDS", service.id.clone()),
        ("LINKWARD_ENDPOINT_INVENTORY_TABLE", tables.endpoint_inventory.clone()),
        ("LINKWARD_CERTIFICATE_INVENTORY_TABLE", tables.certificate_inventory.clone()),
        ("LINKWARD_DENY_LIST_TABLE", tables.deny_list.clone()),
        ("LINKWARD_EVENT_BUS", BUS.to_owned()),
    ];
    let mut environment = stack.env(&stack.provider());
    environment.extend(ours.map(|(name, value)| (name.to_owned(), value)));
    deploy::lambda(stack, name, &binaries[name], &environment).await.unwrap()
}

/// The rules that Terraform makes, from the same patterns.
async fn listen(stack: &LocalStack, reporter: &str) {
    for event in ["endpoint-accepted", "endpoint-rejected"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../events").join(event).join("pattern.json");
        deploy::rule(stack, BUS, event, &std::fs::read_to_string(path).unwrap(), reporter).await.unwrap();
    }
}

fn schedule() -> Value {
    json!({"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}})
}

#[tokio::test]
async fn a_unit_opens_the_gate_and_the_reporter_measures_what_the_approver_wrote() {
    let ground = Ground::build().await;
    let (stack, service) = (&ground.stack, ground.service.id.as_str());
    let inside = stack.ec2(&stack.account(&ground.account)).create_vpc_endpoint(&ground.service.name).await.unwrap();
    let outside = stack.ec2(&stack.account(STRANGER)).create_vpc_endpoint(&ground.service.name).await.unwrap();
    let answer = ground.invoke("endpoint-approver", &schedule()).await;
    assert_eq!(answer["accepted"], json!([{"endpointId": inside, "account": ground.account}]), "{answer}");
    assert_eq!(answer["rejected"], json!([{"endpointId": outside, "account": STRANGER, "reason": "unlisted"}]));

    let answer = ground.invoke("posture-reporter", &schedule()).await;
    assert_eq!(answer["measured"], json!(["endpoints", "certificates", "denyList"]), "{answer}");
    ground.measured("ConnectionsByState", &[("Service", service), ("Reason", "rejected")], 1.0).await;
    ground.measured("PrincipalsWithoutConsumer", &[("Service", service)], 1.0).await;
    ground.measured("ConsumersWithoutPrincipal", &[("Service", service)], 0.0).await;
    ground.measured("DenyListSize", &[], 0.0).await;

    // What the approver told reached the reporter over the bus.
    ground.measured("Changes", &[("Reason", "endpointAccepted")], 1.0).await;
    ground.measured("Changes", &[("Reason", "endpointRejected")], 1.0).await;
    let sample = include_str!("../../events/certificate-authority-changed/samples/crl-failed.json");
    ground.invoke("posture-reporter", &serde_json::from_str(sample).unwrap()).await;
    ground.measured("ChangesFailed", &[("Reason", "authorityGeneratedCrl")], 1.0).await;
}
