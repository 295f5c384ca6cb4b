//! A function between replayed AWS services.

use std::collections::BTreeMap;

use certificate_revoker::{Answer, App, Configuration, FUNCTION, Failure, Fault, handle};
use lambda_runtime::{Context, Diagnostic, LambdaEvent};
use policy::Timestamp;
use serde_json::{Value, json};
use telemetry::{Environment, Fault as _};
use wire_replay::Replay;

pub(crate) const AUTHORITY: &str =
    "arn:aws:acm-pca:eu-west-1:111122223333:certificate-authority/11111111-2222-3333-4444-555555555555";
pub(crate) const OLD_AUTHORITY: &str =
    "arn:aws:acm-pca:eu-west-1:111122223333:certificate-authority/99999999-2222-3333-4444-555555555555";
pub(crate) const IDENTITY: &str = "spiffe://internal.example/prod/orders-api";

/// A function with a deny list, an inventory, a bus and two authorities.
pub(crate) struct Stage {
    pub(crate) replay: Replay,
    variables: BTreeMap<String, String>,
}

impl Stage {
    pub(crate) fn new(replay: Replay) -> Self {
        let variables = [
            ("LINKWARD_CERTIFICATE_AUTHORITY_ARNS", format!("{AUTHORITY},{OLD_AUTHORITY}")),
            ("LINKWARD_DENY_LIST_TABLE", "deny-list".to_owned()),
            ("LINKWARD_CERTIFICATE_INVENTORY_TABLE", "certificate-inventory".to_owned()),
            ("LINKWARD_EVENT_BUS", "linkward".to_owned()),
        ];
        let replay = replay
            .within(FUNCTION)
            .always("PutItem", wire_replay::Answer::json(&json!({})))
            .always("GetItem", wire_replay::Answer::json(&json!({})))
            .always("PutMetricData", wire_replay::Answer::cbor())
            .always("PutEvents", wire_replay::Answer::json(&json!({"FailedEntryCount": 0, "Entries": []})));
        Self { replay, variables: variables.into_iter().map(|(name, value)| (name.to_owned(), value)).collect() }
    }

    /// With another variable; an empty value unsets it.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.to_owned(), value.to_owned());
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

    /// The answer of a run in which nothing goes wrong.
    pub(crate) async fn answer(&self, event: Value) -> Value {
        serde_json::to_value(self.handle(event).await.unwrap()).unwrap()
    }

    /// What a run ends with, and the answer in its error message.
    pub(crate) async fn failure(&self, event: Value) -> (Fault, Value) {
        let outcome = self.handle(event).await;
        let Err(Failure::Run { fault, answer }) = outcome else { panic!("{outcome:?}") };
        let diagnostic = Diagnostic::from(Failure::Run { fault, answer });
        assert_eq!(diagnostic.error_type, fault.as_str());
        (fault, serde_json::from_str(&diagnostic.error_message).unwrap())
    }

    /// The operations that were called, in order, but for telemetry.
    pub(crate) fn calls(&self) -> Vec<String> {
        let calls = self.replay.calls().into_iter().map(|call| call.operation);
        calls.filter(|name| name != "PutMetricData" && name != "PutEvents").collect()
    }

    /// The details of the audit events, each checked against the schema.
    pub(crate) fn events(&self) -> Vec<Value> {
        let events = self.replay.audit_events();
        events.iter().for_each(|(detail_type, detail)| wire_replay::events::conforms(detail_type, detail));
        events.into_iter().map(|(_, detail)| detail).collect()
    }
}

pub(crate) fn invocation(event: Value) -> LambdaEvent<Value> {
    let mut context = Context::default();
    context.request_id = "run-1".to_owned();
    context.deadline = u64::try_from(Timestamp::now().as_millisecond()).unwrap() + 20_000;
    LambdaEvent::new(event, context)
}

/// A request about `{"serialNumber": …}`, `{"identity": …}` or `{"account": …}`.
pub(crate) fn revocation(subject: Value) -> Value {
    let mut detail = json!({"certificateAuthorityArn": AUTHORITY, "reason": "KEY_COMPROMISE", "requestedBy": "alice"});
    detail.as_object_mut().unwrap().extend(subject.as_object().unwrap().clone());
    request("Certificate Revocation Requested", &detail)
}

pub(crate) fn withdrawal(subject: Value) -> Value {
    let mut detail = json!({"requestedBy": "alice"});
    detail.as_object_mut().unwrap().extend(subject.as_object().unwrap().clone());
    request("Certificate Denial Withdrawn", &detail)
}

fn request(detail_type: &str, detail: &Value) -> Value {
    json!({
        "id": "event-1", "source": "linkward.operator", "detail-type": detail_type,
        "time": "2026-11-23T10:00:00Z", "detail": detail
    })
}
