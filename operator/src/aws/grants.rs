//! What each function's role must allow: the `iam.json` beside it, of which Terraform makes the role, with our resources filled in.

use std::collections::BTreeMap;

use serde_json::Value;

/// The functions that have one, by the end of their name.
const DOCUMENTS: [(&str, &str); 4] = [
    ("endpoint-approver", include_str!("../../../functions/endpoint-approver/iam.json")),
    ("certificate-revoker", include_str!("../../../functions/certificate-revoker/iam.json")),
    ("certificate-rotator", include_str!("../../../functions/certificate-rotator/iam.json")),
    ("posture-reporter", include_str!("../../../functions/posture-reporter/iam.json")),
];

/// The values of the documents' `${…}`, by name.
pub(crate) type Resources = BTreeMap<&'static str, Vec<String>>;

/// One statement, of which every resource is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Grant {
    pub(crate) actions: Vec<String>,
    pub(crate) resources: Vec<String>,
    /// Condition keys that must equal a value.
    pub(crate) context: Vec<(String, String)>,
}

/// What a function must be allowed, as far as the resources are known; none for a function of another name.
pub(crate) fn grants(function: &str, resources: &Resources) -> Option<Vec<Grant>> {
    let (_, document) = DOCUMENTS.iter().find(|(name, _)| function.ends_with(name))?;
    let document: Value = serde_json::from_str(document).ok()?;
    let statements = document.get("Statement").and_then(Value::as_array)?;
    Some(statements.iter().filter_map(|statement| grant(statement, resources)).collect())
}

fn grant(statement: &Value, known: &Resources) -> Option<Grant> {
    let written = texts(statement.get("Resource")?);
    let resources: Option<Vec<Vec<String>>> = written.iter().map(|text| filled(text, known)).collect();
    let context = statement.pointer("/Condition/StringEquals").and_then(Value::as_object);
    let context = context.into_iter().flatten();
    let context = context.filter_map(|(key, value)| Some((key.clone(), texts(value).into_iter().next()?))).collect();
    // Who names no organizational units needs no Organizations, and Terraform grants it to nobody else.
    let actions = texts(statement.get("Action")?).into_iter().filter(|action| !action.starts_with("organizations:"));
    let grant = Grant { actions: actions.collect(), resources: resources?.concat(), context };
    (!grant.actions.is_empty() && !grant.resources.is_empty()).then_some(grant)
}

/// A string, or an array of them.
fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::Array(values) => values.iter().flat_map(texts).collect(),
        other => other.as_str().map(str::to_owned).into_iter().collect(),
    }
}

/// Each value of the `${…}` in a text with the text around it; none when it is not known.
fn filled(text: &str, known: &Resources) -> Option<Vec<String>> {
    let Some((before, rest)) = text.split_once("${") else { return Some(vec![text.to_owned()]) };
    let (name, after) = rest.split_once('}')?;
    Some(known.get(name)?.iter().map(|value| format!("{before}{value}{after}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_known_is_asked_for() {
        let mut known = Resources::from([("deny_list_table_arn", vec!["T".to_owned()])]);
        known.insert("certificate_inventory_table_arn", vec!["I".to_owned()]);
        let grants = grants("invoices-certificate-revoker", &known).unwrap();
        let write = Grant {
            actions: vec!["dynamodb:PutItem".to_owned(), "dynamodb:UpdateItem".to_owned()],
            resources: vec!["T".to_owned()],
            context: Vec::new(),
        };
        assert!(grants.contains(&write), "{grants:?}");
        let index = grants.iter().find(|grant| grant.actions == ["dynamodb:Query"]).unwrap();
        assert_eq!(index.resources, ["I/index/byIdentity"]);
        let metrics = grants.iter().find(|grant| grant.actions == ["cloudwatch:PutMetricData"]).unwrap();
        assert_eq!(metrics.context, [("cloudwatch:namespace".to_owned(), "Linkward".to_owned())]);
        assert!(!grants.iter().any(|grant| grant.actions.iter().any(|action| action.contains("RevokeCertificate"))));
        assert_eq!(super::grants("another-function", &known), None);
    }

    #[test]
    fn every_document_can_be_read() {
        for (name, _) in DOCUMENTS {
            assert!(grants(name, &Resources::new()).is_some(), "{name}");
        }
    }
}
