//! A function between replayed AWS services.

use std::collections::BTreeMap;

use endpoint_approver::{Answer, App, Configuration, Failure, Fault, handle};
use lambda_runtime::{Context, Diagnostic, LambdaEvent};
use policy::Timestamp;
use serde_json::{Value, json};
use telemetry::{Environment, Fault as _};
use tempfile::TempDir;
use wire_replay::{Call, Replay};

pub(crate) const SERVICE: &str = "vpce-svc-0123456789abcdef0";
pub(crate) const OTHER_SERVICE: &str = "vpce-svc-0fedcba9876543210";
pub(crate) const LISTED: &str = "111111111111";
pub(crate) const STRANGER: &str = "999999999999";

const POLICY: &str = r#"
version: 1
trustDomain: internal.example
endpoints:
  unlisted: reject
  consumers:
    - account: "111111111111"
      name: billing
    - account: "222222222222"
      maxEndpoints: 1
callers: []
"#;

/// A function with a policy file, an inventory and a bus.
pub(crate) struct Stage {
    pub(crate) replay: Replay,
    variables: BTreeMap<String, String>,
    folder: TempDir,
}

impl Stage {
    /// With answers for what every run asks: an empty inventory, metrics, events.
    pub(crate) fn new(replay: Replay) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let policy = folder.path().join("access.yaml");
        std::fs::write(&policy, POLICY).unwrap();
        let variables = [
            ("LINKWARD_POLICY_SOURCE", format!("file:{}", policy.display())),
            ("LINKWARD_SERVICE_IDS", SERVICE.to_owned()),
            ("LINKWARD_ENDPOINT_INVENTORY_TABLE", "endpoint-inventory".to_owned()),
            ("LINKWARD_EVENT_BUS", "linkward".to_owned()),
        ];
        let replay = replay
            .within(endpoint_approver::FUNCTION)
            .always("Scan", wire_replay::Answer::json(&json!({"Items": []})))
            .always("BatchWriteItem", wire_replay::Answer::json(&json!({"UnprocessedItems": {}})))
            .always("DescribeVpcEndpointServicePermissions", principals(&[]))
            .always("PutMetricData", wire_replay::Answer::cbor())
            .always("PutEvents", wire_replay::Answer::json(&json!({"FailedEntryCount": 0, "Entries": []})));
        let variables = variables.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Self { replay, variables, folder }
    }

    /// With another variable; an empty value unsets it.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.to_owned(), value.to_owned());
        self
    }

    pub(crate) fn with_policy(self, policy: &str) -> Self {
        std::fs::write(self.folder.path().join("access.yaml"), policy).unwrap();
        self
    }

    pub(crate) fn without_policy(self) -> Self {
        std::fs::remove_file(self.folder.path().join("access.yaml")).unwrap();
        self
    }

    pub(crate) async fn handle(&self, event: Value) -> Result<Answer, Failure> {
        handle(&self.app(), invocation(event)).await
    }

    /// One instance of the function.
    pub(crate) fn app(&self) -> App {
        let configuration = Configuration::read(Environment::of(self.variables.clone())).unwrap();
        App::new(configuration, &self.replay.sdk_config())
    }

    /// The answer of a scheduled sweep in which nothing goes wrong.
    pub(crate) async fn sweep(&self) -> Value {
        serde_json::to_value(self.handle(schedule()).await.unwrap()).unwrap()
    }

    /// What a scheduled sweep ends with, and the answer in its error message.
    pub(crate) async fn failed_sweep(&self) -> (Fault, Value) {
        failed(self.handle(schedule()).await)
    }

    /// How often each operation was called.
    pub(crate) fn counts(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for call in self.replay.calls() {
            *counts.entry(call.operation).or_default() += 1;
        }
        counts
    }

    /// The endpoints of each call of `operation`.
    pub(crate) fn endpoints(&self, operation: &str) -> Vec<Vec<String>> {
        self.replay.calls_of(operation).iter().map(|call| numbered(call, "VpcEndpointId.")).collect()
    }

    /// The rows of connections that were written, by endpoint, their attributes as texts.
    pub(crate) fn rows(&self) -> BTreeMap<String, BTreeMap<String, String>> {
        self.written(false)
    }

    /// What else was written, by key.
    pub(crate) fn records(&self) -> BTreeMap<String, BTreeMap<String, String>> {
        self.written(true)
    }

    fn written(&self, records: bool) -> BTreeMap<String, BTreeMap<String, String>> {
        let items = self.replay.calls_of("BatchWriteItem").into_iter().flat_map(|call| items_of(&call));
        let text = |value: &Value| value.as_object().unwrap().values().next().unwrap().clone();
        let text = |value: &Value| text(value).as_str().map_or_else(|| text(value).to_string(), str::to_owned);
        let row = |item: Value| -> BTreeMap<String, String> {
            item.as_object().unwrap().iter().map(|(name, value)| (name.clone(), text(value))).collect()
        };
        let rows = items.map(row).filter(|row| row["endpointId"].contains('#') == records);
        rows.map(|row| (row["endpointId"].clone(), row)).collect()
    }

    /// The audit events, each checked against its schema.
    pub(crate) fn events(&self) -> Vec<(String, Value)> {
        let events = self.replay.audit_events();
        events.iter().for_each(|(detail_type, detail)| wire_replay::events::conforms(detail_type, detail));
        events
    }
}

