//! The event bus: there, with an enabled rule and a target for everything an operator sends.

use aws_sdk_eventbridge::Client;
use aws_sdk_eventbridge::types::{Rule, RuleState};
use serde_json::Value;

use super::Aws;
use super::check::{Finding, worst};
use crate::aws::explained;
use crate::cli::ProviderSide;

/// What operators send; without a listener a revocation would go nowhere.
const HEARD: [&str; 3] =
    ["Certificate Revocation Requested", "Certificate Denial Withdrawn", "Endpoint Sweep Requested"];

pub(super) async fn check(aws: &Aws, ours: &ProviderSide) -> Result<Finding, Finding> {
    let (client, bus) = (Client::new(&aws.sdk), ours.event_bus.as_str());
    let red = |error: anyhow::Error| {
        Finding::red(
            format!("the bus `{bus}`: {error:#}"),
            "look at its name and Region; the module `control-plane` makes it",
        )
    };
    let (mut rules, mut token) = (Vec::new(), None);
    loop {
        let page = client.list_rules().event_bus_name(bus).set_next_token(token).send().await;
        let page = page.map_err(explained).map_err(red)?;
        rules.extend(page.rules.unwrap_or_default());
        token = page.next_token;
        if token.is_none() {
            break;
        }
    }
    let mut findings = vec![Finding::green(format!("bus `{bus}`"))];
    for detail_type in HEARD {
        findings.push(listener(&client, bus, &rules, detail_type).await.map_err(red)?);
    }
    Ok(worst(findings))
}

async fn listener(client: &Client, bus: &str, rules: &[Rule], detail_type: &str) -> anyhow::Result<Finding> {
    let Some(rule) = rules.iter().find(|rule| hears(rule, detail_type)) else {
        return Ok(Finding::red(
            format!("no rule hears `{detail_type}`"),
            "make the rules of `events/*/pattern.json` again; the module `control-plane` does",
        ));
    };
    let name = rule.name().unwrap_or_default();
    if rule.state() != Some(&RuleState::Enabled) {
        return Ok(Finding::red(format!("the rule `{name}` is disabled"), "enable it: until then nobody acts on it"));
    }
    let targets = client.list_targets_by_rule().event_bus_name(bus).rule(name).send().await.map_err(explained)?;
    Ok(match targets.targets() {
        [] => Finding::red(
            format!("the rule `{name}` has no target"),
            "give it its function; the module `control-plane` does",
        ),
        _ => Finding::green(format!("`{detail_type}` is heard")),
    })
}

fn hears(rule: &Rule, detail_type: &str) -> bool {
    let pattern: Value = serde_json::from_str(rule.event_pattern().unwrap_or_default()).unwrap_or_default();
    let listed = pattern.get("detail-type").and_then(Value::as_array);
    listed.is_some_and(|listed| listed.iter().any(|value| value == detail_type))
}
