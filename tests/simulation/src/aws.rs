//! The modelled AWS: what it holds, what it answers, and what it must never be asked to do.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use fastrand::Rng;
use serde_json::json;
use tokio::sync::Notify;
use wire_replay::{Answer, Call, Reaction};

use crate::clock::Clock;
use crate::connections::{Connections, principals};
use crate::faults::Fault;
use crate::tables::Table;

pub(crate) const SERVICE: &str = "vpce-svc-1";
pub(crate) const AUTHORITY: &str = "arn:aws:acm-pca:eu-west-1:111122223333:certificate-authority/ca-1";
/// Seconds.
pub(crate) const GRACE: i64 = 900;
/// The model has no time between a call and the next, the functions do: so much may a time be off on a slow machine.
pub(crate) const SLACK: i64 = 59;
pub(crate) const MAX_REMOVALS: usize = 2;

/// A revision of the access policy.
#[derive(Clone, Debug, Default)]
pub(crate) struct Policy {
    pub(crate) revision: u32,
    pub(crate) consumers: BTreeSet<String>,
}

/// What the run that is under way has read and done.
#[derive(Debug, Default)]
pub(crate) struct RunSoFar {
    pub(crate) policy: Option<Policy>,
    pub(crate) frozen: Option<bool>,
    pub(crate) removals: usize,
    pub(crate) max_removals: Option<usize>,
}

/// The model. It answers one call at a time.
#[derive(Debug)]
pub struct Aws {
    pub(crate) clock: Clock,
    pub(crate) rng: Rng,
    pub(crate) connections: Connections,
    /// How many connections there have ever been.
    pub(crate) created: usize,
    pub(crate) policy: Policy,
    pub(crate) policy_down: bool,
    pub(crate) frozen: bool,
    /// Since when a policy first did not list an owner who was listed or new; what a run may count a grace from.
    pub(crate) unlisted_since: BTreeMap<String, i64>,
    pub(crate) inventory: Table,
    pub(crate) deny_list: Table,
    /// Serial numbers and whose they are.
    pub(crate) certificates: BTreeMap<String, String>,
    pub(crate) revoked: BTreeSet<String>,
    pub(crate) run: RunSoFar,
    /// Of a hundred calls, how many go wrong.
    pub(crate) trouble: u8,
    pub(crate) crashed: Arc<Notify>,
    pub(crate) violations: Vec<String>,
    /// What happened, for whoever has to understand a violation.
    pub(crate) history: Vec<String>,
    pub(crate) calls: usize,
}

impl Policy {
    pub(crate) fn lists(&self, owner: &str) -> bool {
        self.consumers.contains(owner)
    }

    pub(crate) fn document(&self) -> String {
        let consumers: Vec<_> = self.consumers.iter().map(|account| json!({ "account": account })).collect();
        json!({"version": 1, "trustDomain": "internal.example", "endpoints": {"consumers": consumers}, "callers": []})
            .to_string()
    }
}

pub(crate) fn account(number: usize) -> String {
    number.to_string().repeat(12)
}

impl Aws {
    pub(crate) fn new(seed: u64) -> Self {
        let mut aws = Self {
            clock: Clock { now: 100_000 },
            rng: Rng::with_seed(seed),
            connections: Connections::new(),
            created: 0,
            policy: Policy::default(),
            policy_down: false,
            frozen: false,
            unlisted_since: BTreeMap::new(),
            inventory: Table::new(),
            deny_list: Table::new(),
            certificates: BTreeMap::new(),
            revoked: BTreeSet::new(),
            run: RunSoFar::default(),
            trouble: 0,
            crashed: Arc::default(),
            violations: Vec::new(),
            history: Vec::new(),
            calls: 0,
        };
        aws.push_policy();
        aws.trouble = aws.rng.u8(..12);
        aws
    }

    /// Another revision, which lists each of the accounts or does not.
    pub(crate) fn push_policy(&mut self) {
        let accounts: Vec<_> = (1..=6).map(account).collect();
        let consumers: BTreeSet<_> = accounts.iter().filter(|_| self.rng.u8(..3) > 0).cloned().collect();
        for account in accounts.iter().filter(|account| !consumers.contains(*account)) {
            self.unlisted_since.entry(account.clone()).or_insert(self.clock.now);
        }
        self.policy = Policy { revision: self.policy.revision + 1, consumers };
        self.happened(format!("pushed {:?}", self.policy));
    }

    pub(crate) fn respond(&mut self, call: &Call) -> Reaction {
        self.calls += 1;
        if self.trouble > 0 && self.rng.u8(..200) == 0 {
            self.push_policy();
        }
        let fault = Fault::draw(&mut self.rng, self.trouble);
        if let Some(fault) = fault {
            self.happened(format!("  {} meets {fault:?}", call.operation));
        }
        let answer = match fault {
            Some(fault) if !fault.is_after() => None,
            _ => Some(self.answer(call, fault.is_none())),
        };
        if fault.is_some_and(Fault::is_crash) {
            self.crashed.notify_one();
        }
        match (fault, answer) {
            (Some(fault), _) => fault.reaction(call),
            (None, Some(answer)) => Reaction::Answer(answer),
            (None, None) => Reaction::Lost,
        }
    }

    pub(crate) fn happened(&mut self, what: String) {
        self.history.push(format!("{} s: {what}", self.clock.now));
    }

    pub(crate) fn violated(&mut self, violation: String) {
        self.happened(format!("VIOLATION: {violation}"));
        self.violations.push(format!("at {} s: {violation}", self.clock.now));
    }

    /// `delivered`: the answer will arrive.
    fn answer(&mut self, call: &Call, delivered: bool) -> Answer {
        match call.operation.as_str() {
            "DescribeVpcEndpointConnections" => self.describe(call),
            "DescribeVpcEndpointServicePermissions" => principals(),
            "AcceptVpcEndpointConnections" => self.change(call, true),
            "RejectVpcEndpointConnections" => self.change(call, false),
            "GetItem" => self.get_item(call, delivered),
            "Scan" => self.scan(),
            "BatchWriteItem" => self.batch_write(call),
            "PutItem" => self.put_item(call),
            "UpdateItem" => self.update_item(call),
            "Query" => self.query(call),
            "RevokeCertificate" => self.revoke(call),
            "PutMetricData" => Answer::cbor(),
            "PutEvents" => Answer::json(&json!({"FailedEntryCount": 0, "Entries": []})),
            other => panic!("the model knows no `{other}`: {}", String::from_utf8_lossy(&call.body)),
        }
    }
}
