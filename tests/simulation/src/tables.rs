//! DynamoDB's side of the model: as much of it as the functions use, with the meaning of their conditions.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use wire_replay::{Answer, Call};

use crate::aws::Aws;

pub(crate) type Table = BTreeMap<String, Value>;

impl Aws {
    pub(crate) fn get_item(&mut self, call: &Call, delivered: bool) -> Answer {
        let body = call.json();
        if body["TableName"] == "certificate-inventory" {
            return Answer::json(&json!({}));
        }
        if self.policy_down {
            return Answer::json_error(400, "AccessDeniedException");
        }
        match body["Key"]["pk"]["S"].as_str().unwrap() {
            "meta" => {
                if delivered {
                    self.run.policy = Some(self.policy.clone());
                }
                let (revision, document) = (self.policy.revision.to_string(), self.policy.document());
                Answer::json(&json!({"Item": {"pk": {"S": "meta"}, "revision": {"S": revision},
                    "document": {"S": document}, "format": {"S": "json"}}}))
            }
            "freeze" => {
                if delivered {
                    self.run.frozen = Some(self.frozen);
                }
                Answer::json(&json!({"Item": {"pk": {"S": "freeze"}, "frozen": {"BOOL": self.frozen}}}))
            }
            other => panic!("nobody asks for the item `{other}`"),
        }
    }

    pub(crate) fn scan(&self) -> Answer {
        let items: Vec<_> = self.inventory.values().map(|item| self.clock.load(item)).collect();
        Answer::json(&json!({ "Items": items }))
    }

    /// Of many rows some may be left over.
    pub(crate) fn batch_write(&mut self, call: &Call) -> Answer {
        let body = call.json();
        let (table, requests) = body["RequestItems"].as_object().unwrap().iter().next().unwrap();
        let mut left = Vec::new();
        for request in requests.as_array().unwrap() {
            if self.rng.u8(..50) == 0 {
                left.push(request.clone());
                continue;
            }
            let item = &request["PutRequest"]["Item"];
            let key = item["endpointId"]["S"].as_str().unwrap().to_owned();
            self.inventory.insert(key, self.clock.store(item));
        }
        let left = if left.is_empty() { json!({}) } else { json!({ table: left }) };
        Answer::json(&json!({ "UnprocessedItems": left }))
    }

    /// A denial: where there is none, or one withdrawn before it was asked for.
    pub(crate) fn put_item(&mut self, call: &Call) -> Answer {
        let body = call.json();
        let item = self.clock.store(&body["Item"]);
        let asked = model(&self.clock.store(&body["ExpressionAttributeValues"][":asked"]));
        let key = item["pk"]["S"].as_str().unwrap().to_owned();
        match self.deny_list.get(&key) {
            Some(there) if !is_withdrawn(there) || model(&there["withdrawnAt"]) > asked => {
                let there = self.clock.load(there);
                Answer::json_fault(400, &json!({"__type": "ConditionalCheckFailedException", "Item": there}))
            }
            _ => {
                self.deny_list.insert(key, item);
                Answer::json(&json!({}))
            }
        }
    }

    /// A withdrawal: of a denial in force that was not asked for later.
    pub(crate) fn update_item(&mut self, call: &Call) -> Answer {
        let body = call.json();
        let asked = self.clock.store(&body["ExpressionAttributeValues"][":asked"]);
        let key = body["Key"]["pk"]["S"].as_str().unwrap();
        match self.deny_list.get_mut(key) {
            Some(there) if !is_withdrawn(there) && model(&there["at"]) <= model(&asked) => {
                there["withdrawn"] = json!({"BOOL": true});
                there["withdrawnAt"] = asked;
                Answer::json(&json!({}))
            }
            _ => Answer::json_error(400, "ConditionalCheckFailedException"),
        }
    }

    /// The certificates of an identity: all of them are valid for as long as the model lasts.
    pub(crate) fn query(&self, call: &Call) -> Answer {
        let body = call.json();
        let identity = &body["ExpressionAttributeValues"][":identity"]["S"];
        let of = self.certificates.iter().filter(|(_, owner)| identity == owner.as_str());
        let item = |serial: &String| json!({"serialNumber": {"S": serial}, "certificateArn": {"S": format!("{}/certificate/1", crate::aws::AUTHORITY)}});
        Answer::json(&json!({"Items": of.map(|(serial, _)| item(serial)).collect::<Vec<_>>()}))
    }

    pub(crate) fn revoke(&mut self, call: &Call) -> Answer {
        let serial = call.json()["CertificateSerial"].as_str().unwrap().replace(':', "").to_lowercase();
        let serial = serial.trim_start_matches('0').to_owned();
        match self.revoked.insert(serial) {
            true => Answer::json(&json!({})),
            false => Answer::json_error(400, "RequestAlreadyProcessedException"),
        }
    }
}

pub(crate) fn is_withdrawn(item: &Value) -> bool {
    item["withdrawn"]["BOOL"] == json!(true)
}

/// A time of the model in an attribute.
fn model(attribute: &Value) -> i64 {
    let text = attribute["S"].as_str().unwrap_or_else(|| panic!("{attribute} is no time"));
    text.strip_prefix("model:").unwrap_or_else(|| panic!("{text} is no time of the model")).parse().unwrap()
}
