//! The consumer's side: its own endpoint.

use super::Aws;
use super::check::{Examination, Finding};
use crate::aws::signed::{EC2, Element};
use crate::cli::DoctorOptions;

pub(super) async fn examine(aws: &Aws, options: &DoctorOptions, examination: &mut Examination) {
    let Some(endpoint) = &options.endpoint else {
        examination.skip(&["endpoint"], "no endpoint is named; add `--endpoint`");
        return;
    };
    examination.simple("endpoint", check(aws, endpoint.as_str())).await;
}

async fn check(aws: &Aws, endpoint: &str) -> Result<Finding, Finding> {
    let asked = [("VpcEndpointId.1", endpoint)];
    match aws.signed.query(&EC2, "DescribeVpcEndpoints", &asked).await {
        Ok(answer) => Ok(judge(endpoint, &answer)),
        Err(error) if error.code().is_some_and(|code| code.contains("NotFound")) => Err(Finding::red(
            format!("{endpoint} is not in this account and Region"),
            "look at the endpoint's id, and at the credentials; the module `consumer` makes one",
        )),
        Err(error) => Err(error.into()),
    }
}

fn judge(endpoint: &str, answer: &Element) -> Finding {
    let state = answer.text("vpcEndpointSet/item/state");
    let found = format!("{endpoint} is {}", if state.is_empty() { "not there" } else { state });
    match state.to_ascii_lowercase().as_str() {
        "available" => Finding::green(found),
        "pendingacceptance" => Finding::red(
            found,
            "the provider has not decided: its policy must list this account under `endpoints.consumers`; it can sweep at once",
        ),
        "pending" => Finding::yellow(found, "it was accepted; give it a minute"),
        "rejected" => Finding::red(
            found,
            "the provider's policy does not allow it: account, Region, service, number of endpoints or expiry; then make a new endpoint",
        ),
        _ => Finding::red(found, "make a new endpoint"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::check::Status;

    #[test]
    fn each_state_has_its_colour() {
        let of = |state: &str| {
            let text = format!("<r><vpcEndpointSet><item><state>{state}</state></item></vpcEndpointSet></r>");
            judge("vpce-0a", &Element::parse(&text).unwrap()).status
        };
        assert_eq!((of("available"), of("pending")), (Status::Green, Status::Yellow));
        for state in ["pendingAcceptance", "rejected", "deleted", "failed", "expired", ""] {
            assert_eq!(of(state), Status::Red, "{state}");
        }
    }
}
