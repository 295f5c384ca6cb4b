//! One life of the model, drawn from a seed.

use std::fmt::Display;
use std::sync::{Arc, Mutex, MutexGuard};

use serde_json::{Value, json};
use telemetry::Environment;
use wire_replay::answered_by;

use crate::aws::{AUTHORITY, Aws, GRACE, MAX_REMOVALS, RunSoFar, SERVICE, SLACK, account};
use crate::connections::Connection;
use crate::events::{Request, invocation, notification, request, schedule, sweep_requested};
use crate::tables::is_withdrawn;

const STEPS: usize = 7;
const ACCOUNTS: usize = 6;
/// How often Lambda, and then an operator, tries an event again.
const ATTEMPTS: usize = 12;

/// What a life came to, for the report.
#[derive(Clone, Copy, Debug, Default)]
pub struct Lived {
    /// Runs of the functions.
    pub runs: usize,
    /// Of these, the ones that died between two calls.
    pub crashes: usize,
    /// Calls to AWS.
    pub calls: usize,
}

/// What a run ended with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Done,
    Failed,
    Crashed,
}

struct Life {
    aws: Arc<Mutex<Aws>>,
    approver: endpoint_approver::App,
    revoker: certificate_revoker::App,
    /// Requests to the revoker, by their time: the subject's key, and whether it is a withdrawal.
    requests: Vec<Request>,
    lived: Lived,
}

/// Lives one life.
///
/// # Errors
/// What must never happen and did.
pub async fn live(seed: u64) -> Result<Lived, String> {
    let mut life = Life::new(seed);
    for _ in 0..STEPS {
        life.step().await;
    }
    life.come_to_rest().await;
    let aws = life.aws();
    if aws.violations.is_empty() {
        Ok(Lived { calls: aws.calls, ..life.lived })
    } else {
        Err(format!("seed {seed}: {}\n{}", aws.violations.join("; "), aws.history.join("\n")))
    }
}

impl Life {
    fn new(seed: u64) -> Self {
        let aws = Arc::new(Mutex::new(Aws::new(seed)));
        let (approver, revoker) = (approver(&aws), revoker(&aws));
        Self { aws, approver, revoker, requests: Vec::new(), lived: Lived::default() }
    }

