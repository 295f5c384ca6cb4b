//! The Network Load Balancer: TCP through to the runtime, a PROXY header in front, healthy targets behind.

use super::Aws;
use super::check::{Checked, Examination, Finding, worst};
use crate::aws::signed::{ELB, Element};

pub(super) async fn examine(aws: &Aws, balancers: &[String], examination: &mut Examination) {
    match examination.check("loadBalancer", check(aws, balancers)).await {
        Some(groups) => examination.simple("targets", targets(aws, &groups)).await,
        None => examination.skip(&["targets"], "the load balancer has no target group"),
    }
}

/// The ARNs of the target groups.
async fn check(aws: &Aws, balancers: &[String]) -> Checked<Vec<String>> {
    if balancers.is_empty() {
        return Err(Finding::red("no load balancer is behind the service", "put an internal NLB there"));
    }
    let (mut findings, mut groups) = (Vec::new(), Vec::new());
    for arn in balancers {
        let described = aws.signed.query(&ELB, "DescribeLoadBalancers", &[("LoadBalancerArns.member.1", arn)]).await?;
        let listeners = aws.signed.query(&ELB, "DescribeListeners", &[("LoadBalancerArn", arn)]).await?;
        findings.push(balancer(&described, &listeners));
        let found = aws.signed.query(&ELB, "DescribeTargetGroups", &[("LoadBalancerArn", arn)]).await?;
        for group in found.all("TargetGroups/member") {
            let arn = group.text("TargetGroupArn");
            let attributes =
                aws.signed.query(&ELB, "DescribeTargetGroupAttributes", &[("TargetGroupArn", arn)]).await?;
            findings.push(group_finding(group.text("TargetGroupName"), &attributes));
            groups.push(arn.to_owned());
        }
    }
    match groups.is_empty() {
        true => Err(worst(findings)),
        false => Ok((worst(findings), groups)),
    }
}

fn balancer(described: &Element, listeners: &Element) -> Finding {
    let text = |path: &str| described.text(&format!("LoadBalancers/member/{path}"));
    let name = text("LoadBalancerName");
    if text("Type") != "network" || text("Scheme") != "internal" {
        return Finding::red(
            format!("{name} is {}, {}", text("Type"), text("Scheme")),
            "an endpoint service needs a Network Load Balancer, and the API an internal one",
        );
    }
    if !["active", "active_impaired"].contains(&text("State/Code")) {
        return Finding::red(
            format!("{name} is {}", text("State/Code")),
            "wait until it is active, or look why it is not",
        );
    }
    let protocols: Vec<&str> =
        listeners.all("Listeners/member").iter().map(|listener| listener.text("Protocol")).collect();
    match protocols.as_slice() {
        [] => Finding::red(format!("{name} has no listener"), "add a TCP listener that forwards to the runtime"),
        protocols if protocols.contains(&"TLS") => Finding::red(
            format!("{name} ends TLS itself"),
            "make the listener TCP: behind a TLS listener the runtime never sees a client's certificate",
        ),
        _ => Finding::green(format!("{name} is internal and active, listener {}", protocols.join(", "))),
    }
}

fn group_finding(name: &str, attributes: &Element) -> Finding {
    let members = attributes.all("Attributes/member");
    let proxy = members.iter().find(|member| member.text("Key") == "proxy_protocol_v2.enabled");
    match proxy.map(|member| member.text("Value")) {
        Some("true") => Finding::green(format!("{name} adds PROXY v2")),
        _ => Finding::red(
            format!("{name} adds no PROXY header"),
            "set `proxy_protocol_v2`: without it nobody knows through which endpoint a caller came",
        ),
    }
}

async fn targets(aws: &Aws, groups: &[String]) -> Result<Finding, Finding> {
    let mut findings = Vec::new();
    for arn in groups {
        let health = aws.signed.query(&ELB, "DescribeTargetHealth", &[("TargetGroupArn", arn)]).await?;
        findings.push(health_finding(&health));
    }
    Ok(worst(findings))
}

fn health_finding(health: &Element) -> Finding {
    let states: Vec<&str> =
        health.all("TargetHealthDescriptions/member").iter().map(|target| target.text("TargetHealth/State")).collect();
    let healthy = states.iter().filter(|state| **state == "healthy").count();
    let found = format!("{healthy} of {} healthy", states.len());
    match (healthy, states.len()) {
        (0, _) => {
            Finding::red(found, "look at the runtime's log and its `/health`, and whether the NLB may reach that port")
        }
        (healthy, all) if healthy < all => Finding::yellow(found, "look at the log of those that are not"),
        _ => Finding::green(found),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::check::Status;

    fn described(kind: &str, scheme: &str, state: &str, protocol: &str) -> Finding {
        let balancers = format!(
            "<r><LoadBalancers><member><LoadBalancerName>n</LoadBalancerName><Type>{kind}</Type><Scheme>{scheme}</Scheme><State><Code>{state}</Code></State></member></LoadBalancers></r>"
        );
        let listener = if protocol.is_empty() {
            String::new()
        } else {
            format!("<member><Protocol>{protocol}</Protocol></member>")
        };
        let listeners = format!("<r><Listeners>{listener}</Listeners></r>");
        balancer(&Element::parse(&balancers).unwrap(), &Element::parse(&listeners).unwrap())
    }

    #[test]
    fn only_an_internal_nlb_that_passes_tcp_through_is_green() {
        assert_eq!(described("network", "internal", "active", "TCP").status, Status::Green);
        for (kind, scheme, state, protocol, word) in [
            ("network", "internet-facing", "active", "TCP", "internal one"),
            ("application", "internal", "active", "TCP", "internal one"),
            ("network", "internal", "provisioning", "TCP", "until it is active"),
            ("network", "internal", "active", "TLS", "never sees"),
            ("network", "internal", "active", "", "TCP listener"),
        ] {
            let finding = described(kind, scheme, state, protocol);
            assert_eq!(finding.status, Status::Red);
            assert!(finding.remedy.as_ref().unwrap().contains(word), "{finding:?}");
        }
    }

    #[test]
    fn targets_are_counted() {
        let of = |states: &[&str]| {
            let members: String = states
                .iter()
                .map(|s| format!("<member><TargetHealth><State>{s}</State></TargetHealth></member>"))
                .collect();
            let text = format!("<r><TargetHealthDescriptions>{members}</TargetHealthDescriptions></r>");
            health_finding(&Element::parse(&text).unwrap()).status
        };
        assert_eq!(of(&["healthy", "healthy"]), Status::Green);
        assert_eq!(of(&["healthy", "unhealthy"]), Status::Yellow);
        assert_eq!((of(&["draining"]), of(&[])), (Status::Red, Status::Red));
    }
}
