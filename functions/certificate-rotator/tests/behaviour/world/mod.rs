//! Secrets Manager, Private CA, the inventory and the bus, as far as a rotation sees them, on the wire. They remember what
//! was done, so that a rotation can crash and go on.

pub(crate) mod authority;
pub(crate) mod secrets;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};
use wire_replay::{Answer, Call};

pub(crate) use authority::{Authority, Misissue, other_key_pem};
pub(crate) use secrets::Secrets;

/// What all of a test's invocations share.
#[derive(Clone, Default)]
pub(crate) struct World(Arc<Mutex<State>>);

#[derive(Default)]
pub(crate) struct State {
    pub(crate) secrets: Secrets,
    pub(crate) authority: Authority,
    /// Rows of the inventory, by serial number.
    pub(crate) rows: BTreeMap<String, Value>,
    /// The next calls of an operation that meet this code.
    pub(crate) faults: Vec<(&'static str, &'static str)>,
    /// After so many calls the process crashes: the last one took effect, and nobody learns of it.
    pub(crate) crash_after: Option<usize>,
    pub(crate) calls: usize,
    /// The next call of this operation is the last one before the process crashes.
    pub(crate) crash_at: Option<&'static str>,
    /// How many seconds ago each certificate was issued; the authority's clock is the machine's.
    pub(crate) ages: BTreeMap<String, i64>,
}

impl World {
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn answer(&self, call: &Call) -> Option<Answer> {
        let (answer, crashes) = {
            let mut state = self.state();
            let answer = state.answer(call);
            state.calls += 1;
            let crashes = state.crash_after == Some(state.calls) || state.crash_at == Some(&call.operation);
            state.crash_at = state.crash_at.filter(|_| !crashes);
            (answer, crashes)
        };
        assert!(!crashes, "{CRASH}");
        answer
    }
}

/// What a crash says.
pub(crate) const CRASH: &str = "the process has crashed";

impl State {
    fn answer(&mut self, call: &Call) -> Option<Answer> {
        let operation = call.operation.as_str();
        if let Some(at) = self.faults.iter().position(|(of, _)| *of == operation) {
            let (_, code) = self.faults.remove(at);
            return Some(Answer::json_error(400, code));
        }
        let outcome = match operation {
            "PutMetricData" => return Some(Answer::cbor()),
            "PutEvents" => Ok(json!({"FailedEntryCount": 0, "Entries": []})),
            "PutItem" => {
                let item = call.json()["Item"].clone();
                let serial = item["serialNumber"]["S"].as_str().unwrap().to_owned();
                if let (Some(_), Some(there)) = (call.json().get("ConditionExpression"), self.rows.get(&serial)) {
                    let fault = json!({"__type": "ConditionalCheckFailedException", "Item": there});
                    return Some(Answer::json_fault(400, &fault));
                }
                self.rows.insert(serial, item);
                Ok(json!({}))
            }
            "Query" => Ok(self.query(&call.json())),
            "DescribeSecret" | "GetSecretValue" | "PutSecretValue" | "UpdateSecretVersionStage" => {
                self.secrets.answer(operation, &call.json())
            }
            _ => self.authority.answer(operation, &call.json())?,
        };
        Some(outcome.map_or_else(|code| Answer::json_error(400, code), |body| Answer::json(&body)))
    }

    /// Whatever was issued so far was issued so much earlier.
    pub(crate) fn age(&mut self, seconds: i64) {
        for number in 1..=self.authority.issued.len() {
            *self.ages.entry(format!("ab0{number:02x}")).or_default() += seconds;
        }
    }

    fn query(&self, request: &Value) -> Value {
        let values = &request["ExpressionAttributeValues"];
        let is_wanted = |row: &&Value| {
            let text = |name: &str| row[name]["S"].as_str().unwrap_or_default().to_owned();
            let age = self.ages.get(&text("serialNumber")).copied().unwrap_or_default();
            let second = |text: &str| text.parse::<policy::Timestamp>().unwrap().as_second();
            row["identity"] == values[":identity"]
                && values.get(":key").is_none_or(|key| row["publicKeySha256"] == *key)
                && values[":now"]["S"].as_str().is_none_or(|now| text("notAfter").as_str() > now)
                && values[":since"]["S"]
                    .as_str()
                    .is_none_or(|since| second(&text("notBefore")) - age > second(since) && !text("secret").is_empty())
        };
        let rows = self.rows.values().filter(is_wanted);
        json!({"Items": rows.collect::<Vec<_>>()})
    }
}