    fn aws(&self) -> MutexGuard<'_, Aws> {
        self.aws.lock().unwrap()
    }

    /// Something happens in the world, and the functions are told, or not.
    async fn step(&mut self) {
        let events = self.happen();
        for event in events {
            let mut tries = 1 + usize::from(self.draw(6) == 0);
            while tries > 0 {
                tries -= 1;
                self.run_approver(event.clone()).await;
            }
        }
        // A sweep may be lost; an operator's request is tried again until it is done, some of them in another order.
        if self.draw(10) > 0 {
            self.run_approver(schedule()).await;
        }
        let open: Vec<_> = self.requests.iter().filter(|_| self.draw(3) > 0).cloned().collect();
        for request in open {
            self.ask(&request).await;
        }
    }

    /// Lets time pass and draws what happens; gives the events that arrive.
    fn happen(&mut self) -> Vec<Value> {
        let mut aws = self.aws();
        let passes = aws.rng.i64(60..600);
        aws.clock.now += passes;
        let now = aws.clock.now;
        for connection in aws.connections.values_mut().filter(|connection| connection.state == "pending") {
            connection.state = "available";
        }
        let mut events = Vec::new();
        for _ in 0..aws.rng.usize(..4) {
            aws.created += 1;
            let id = format!("vpce-{:x}", aws.created);
            let owner = account(aws.rng.usize(1..=ACCOUNTS));
            aws.unlisted_before(&owner);
            aws.connections.insert(id, Connection::new(owner, now));
            events.extend((aws.rng.u8(..4) > 0).then(notification));
        }
        if aws.rng.u8(..5) == 0 {
            let ids: Vec<_> = aws.connections.keys().cloned().collect();
            if let Some(id) = aws.rng.choice(ids) {
                aws.connections.remove(&id);
            }
        }
        if aws.rng.u8(..4) == 0 {
            aws.push_policy();
        }
        aws.policy_down = aws.rng.u8(..12) == 0;
        aws.frozen = aws.rng.u8(..12) == 0;
        let asks = (aws.rng.u8(..3) == 0).then(|| request(&mut aws));
        drop(aws);
        self.requests.extend(asks);
        events
    }

    /// Nothing goes wrong any more, and nothing changes: what should be so must come to be so.
    async fn come_to_rest(&mut self) {
        {
            let mut aws = self.aws();
            (aws.trouble, aws.policy_down, aws.frozen) = (0, false, false);
        }
        for request in self.requests.clone() {
            self.ask(&request).await;
        }
        let most = json!({"requestedBy": "alice", "maxRemovals": 100});
        for wait in [60, GRACE + 2 * SLACK, 60] {
            self.aws().clock.now += wait;
            self.run_approver(sweep_requested(&most)).await;
        }
        self.check_rest();
    }

    fn check_rest(&mut self) {
        let mut aws = self.aws();
        let policy = aws.policy.clone();
        let connections = aws.connections.clone();
        for (id, connection) in &connections {
            let (listed, accepted) = (policy.lists(&connection.owner), connection.is_accepted());
            if listed != accepted {
                aws.violated(format!("at rest {id} is {}, listed: {listed}", connection.state));
            }
        }
        for request in self.requests.iter().filter(|request| !request.withdrawal) {
            let lifted = self.requests.iter().any(|other| other.withdrawal && other.key == request.key);
            let entry = aws.deny_list.get(&request.key).cloned();
            if !lifted && entry.is_none_or(|entry| is_withdrawn(&entry)) {
                aws.violated(format!("{} is not on the deny list", request.key));
            }
            let identity = request.key.strip_prefix("identity#").unwrap_or_default();
            let of = aws.certificates.iter().filter(|(_, owner)| *owner == identity).map(|(serial, _)| serial.clone());
            let serial = request.key.strip_prefix("serial#").map(str::to_owned);
            let left: Vec<_> = of.chain(serial).filter(|serial| !aws.revoked.contains(serial)).collect();
            if !left.is_empty() && !lifted {
                aws.violated(format!("{} asked for, and {left:?} not revoked", request.key));
            }
        }
    }

    async fn run_approver(&mut self, event: Value) {
        let max_removals = event["detail"]["maxRemovals"].as_u64().and_then(|max| usize::try_from(max).ok());
        self.aws().run = RunSoFar { max_removals, ..RunSoFar::default() };
        let end = self.end(endpoint_approver::handle(&self.approver, invocation(event))).await;
        self.aws().ended(end);
        match end {
            End::Crashed => self.approver = approver(&self.aws),
            End::Done => self.aws().check_done(),
            End::Failed => {}
        }
        self.aws().forget_listed();
        self.lived.count(end);
    }

    async fn ask(&mut self, request: &Request) {
        for _ in 0..ATTEMPTS {
            let event = request.event(&self.aws());
            let end = self.end(certificate_revoker::handle(&self.revoker, invocation(event))).await;
            if end == End::Crashed {
                self.revoker = revoker(&self.aws);
            }
            self.lived.count(end);
            if end == End::Done {
                return;
            }
        }
    }

    async fn end<T, E: Display>(&self, run: impl Future<Output = Result<T, E>>) -> End {
        let crashed = Arc::clone(&self.aws().crashed);
        tokio::select! {
            biased;
            () = crashed.notified() => End::Crashed,
            outcome = run => if outcome.is_ok() { End::Done } else { End::Failed },
        }
    }

    fn draw(&self, of: u8) -> u8 {
        self.aws().rng.u8(..of)
    }
}

impl Lived {
    fn count(&mut self, end: End) {
        self.runs += 1;
        self.crashes += usize::from(end == End::Crashed);
    }
}
fn approver(aws: &Arc<Mutex<Aws>>) -> endpoint_approver::App {
    let max_removals = MAX_REMOVALS.to_string();
    let variables = [
        ("LINKWARD_POLICY_SOURCE", "dynamodb:access-policy"),
        ("LINKWARD_SERVICE_IDS", SERVICE),
        ("LINKWARD_REMOVAL_GRACE", "15m"),
        ("LINKWARD_MAX_REMOVALS", &max_removals),
        ("LINKWARD_ENDPOINT_INVENTORY_TABLE", "endpoint-inventory"),
        ("LINKWARD_EVENT_BUS", "linkward"),
    ];
    let configuration = endpoint_approver::Configuration::read(environment(&variables)).unwrap();
    endpoint_approver::App::new(configuration, &sdk(aws))
}

fn revoker(aws: &Arc<Mutex<Aws>>) -> certificate_revoker::App {
    let variables = [
        ("LINKWARD_CERTIFICATE_AUTHORITY_ARNS", AUTHORITY),
        ("LINKWARD_DENY_LIST_TABLE", "deny-list"),
        ("LINKWARD_CERTIFICATE_INVENTORY_TABLE", "certificate-inventory"),
        ("LINKWARD_EVENT_BUS", "linkward"),
    ];
    let configuration = certificate_revoker::Configuration::read(environment(&variables)).unwrap();
    certificate_revoker::App::new(configuration, &sdk(aws))
}

fn sdk(aws: &Arc<Mutex<Aws>>) -> wire_replay::SdkConfig {
    let aws = Arc::clone(aws);
    answered_by(move |call| aws.lock().unwrap().respond(call))
}

fn environment(variables: &[(&str, &str)]) -> Environment {
    Environment::of(variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))
}
