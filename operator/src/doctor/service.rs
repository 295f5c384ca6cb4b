//! The provider's side of PrivateLink: endpoint service, load balancer, connections.

use policy::{ServiceId, Timestamp};

use super::Aws;
use super::check::{Checked, Examination, Finding, worst};
use super::load_balancer;
use crate::aws::signed::{EC2, Element};
use crate::output;

/// A connection should not wait longer: a sweep comes every few minutes.
const PENDING_SECONDS: i64 = 900;
const CHECKS: [&str; 4] = ["endpointService", "loadBalancer", "targets", "connections"];

pub(super) async fn examine(aws: &Aws, services: &[ServiceId], examination: &mut Examination) {
    if services.is_empty() {
        examination.skip(&CHECKS, "no endpoint service is named; add `--services`");
        return;
    }
    let balancers = examination.check("endpointService", check(aws, services)).await;
    match balancers {
        Some(balancers) => load_balancer::examine(aws, &balancers, examination).await,
        None => examination.skip(&["loadBalancer", "targets"], "the endpoint service is not known"),
    }
    examination.simple("connections", connections(aws, services)).await;
}

/// The ARNs of the load balancers behind the services.
async fn check(aws: &Aws, services: &[ServiceId]) -> Checked<Vec<String>> {
    let (mut findings, mut balancers) = (Vec::new(), Vec::new());
    for service in services {
        let ids = [("ServiceId.1", service.as_str())];
        let answer = aws.signed.query(&EC2, "DescribeVpcEndpointServiceConfigurations", &ids).await?;
        findings.push(service_finding(service.as_str(), &answer));
        let arns = answer.all("networkLoadBalancerArnSet/item");
        balancers.extend(arns.into_iter().map(|arn| arn.own_text().to_owned()));
    }
    Ok((worst(findings), balancers))
}

fn service_finding(service: &str, answer: &Element) -> Finding {
    let (state, acceptance) = (answer.text("serviceState"), answer.text("acceptanceRequired"));
    match (state, acceptance) {
        (state, _) if !state.eq_ignore_ascii_case("available") => Finding::red(
            format!("{service} is {}", if state.is_empty() { "not there" } else { state }),
            "look at the endpoint service in this Region; the module `provider-service` makes one",
        ),
        (_, "false") => Finding::red(
            format!("{service} accepts everybody who may ask"),
            "turn on `acceptance_required`: without it the approver decides nothing",
        ),
        _ => Finding::green(format!("{service} is available, acceptance required")),
    }
}

async fn connections(aws: &Aws, services: &[ServiceId]) -> Result<Finding, Finding> {
    let mut parameters = vec![("Filter.1.Name".to_owned(), "service-id".to_owned())];
    parameters.extend(services.iter().zip(1..).map(|(id, n)| (format!("Filter.1.Value.{n}"), id.to_string())));
    let (mut available, mut pending, mut other, mut late, mut token) = (0_u64, 0_u64, 0_u64, Vec::new(), String::new());
    loop {
        let mut asked: Vec<(&str, &str)> =
            parameters.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        if !token.is_empty() {
            asked.push(("NextToken", &token));
        }
        let page = aws.signed.query(&EC2, "DescribeVpcEndpointConnections", &asked).await?;
        for connection in page.all("vpcEndpointConnectionSet/item") {
            match connection.text("vpcEndpointState").to_ascii_lowercase().as_str() {
                "available" => available += 1,
                "pendingacceptance" => {
                    pending += 1;
                    if waited(connection) > PENDING_SECONDS {
                        late.push(connection.text("vpcEndpointId").to_owned());
                    }
                }
                _ => other += 1,
            }
        }
        token = page.text("nextToken").to_owned();
        if token.is_empty() {
            break;
        }
    }
    let found =
        format!("{} available, {pending} pending, {other} in other states", output::count(available, "connection"));
    if late.is_empty() {
        return Ok(Finding::green(found));
    }
    late.truncate(5);
    Ok(Finding::yellow(
        format!("{found}; waiting for more than {} min: {}", PENDING_SECONDS / 60, late.join(", ")),
        "see the verdicts with `linkward endpoints list --live`, and the approver's log",
    ))
}

/// In seconds.
fn waited(connection: &Element) -> i64 {
    let created: Option<Timestamp> = connection.text("creationTimestamp").parse().ok();
    created.map_or(0, |created| Timestamp::now().duration_since(created).as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::check::Status;

    #[test]
    fn a_service_that_is_away_or_lets_everybody_in_is_red() {
        let of = |inner: &str| {
            let text = format!("<r><serviceConfigurationSet><item>{inner}</item></serviceConfigurationSet></r>");
            service_finding("vpce-svc-0a", &Element::parse(&text).unwrap())
        };
        let good = "<serviceState>Available</serviceState><acceptanceRequired>true</acceptanceRequired>";
        assert_eq!(of(good).status, Status::Green);
        assert!(of(&good.replace("true", "false")).remedy.unwrap().contains("acceptance_required"));
        assert!(of(&good.replace("Available", "Deleting")).found.contains("is Deleting"));
        assert!(of("").found.contains("not there"));
    }
}
