//! A rotation of one secret, step by step, with crashes.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;

use certificate_rotator::{Answer, App, Configuration, FUNCTION, Failure, handle};
use lambda_runtime::{Context, LambdaEvent};
use policy::Timestamp;
use serde_json::{Value, json};
use telemetry::Environment;
use wire_replay::Replay;

use crate::world::authority::AUTHORITY;
use crate::world::secrets::SECRET;
use crate::world::{CRASH, World};

pub(crate) const IDENTITY: &str = "spiffe://internal.example/prod/orders-api";
pub(crate) const FIRST: &str = "11111111-5a0b-4d7e-9a52-0c7a1c1f0b11";
pub(crate) const SECOND: &str = "22222222-5a0b-4d7e-9a52-0c7a1c1f0b11";
pub(crate) const STEPS: [&str; 4] = ["createSecret", "setSecret", "testSecret", "finishSecret"];

/// A secret for a client, a world around it, and a function between them. Each invocation is a process of its own.
pub(crate) struct Stage {
    pub(crate) world: World,
    variables: BTreeMap<String, String>,
    replays: Mutex<Vec<Replay>>,
}

impl Stage {
    pub(crate) fn new() -> Self {
        let variables = [
            ("LINKWARD_TRUST_DOMAIN", "internal.example"),
            ("LINKWARD_CERTIFICATE_AUTHORITY_ARNS", AUTHORITY),
            ("LINKWARD_CERTIFICATE_INVENTORY_TABLE", "certificate-inventory"),
            ("LINKWARD_EVENT_BUS", "linkward"),
        ];
        let stage = Self {
            world: World::default(),
            variables: variables.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            replays: Mutex::default(),
        };
        stage.tagged("linkward:identity", IDENTITY)
    }

    /// A secret for a server, which has DNS names and no identity.
    pub(crate) fn server() -> Self {
        let stage = Self::new().tagged("linkward:kind", "server").tagged("linkward:dns-names", "b.example a.example");
        stage.world.state().secrets.tags.remove("linkward:identity");
        stage
    }

    /// After which another certificate may be issued.
    pub(crate) fn an_hour_passes(&self) {
        self.world.state().age(3_700);
    }

    /// With another variable; an empty value unsets it.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.to_owned(), value.to_owned());
        self
    }

    pub(crate) fn tagged(self, name: &str, value: &str) -> Self {
        self.world.state().secrets.tags.insert(name.to_owned(), value.to_owned());
        self
    }

    /// One instance of the function.
    pub(crate) fn app(&self, replay: &Replay) -> App {
        let configuration = Configuration::read(Environment::of(self.variables.clone())).unwrap();
        App::new(configuration, &replay.sdk_config())
    }

    /// One invocation; none if the process crashed.
    pub(crate) fn invoke(&self, event: &Value) -> Option<Result<Answer, Failure>> {
        let world = self.world.clone();
        let replay = Replay::new().within(FUNCTION).served_by(move |call| world.answer(call));
        self.replays.lock().unwrap().push(replay.clone());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let app = self.app(&replay);
        let work = || runtime.block_on(handle(&app, invocation(event.clone())));
        catch_unwind(AssertUnwindSafe(work))
            .map_err(|panic| {
                let said = panic.downcast_ref::<String>().cloned().unwrap_or_default();
                assert_eq!(said, CRASH);
            })
            .ok()
    }

    pub(crate) fn step(&self, step: &str, version_id: &str) -> Result<Answer, Failure> {
        self.invoke(&event(step, version_id)).expect("no crash was planned")
    }

    /// As Secrets Manager does, with nothing going wrong.
    pub(crate) fn rotate(&self, version_id: &str) {
        self.world.state().secrets.begin(version_id);
        for step in STEPS {
            self.step(step, version_id).unwrap_or_else(|failure| panic!("{step}: {failure}"));
        }
    }

    /// What a step fails with: its word and its message.
    pub(crate) fn failure(&self, step: &str, version_id: &str) -> (&'static str, String) {
        let failure = self.step(step, version_id).expect_err(step);
        (failure.as_str(), failure.to_string())
    }

    /// The operations of the last invocation, but for telemetry.
    pub(crate) fn calls(&self) -> Vec<String> {
        let calls = self.last().calls().into_iter().map(|call| call.operation);
        calls.filter(|name| name != "PutMetricData" && name != "PutEvents").collect()
    }

    pub(crate) fn last(&self) -> Replay {
        self.replays.lock().unwrap().last().unwrap().clone()
    }

    /// The IAM actions of all invocations.
    pub(crate) fn actions(&self) -> BTreeSet<String> {
        self.replays.lock().unwrap().iter().flat_map(Replay::actions).collect()
    }

    /// The audit events of all invocations, each checked against its schema.
    pub(crate) fn events(&self) -> Vec<(String, Value)> {
        let events: Vec<_> = self.replays.lock().unwrap().iter().flat_map(Replay::audit_events).collect();
        events.iter().for_each(|(detail_type, detail)| wire_replay::events::conforms(detail_type, detail));
        events
    }
}

pub(crate) fn event(step: &str, version_id: &str) -> Value {
    json!({"Step": step, "SecretId": SECRET, "ClientRequestToken": version_id, "RotationToken": "very secret"})
}

pub(crate) fn invocation(event: Value) -> LambdaEvent<Value> {
    let mut context = Context::default();
    context.request_id = "run-1".to_owned();
    context.deadline = u64::try_from(Timestamp::now().as_millisecond()).unwrap() + 60_000;
    LambdaEvent::new(event, context)
}
