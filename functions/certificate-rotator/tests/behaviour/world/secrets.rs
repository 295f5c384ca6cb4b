//! One secret, as strict as Secrets Manager: a version never changes, a label is on one version only.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

pub(crate) const SECRET: &str = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:orders-api-AbCdEf";

#[derive(Default)]
pub(crate) struct Secrets {
    pub(crate) versions: BTreeMap<String, Version>,
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) rotation_tokens: Vec<Value>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Version {
    pub(crate) value: Option<String>,
    pub(crate) labels: BTreeSet<String>,
}

type Outcome = Result<Value, &'static str>;

impl Secrets {
    pub(crate) fn with(&self, label: &str) -> Option<(&String, &Version)> {
        self.versions.iter().find(|(_, version)| version.labels.contains(label))
    }

    /// The JSON of the version with a label.
    pub(crate) fn value(&self, label: &str) -> Value {
        let (_, version) = self.with(label).unwrap_or_else(|| panic!("no version has {label}"));
        serde_json::from_str(version.value.as_ref().unwrap()).unwrap()
    }

    /// As RotateSecret does before it calls the function.
    pub(crate) fn begin(&mut self, version_id: &str) {
        self.label(version_id, "AWSPENDING");
    }

    pub(crate) fn label(&mut self, version_id: &str, label: &str) {
        self.versions.values_mut().for_each(|version| {
            version.labels.remove(label);
        });
        self.versions.entry(version_id.to_owned()).or_default().labels.insert(label.to_owned());
    }

    pub(crate) fn answer(&mut self, operation: &str, request: &Value) -> Outcome {
        if request["SecretId"] != SECRET {
            return Err("ResourceNotFoundException");
        }
        match operation {
            "DescribeSecret" => Ok(self.describe()),
            "GetSecretValue" => self.get(request["VersionId"].as_str().unwrap()),
            "PutSecretValue" => self.put(request),
            _ => self.update(request),
        }
    }

    fn describe(&self) -> Value {
        let labelled = self.versions.iter().filter(|(_, version)| !version.labels.is_empty());
        let stages: BTreeMap<_, _> = labelled.map(|(id, version)| (id, &version.labels)).collect();
        let tags: Vec<_> = self.tags.iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect();
        json!({"ARN": SECRET, "Name": "orders-api", "VersionIdsToStages": stages, "Tags": tags})
    }

    fn get(&self, id: &str) -> Outcome {
        let value = self.versions.get(id).and_then(|version| version.value.as_ref());
        value
            .map(|value| json!({"ARN": SECRET, "VersionId": id, "SecretString": value}))
            .ok_or("ResourceNotFoundException")
    }

    fn put(&mut self, request: &Value) -> Outcome {
        self.rotation_tokens.push(request["RotationToken"].clone());
        let id = request["ClientRequestToken"].as_str().unwrap().to_owned();
        let value = request["SecretString"].as_str().unwrap().to_owned();
        let version = self.versions.entry(id.clone()).or_default();
        if *version.value.get_or_insert_with(|| value.clone()) != value {
            return Err("ResourceExistsException");
        }
        for label in request["VersionStages"].as_array().unwrap() {
            self.label(&id, label.as_str().unwrap());
        }
        Ok(json!({"ARN": SECRET, "VersionId": id}))
    }

    fn update(&mut self, request: &Value) -> Outcome {
        let label = request["VersionStage"].as_str().unwrap();
        let has = self.with(label).map(|(id, _)| id.clone());
        let from = request["RemoveFromVersionId"].as_str().map(str::to_owned);
        if has != from {
            return Err("InvalidParameterException");
        }
        if let Some(from) = &from {
            self.versions.get_mut(from).unwrap().labels.remove(label);
        }
        let Some(to) = request["MoveToVersionId"].as_str() else { return Ok(json!({"ARN": SECRET})) };
        self.label(to, label);
        if label == "AWSCURRENT"
            && let Some(from) = from
        {
            self.label(&from, "AWSPREVIOUS");
        }
        Ok(json!({"ARN": SECRET}))
    }
}
