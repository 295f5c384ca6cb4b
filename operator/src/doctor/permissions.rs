//! IAM: what the functions' roles may do, by its own simulator, against what `iam.json` says they need.

use super::Aws;
use super::check::{Finding, worst};
use super::functions::Roles;
use crate::aws::grants::{self, Grant, Resources};
use crate::aws::signed::IAM;
use crate::cli::ProviderSide;
use policy_source::SourceUri;

pub(super) async fn check(aws: &Aws, ours: &ProviderSide, roles: &Roles, account: &str) -> Result<Finding, Finding> {
    let resources = resources(aws, ours, account);
    let mut findings = Vec::new();
    for (function, role) in roles {
        let grants = grants::grants(function, &resources).unwrap_or_default();
        let mut lacking = Vec::new();
        for grant in &grants {
            lacking.extend(denied(aws, role, grant).await?);
        }
        findings.push(match lacking.is_empty() {
            true => Finding::green(format!("`{function}` may do what it must")),
            false => Finding::red(
                format!("`{function}` may not {}", lacking.join(", ")),
                format!("give {role} what functions/*/iam.json says; look for a boundary or an SCP that denies it"),
            ),
        });
    }
    Ok(worst(findings))
}

/// What is refused, as `action on resource`.
async fn denied(aws: &Aws, role: &str, grant: &Grant) -> Result<Vec<String>, Finding> {
    let mut denied = Vec::new();
    for resource in &grant.resources {
        let mut asked = vec![("PolicySourceArn".to_owned(), role.to_owned())];
        asked.push(("ResourceArns.member.1".to_owned(), resource.clone()));
        asked.extend(grant.actions.iter().zip(1..).map(|(name, n)| (format!("ActionNames.member.{n}"), name.clone())));
        for ((key, value), n) in grant.context.iter().zip(1..) {
            let entry = format!("ContextEntries.member.{n}");
            asked.push((format!("{entry}.ContextKeyName"), key.clone()));
            asked.push((format!("{entry}.ContextKeyType"), "string".to_owned()));
            asked.push((format!("{entry}.ContextKeyValues.member.1"), value.clone()));
        }
        let asked: Vec<(&str, &str)> = asked.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let answer = aws.signed.query(&IAM, "SimulatePrincipalPolicy", &asked).await?;
        let results = answer.all("EvaluationResults/member");
        let refused = results.iter().filter(|result| result.text("EvalDecision") != "allowed");
        denied.extend(refused.map(|result| format!("{} on {resource}", result.text("EvalActionName"))));
    }
    Ok(denied)
}

/// What is named here, as ARNs.
pub(super) fn resources(aws: &Aws, ours: &ProviderSide, account: &str) -> Resources {
    let region = aws.sdk.region().map(|region| region.as_ref().to_owned()).unwrap_or_default();
    let partition = ours.authorities.first().and_then(|arn| arn.split(':').nth(1)).unwrap_or("aws");
    let arn = |service: &str, rest: &str| format!("arn:{partition}:{service}:{region}:{account}:{rest}");
    let table =
        |name: &str| if name.starts_with("arn:") { name.to_owned() } else { arn("dynamodb", &format!("table/{name}")) };
    let mut known = Resources::from([
        ("deny_list_table_arn", vec![table(&ours.deny_list_table)]),
        ("endpoint_inventory_table_arn", vec![table(&ours.endpoint_inventory_table)]),
        ("certificate_inventory_table_arn", vec![table(&ours.certificate_inventory_table)]),
        ("event_bus_arn", vec![arn("events", &format!("event-bus/{}", ours.event_bus))]),
        ("certificate_authority_arns", ours.authorities.clone()),
    ]);
    let services = ours.services.iter().map(|id| arn("ec2", &format!("vpc-endpoint-service/{id}"))).collect();
    known.insert("endpoint_service_arns", services);
    if let Some(SourceUri::DynamoDb(name)) = &ours.policy_source {
        known.insert("access_policy_table_arn", vec![table(name)]);
    }
    known
}