/// The items of a `BatchWriteItem`.
pub(crate) fn items_of(call: &Call) -> Vec<Value> {
    let requests = call.json()["RequestItems"]["endpoint-inventory"].as_array().unwrap().clone();
    requests.iter().map(|request| request["PutRequest"]["Item"].clone()).collect()
}

pub(crate) fn failed(outcome: Result<Answer, Failure>) -> (Fault, Value) {
    let Err(Failure::Run { fault, answer }) = outcome else { panic!("{outcome:?}") };
    let diagnostic = Diagnostic::from(Failure::Run { fault, answer });
    assert_eq!(diagnostic.error_type, fault.as_str());
    (fault, serde_json::from_str(&diagnostic.error_message).unwrap())
}

pub(crate) fn invocation(event: Value) -> LambdaEvent<Value> {
    let mut context = Context::default();
    context.request_id = "run-1".to_owned();
    context.deadline = u64::try_from(Timestamp::now().as_millisecond()).unwrap() + 30_000;
    LambdaEvent::new(event, context)
}

pub(crate) fn schedule() -> Value {
    json!({"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}})
}

pub(crate) fn sweep_requested(detail: Value) -> Value {
    json!({"source": "linkward.operator", "detail-type": "Endpoint Sweep Requested", "detail": detail})
}

/// The values of a numbered list in a form: `Name.1`, `Name.2`, …
pub(crate) fn numbered(call: &Call, prefix: &str) -> Vec<String> {
    let form = call.form();
    (1..).map_while(|number| form.get(&format!("{prefix}{number}")).cloned()).collect()
}

/// One connection: endpoint, owner, state as on the wire.
pub(crate) type Described<'a> = (&'a str, &'a str, &'a str);

/// A page of `DescribeVpcEndpointConnections`, as EC2 writes it.
pub(crate) fn page(connections: &[Described<'_>], next: Option<&str>) -> wire_replay::Answer {
    page_of(SERVICE, connections, next)
}

pub(crate) fn page_of(service: &str, connections: &[Described<'_>], next: Option<&str>) -> wire_replay::Answer {
    let item = |(endpoint, owner, state): &Described<'_>| {
        format!(
            "<item><serviceId>{service}</serviceId><vpcEndpointId>{endpoint}</vpcEndpointId>\
             <vpcEndpointOwner>{owner}</vpcEndpointOwner><vpcEndpointState>{state}</vpcEndpointState>\
             <creationTimestamp>2026-11-01T08:00:00.123Z</creationTimestamp><ipAddressType>ipv4</ipAddressType>\
             <vpcEndpointRegion>eu-west-1</vpcEndpointRegion></item>"
        )
    };
    let items: String = connections.iter().map(item).collect();
    let next = next.map(|token| format!("<nextToken>{token}</nextToken>")).unwrap_or_default();
    answer("Describe", &format!("<vpcEndpointConnectionSet>{items}</vpcEndpointConnectionSet>{next}"))
}

/// The answer of `Accept` or `Reject`: always 200, with what EC2 refused and its codes.
pub(crate) fn changed(verb: &str, refused: &[(&str, &str)]) -> wire_replay::Answer {
    let item = |(endpoint, code): &(&str, &str)| {
        format!(
            "<item><resourceId>{endpoint}</resourceId>\
             <error><code>{code}</code><message>said by EC2</message></error></item>"
        )
    };
    let items: String = refused.iter().map(item).collect();
    answer(verb, &format!("<unsuccessful>{items}</unsuccessful>"))
}

/// A page of `DescribeVpcEndpointServicePermissions`.
pub(crate) fn principals(arns: &[&str]) -> wire_replay::Answer {
    let item = |arn: &&str| format!("<item><principalType>Account</principalType><principal>{arn}</principal></item>");
    let items: String = arns.iter().map(item).collect();
    wire_replay::Answer::xml(&format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\
         <DescribeVpcEndpointServicePermissionsResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\">\
         <requestId>0</requestId><allowedPrincipals>{items}</allowedPrincipals>\
         </DescribeVpcEndpointServicePermissionsResponse>"
    ))
}

fn answer(verb: &str, body: &str) -> wire_replay::Answer {
    wire_replay::Answer::xml(&format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\
         <{verb}VpcEndpointConnectionsResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\">\
         <requestId>59dbff89-35bd-4eac-99ed-be587EXAMPLE</requestId>{body}</{verb}VpcEndpointConnectionsResponse>"
    ))
}

/// A page of the inventory: accepted connections of strangers, delisted so many seconds ago.
pub(crate) fn delisted(endpoints: &[(&str, i64)]) -> wire_replay::Answer {
    let item = |(endpoint, seconds): &(&str, i64)| {
        let since = Timestamp::from_second(Timestamp::now().as_second() - seconds).unwrap();
        json!({
            "endpointId": {"S": endpoint}, "account": {"S": STRANGER}, "serviceId": {"S": SERVICE},
            "state": {"S": "available"}, "createdAt": {"S": "2026-11-01T08:00:00.123000Z"},
            "verdict": {"S": "reject"}, "reason": {"S": "unlisted"}, "policyRevision": {"S": "6"},
            "delistedSince": {"S": policy::sortable_time(since)}, "all": {"S": "all"}, "changedAt": {"S": "x"}
        })
    };
    wire_replay::Answer::json(&json!({"Items": endpoints.iter().map(item).collect::<Vec<_>>()}))
}
